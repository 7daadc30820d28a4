"""An XML and a .p7m of the same invoice are two forms of one document, each judged by itself."""

from pathlib import Path

import pytest

from crm_mail.importers.documents.bundles import Door, import_together
from crm_mail.importers.formats.fatturapa import parse_fatturapa
from crm_mail.installation import Installation
from tests.factories import make_actor, make_company
from tests.importers.test_hostile_files import octets, signed

PLAIN = (Path(__file__).resolve().parents[1] / "samples" / "fatturapa" / "windows-1252.xml").read_bytes()
SIGNED = signed(b"\x24\x80" + octets(PLAIN) + b"\0\0")
BROKEN = PLAIN[: len(PLAIN) // 3]


@pytest.mark.parametrize(
    ("files", "became"),
    [
        ({"a.xml": PLAIN, "a.xml.p7m": SIGNED}, ["created", "unchanged"]),
        ({"a.xml.p7m": SIGNED, "b.xml": PLAIN}, ["created", "unchanged"]),
        ({"a.xml": BROKEN, "a.xml.p7m": SIGNED}, ["refused", "created"]),
        ({"a.xml": PLAIN, "a.xml.p7m": SIGNED[:300]}, ["created", "refused"]),
        (
            {"a.xml": PLAIN, "a.p7m": signed(b"\x24\x80" + octets(PLAIN + b"<!---->"))},
            ["created", "versions"],
        ),
    ],
)
def test_the_forms_of_an_invoice_stand_and_fall_each_by_itself(
    sqlite_home: Installation, files: dict[str, bytes], became: list[str]
) -> None:
    with sqlite_home.database.write() as session:
        (seller,) = {one.seller.vat_number for one in parse_fatturapa(PLAIN)}
        company = make_company(session, vat_number=seller)
        door = Door(session, sqlite_home.store, make_actor(), company)
        found = list(import_together(door, dict(sorted(files.items()))))
    states = [
        "refused"
        if one.result is None
        else next(n for n in ("created", "unchanged", "versions") if getattr(one.result, n))
        for one in found
    ]
    names = sorted(files)
    wanted = dict(zip(names, became, strict=True))
    assert {one.name: state for one, state in zip(found, states, strict=True)} == wanted
