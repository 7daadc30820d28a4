"""The pages of the doctor and of the registries, and their commands, against a DNS server of our own."""

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select

from crm_mail.cli import cli, frame
from crm_mail.delivery.domains.models import PecRegistryEntry
from crm_mail.delivery.models import DomainCheck
from crm_mail.installation import Installation
from crm_mail.permissions import Permission
from crm_mail.sandbox.dns import Zone, dns_server
from crm_mail.users.models import User
from tests.factories import make_account, make_company, make_user, outbox_grants

LoginAs = Callable[[User], FlaskClient]
LIST = b"Codice Fiscale;PEC\n01234567890;rossi@pec.example\n;not an address\n"


@pytest.fixture
def zone(sqlite_home: Installation) -> Iterator[Zone]:
    """The product asks this server in place of the world's."""
    zone = Zone(
        {
            "gmail.com": {"MX": ["5 mx.google.example."]},
            "acme.example": {"MX": ["10 mail.acme.example."], "TXT": ["v=spf1 +all"]},
            "mail.acme.example": {"A": ["192.0.2.1"]},
        }
    )
    with dns_server(zone) as (host, port):
        sqlite_home.settings.dns_servers = f"{host}:{port}"
        yield zone


class Office:
    def __init__(self, home: Installation) -> None:
        with home.database.write() as session:
            company = make_company(session, code="ACME", error_address="it@acme.example")
            make_account(session, company, from_address="office@acme.example", host="127.0.0.1", port=9)
            rights = outbox_grants(company.id)
            self.manager = make_user(session, grants=rights, areas=[Permission.SETTINGS_MANAGE])
            self.clerk = make_user(session, grants=rights)
            session.flush()


@pytest.fixture
def office(sqlite_home: Installation, zone: Zone) -> Office:
    return Office(sqlite_home)


def test_a_domain_is_looked_at_and_the_page_shows_what_to_publish(
    office: Office, sqlite_home: Installation, login_as: LoginAs
) -> None:
    client = login_as(office.manager)
    assert "Not checked yet" in client.get("/accounts/doctor").text
    assert client.post("/accounts/doctor", data={"domain": "other.example"}).status_code == 404
    assert client.post("/accounts/doctor", data={"domain": "acme.example"}).status_code == 303
    page = client.get("/accounts/doctor").text
    for text in (
        "v=spf1 +all",
        "v=spf1 ~all",
        "v=DMARC1; p=none; rua=mailto:it@acme.example",
        "_dmarc.acme.example",
    ):
        assert text in page, text
    with sqlite_home.database.read() as session:
        assert session.scalars(select(DomainCheck.domain)).all() == ["acme.example"]


def test_an_import_is_shown_before_it_is_done(
    office: Office, sqlite_home: Installation, login_as: LoginAs
) -> None:
    def entries() -> list[str]:
        with sqlite_home.database.read() as session:
            return list(session.scalars(select(PecRegistryEntry.address)))

    client = login_as(office.manager)
    upload = {"name": "INI-PEC", "file": (io.BytesIO(LIST), "lista.csv")}
    page = client.post("/accounts/pec-registries", data=upload)
    assert (page.status_code, entries()) == (200, [])
    assert "not an address" in page.text
    token = re.findall(r'name="token" value="(\w+)"', page.text)[0]
    answer = {"token": token, "name": "INI-PEC", "file_name": "lista.csv"}
    assert client.post("/accounts/pec-registries/import", data=answer).status_code == 303
    assert entries() == ["rossi@pec.example"]
    assert (
        client.post("/accounts/pec-registries/import", data=answer).status_code == 303
    )  # twice: said, not done
    assert client.post("/accounts/pec-registries/import", data={"token": "../x"}).status_code == 404
    assert client.post("/accounts/pec-registries/1/delete").status_code == 303
    assert entries() == []
    bad = {"name": "x", "file": (io.BytesIO(b"name;city\nAcme;Roma\n"), "x.csv")}
    refused = client.post("/accounts/pec-registries", data=bad)
    assert refused.status_code == 422
    assert "No column of the file" in refused.text


def test_only_who_manages_settings_opens_these_pages(office: Office, login_as: LoginAs) -> None:
    client = login_as(office.clerk)
    for path in ("/accounts/doctor", "/accounts/pec-registries"):
        assert client.get(path).status_code == 403
        assert client.post(path).status_code == 403


def test_the_commands_say_what_the_pages_do(
    office: Office, sqlite_home: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = sqlite_home.settings
    monkeypatch.setenv("CRM_MAIL_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("CRM_MAIL_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("CRM_MAIL_DNS_SERVERS", settings.dns_servers)
    monkeypatch.setattr(frame, "is_current", lambda _database: True)
    file = tmp_path / "pec.csv"
    file.write_bytes(LIST)

    def run(*arguments: str) -> dict[str, Any]:
        found = CliRunner().invoke(cli, [*arguments, "--json"])
        assert found.exit_code == 0, found.output
        return dict(json.loads(found.stdout))

    dry = run("pec-registry", "import", str(file), "--source", "INI-PEC", "--dry-run")
    assert (dry["addresses"], dry["invalid"], dry["written"]) == (1, 1, False)
    assert run("pec-registry", "import", str(file), "--source", "INI-PEC")["added"] == 1
    assert run("pec-registry", "list")["registries"][0]["addresses"] == 1
    found = {one["check"]: one for one in run("doctor", "--company", "acme", "--no-connect")["acme.example"]}
    assert (found["spf"]["level"], found["dmarc"]["level"], found["tls"]["level"]) == (
        "error",
        "error",
        "unchecked",
    )
