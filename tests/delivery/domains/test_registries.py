"""Registries: the forms in which they come, and that an import replaces the whole one set by set."""

import time

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_mail.delivery.domains.models import PecRegistryEntry
from crm_mail.delivery.domains.registries import (
    RegistryNameInvalid,
    addresses_of_tax_codes,
    compare,
    delete_registry,
    find_registry,
    import_registry,
)
from crm_mail.delivery.domains.registry_file import Entry, Fault, RegistryUnreadable, read_registry
from crm_mail.installation import Installation
from crm_mail.permissions import PermissionDenied
from tests.factories import make_actor

INDICE = (
    "cod_amm\tDescrizione\tTipo\tTipologia Istat\tRegione\tProvincia\tComune\tMail\tTipo Mail\n"
    "x1\tUfficio acquisti\tSERVAMM\tEnti\tVeneto\tVE\tVenezia\tACQUISTI@PEC.ENTE.IT\tpec\n"
    "x1\tUrp\tSERVAMM\tEnti\tVeneto\tVE\tVenezia\turp@ente.it\taltro\n"
    "x2\tAnagrafe\tSERVAMM\tEnti\tLazio\tRM\tRoma\tnull\tpec\n"
)
AMMINISTRAZIONI = (
    "cod_amm\tdes_amm\tIndirizzo\tCf\tmail1\ttipo_mail1\tmail2\ttipo_mail2\n"
    "054\tAzienda Uno\tVia Roma, 1\t03301860544\tuno@postacert.example\tpec\tm.rossi@uno.example\taltro\n"
)
INIPEC = 'Codice Fiscale;Denominazione;Indirizzo PEC\n01234567890;"Rossi; figli";rossi@pec.example\n;;not an address\n'


@pytest.mark.parametrize(
    ("data", "entries", "counts"),
    [
        (INDICE, [Entry("acquisti@pec.ente.it", "", "Ufficio acquisti")], (3, 1, 0)),
        (AMMINISTRAZIONI, [Entry("uno@postacert.example", "03301860544", "Azienda Uno")], (1, 1, 0)),
        (INIPEC, [Entry("rossi@pec.example", "01234567890", "Rossi; figli")], (2, 0, 1)),
        ("a@pec.example\r\nA@PEC.example\r\n\r\nb@pec.example\r\n", [Entry("a@pec.example"), Entry("b@pec.example")],
         (3, 0, 0)),
    ],
)  # fmt: skip
def test_lists_are_read_by_the_names_of_their_columns(
    data: str, entries: list[Entry], counts: tuple[int, int, int]
) -> None:
    for encoded in (data.encode("utf-8-sig"), data.encode("utf-16"), data.encode("cp1252")):
        found = read_registry(encoded)
        assert list(found.entries) == entries
        assert (found.lines, found.not_certified, found.invalid_count) == counts


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b" \n", Fault.EMPTY),
        (b"PK\x03\x04\0\0", Fault.BINARY),
        (b"name;city\nAcme;Roma\n", Fault.NO_ADDRESS),
    ],
)
def test_a_file_that_is_no_list_says_why(data: bytes, fault: Fault) -> None:
    with pytest.raises(RegistryUnreadable) as refused:
        read_registry(data)
    assert refused.value.fault is fault


def test_an_import_replaces_the_registry_of_its_name_and_no_other(session: Session) -> None:
    actor = make_actor()
    import_registry(session, actor, "Other", read_registry(b"keep@pec.example\n"))
    import_registry(session, actor, "IndicePA", read_registry(b"a@pec.example\nb@pec.example\n"))
    file = read_registry(b"mail,cf\nb@pec.example,IT1\nc@pec.example,2\n")
    assert compare(session, "indicepa", file).removed == 1
    change = import_registry(session, actor, " indicePA ", file)
    assert (change.added, change.removed, change.before) == (1, 1, 2)
    entries = select(PecRegistryEntry.address).order_by(PecRegistryEntry.address)
    assert list(session.scalars(entries)) == ["b@pec.example", "c@pec.example", "keep@pec.example"]
    assert [e.address for e in addresses_of_tax_codes(session, ["IT2", ""])] == ["c@pec.example"]
    registry = find_registry(session, "Other")
    assert registry is not None
    delete_registry(session, actor, registry)
    assert list(session.scalars(entries)) == ["b@pec.example", "c@pec.example"]


def test_only_who_manages_settings_imports_and_a_registry_has_a_name(session: Session) -> None:
    file = read_registry(b"a@pec.example\n")
    with pytest.raises(PermissionDenied):
        import_registry(session, make_actor(is_admin=False), "IndicePA", file)
    with pytest.raises(RegistryNameInvalid):
        import_registry(session, make_actor(), "  ", file)


def test_a_hundred_thousand_lines_take_seconds(sqlite_home: Installation) -> None:
    head = "Codice Fiscale;Denominazione;PEC\n"
    rows = "".join(f"{n:011};Impresa {n};impresa{n}@pec{n % 500}.example\n" for n in range(100_000))
    began = time.monotonic()
    with sqlite_home.database.write() as session:
        change = import_registry(session, make_actor(), "INI-PEC", read_registry((head + rows).encode()))
        count = session.scalar(select(func.count()).select_from(PecRegistryEntry))
    assert change.addresses == count == 100_000
    assert time.monotonic() - began < 30
