"""SMPP from end to end: a text leaves by a real local server, its report and a STOP are fetched (issue 6, §5)."""

from sqlalchemy import select

from crm_mail.delivery.models import SmsReceipt, Suppression
from crm_mail.delivery.sms.account_service import add_sms_account
from crm_mail.delivery.sms.accounts import SmsAccountDetails
from crm_mail.delivery.sms.gateway import GatewayConfig, GatewayProtocol
from crm_mail.delivery.transports import Security
from crm_mail.events import handling
from crm_mail.events.kinds import RuleChannel
from crm_mail.evidence.smpp_reports import fetch_reports
from crm_mail.installation import Installation
from crm_mail.outbox.models import Message
from crm_mail.outbox.sending.worker import run_worker
from crm_mail.outbox.states import MessageState
from crm_mail.users.actors import build_actor
from tests import factories
from tests.delivery.smpp_server import SmppServer
from tests.events.making import make_office, make_rule, make_standing, post


def test_a_text_by_smpp_is_reported_on_and_its_reader_may_say_stop(sqlite_home: Installation) -> None:
    home = sqlite_home
    with SmppServer() as server:
        with home.database.write() as session:
            company, user = make_office(session)
            admin = build_actor(session, factories.make_user(session, is_admin=True))
            config = GatewayConfig(protocol=GatewayProtocol.SMPP)
            details = SmsAccountDetails(
                "SMPP",
                "ACME",
                config,
                username="acme",
                host="127.0.0.1",
                port=server.port,
                security=Security.NONE,
            )
            add_sms_account(session, admin, company.id, details, "secret", home.encrypt)
            standing = make_standing(session, company, user, ("receipt",))
            party = factories.make_party(session, company, code="C1")
            factories.make_contact(session, party, (), ("receipt",), mobile="333 1234567")
            make_rule(
                session,
                company,
                user,
                "collection.recorded",
                authorisation_id=standing,
                channel=RuleChannel.SMS,
            )
            data = {"party_code": "C1", "amount": "10", "currency": "EUR"}
            post(session, company, "collection.recorded", 1, data)
        handling.tend(home)
        run_worker(home, until_idle=True)
        assert [one.number for one in server.taken] == ["393331234567"]
        with home.database.read() as session:
            assert session.scalars(select(SmsReceipt.provider_id)).all() == ["M1"]
        report = (
            b"id:M1 sub:001 dlvrd:001 submit date:2611221000 done date:2611221001 stat:UNDELIV err:001 text:"
        )
        server.waiting = [(report, 4, "393331234567"), (b"BASTA", 0, "393331234567")]
        assert fetch_reports(home, quiet_seconds=1) == 2
    with home.database.read() as session:
        message = session.scalars(select(Message)).one()
        assert (message.state, message.last_detail) == (MessageState.BOUNCED, "UNDELIV")
        assert session.scalars(select(Suppression.reason)).all() == ["by_reader"]
