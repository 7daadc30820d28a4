"""The wizard from end to end: whom, content, letter and files, test, prepare, review, commit, sent (IT-13, IT-14)."""

import io
import zipfile
from collections.abc import Callable

import docx
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.campaigns.letters import MOST_UNPACKED
from crm_mail.campaigns.models import Campaign
from crm_mail.composers import register_composers
from crm_mail.delivery.models import SenderAccount
from crm_mail.installation import Installation
from crm_mail.outbox.committing.commit import commit_run
from crm_mail.outbox.models import Message, Run
from crm_mail.outbox.states import RunState
from crm_mail.outbox.tasks import fill_one_run
from tests.campaigns.test_campaigns import make_office, word_letter
from tests.delivery.servers import FaultyServer
from tests.factories import make_actor, make_company, make_user
from tests.outbox.sending import send

Login = Callable[..., FlaskClient]
PNG = b"\x89PNG\r\n\x1a\npicture\0\0\0\0IEND\xaeB`\x82"


@pytest.fixture
def clerk(sqlite_home: Installation, login_as: Login) -> FlaskClient:
    with sqlite_home.database.write() as session:
        make_office(session)
        user = make_user(session, name="Clerk", clearance=1, is_admin=True, email="clerk@office.example")
    return login_as(user)


def test_a_mailing_goes_from_the_first_step_to_the_recipients(
    sqlite_home: Installation, clerk: FlaskClient
) -> None:
    """IT-13, IT-14, IT-16, IT-21: the whole way in the browser, with a real mail server at its end."""
    register_composers()
    begun = clerk.post(
        "/campaigns/new", data={"title": "Autumn", "document_type": "generic", "purpose": "commercial"}
    )
    here = begun.headers["Location"].removesuffix("/audience")
    counts = clerk.get(f"{here}/audience/counts?city=Torino")
    assert "3 recipients" in counts.text
    assert "Nobody agreed" in counts.text or "1" in counts.text
    assert "City: Torino" in counts.text
    assert clerk.post(f"{here}/audience", data={"city": ["Torino", ""]}).status_code == 303
    wrong = clerk.post(f"{here}/content?language=en", data={"subject": "{{ nobody }}", "body_text": "x"})
    assert (wrong.status_code, "nobody" in wrong.text) == (422, True)
    clerk.post(f"{here}/files", data={"files": [(io.BytesIO(PNG), "logo.png")], "inline": "y"})
    with sqlite_home.database.read() as session:
        (picture,) = session.scalars(select(Campaign).order_by(Campaign.id.desc())).first().files
    html = f'<p>Dear {{{{ contact.name }}}} <img src="cid:{picture.content_id}"></p>'
    text = {"subject": "News for {{ party.name }}", "body_text": "", "body_html": html}
    assert clerk.post(f"{here}/content?language=en", data=text).status_code == 303
    assert "data:image/png;base64" in clerk.get(f"{here}/content/saved?language=en").text
    letter = {"letter": (io.BytesIO(word_letter("Dear {{ contact.name }}")), "Offer.docx")}
    assert clerk.post(f"{here}/word-letter", data=letter).status_code == 303
    trial = clerk.get(f"{here}/trial-letter")
    assert docx.Document(io.BytesIO(trial.data)).paragraphs[0].text == "Dear Person 0"
    assert clerk.post(f"{here}/prepare").headers["Location"].endswith("/check")  # not tested yet
    with FaultyServer() as server:
        with sqlite_home.database.write() as session:
            session.scalars(select(SenderAccount)).one().port = server.port
        clerk.post(f"{here}/test")
        assert "Tested" in clerk.get(f"{here}/check").text
        assert [recipients for recipients, _data in server.received] == [("clerk@office.example",)]
        prepared = clerk.post(f"{here}/prepare")
        run_id = int(prepared.headers["Location"].split("/")[2])
        fill_one_run(sqlite_home, run_id)
        review = clerk.get(f"/outbox/{run_id}")
        assert "Autumn" in review.text
        assert clerk.get(here).headers["Location"].endswith(f"/outbox/{run_id}")
        assert clerk.post(f"{here}/audience", data={}).status_code == 409
        with sqlite_home.database.write() as session:
            run = session.get_one(Run, run_id)
            run.company.undo_seconds = 0
            assert commit_run(session, make_actor(), run, unknown_is_ordinary=True).messages == 2
        send(sqlite_home)
        sent = [data.decode() for recipients, data in server.received[1:]]
    assert len(sent) == 2
    assert all("Content-ID" in mail and "Offer.docx" in mail and "List-Unsubscribe" in mail for mail in sent)
    with sqlite_home.database.read() as session:
        assert session.get_one(Run, run_id).state is RunState.FINISHED
        message_id = session.scalars(select(Message.id).where(Message.run_id == run_id)).first()
    report = clerk.get(f"/outbox/{run_id}/report")
    assert (report.status_code, "Autumn" in report.text) == (200, True)
    for tab in ("", "?tab=headers", "?tab=proof", "?tab=history"):
        shown = clerk.get(f"/outbox/{run_id}/messages/{message_id}{tab}")
        assert shown.status_code == 200
    assert "Part of the mailing" in clerk.get(f"/outbox/{run_id}/messages/{message_id}?tab=why").text
    assert clerk.get(f"/outbox/{run_id}/messages/{message_id}/source").status_code == 200


def test_everybody_is_meant_only_when_it_is_ticked_and_strangers_see_nothing(
    sqlite_home: Installation, clerk: FlaskClient, login_as: Login
) -> None:
    with sqlite_home.database.write() as session:
        campaign = session.scalars(select(Campaign)).one()
        campaign.audience = {"company_id": campaign.company_id}
        other = make_company(session)
        stranger = make_user(session, grants=[("outbox:prepare", "*", other.id)])
        nobody = make_user(session)
    assert clerk.post("/campaigns/1/prepare").headers["Location"].endswith("/check")
    assert login_as(stranger).get("/campaigns/1/audience").status_code == 404
    assert login_as(nobody).get("/campaigns/").status_code == 403
    for page in (
        "/campaigns/",
        "/campaigns/new",
        "/campaigns/1/files",
        "/campaigns/1/check",
        "/campaigns/1/content",
    ):
        assert clerk.get(page).status_code == 200
    assert clerk.post("/campaigns/1/copy").status_code == 303
    assert clerk.post("/campaigns/2/delete").status_code == 303
    assert clerk.get("/campaigns/2").status_code == 404


def test_a_letter_that_unpacks_to_too_much_is_refused_before_anything_of_it_is_unpacked(
    clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Security review: the letter was filled in once before its size was looked at."""
    bomb = io.BytesIO(word_letter("x"))
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/zeros.png", bytes(MOST_UNPACKED))
    begun = clerk.post("/campaigns/new", data={"title": "B", "document_type": "generic", "purpose": ""})
    here = begun.headers["Location"].removesuffix("/audience")
    unpacked: list[bytes] = []
    monkeypatch.setattr(
        "crm_mail.campaigns.file_views.merge_docx", lambda data, _context: unpacked.append(data)
    )
    answer = clerk.post(f"{here}/word-letter", data={"letter": (io.BytesIO(bomb.getvalue()), "Offer.docx")})
    assert (answer.status_code, "too large" in answer.text, unpacked) == (422, True, [])
