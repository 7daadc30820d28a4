"""The one registry of document formats: which reader turns the bytes of a file into documents.

A reader is pure: bytes in, documents out, ImportRefused for a file that cannot be kept. It leaves `direction`
None unless the format itself says it; whose company we are is decided here, once for every format.
"""

from collections.abc import Callable, Collection
from typing import Final

from crm_mail.importers.base import ImportRefused, ParsedDocument
from crm_mail.importers.documents.limits import check_limits
from crm_mail.importers.formats.canonical import NO_SURROUNDINGS, Surroundings, read_canonical
from crm_mail.importers.formats.cfdi import parse_cfdi
from crm_mail.importers.formats.detect import FileFormat, describe_format, sniff_document_format
from crm_mail.importers.formats.easyfatt import read_easyfatt
from crm_mail.importers.formats.en16931 import read_hybrid_pdf, read_ubl_or_cii
from crm_mail.importers.formats.fatturapa import orient_document, parse_fatturapa
from crm_mail.importers.formats.hardened_xml import DEFAULT_SIZE_LIMIT, check_size
from crm_mail.importers.formats.pain001 import parse_pain001
from crm_mail.importers.formats.sifen import parse_sifen
from crm_mail.words import N_

Reader = Callable[[bytes], list[ParsedDocument]]


def _read_fatturapa(data: bytes) -> list[ParsedDocument]:
    return list(parse_fatturapa(data))


READERS: Final[dict[FileFormat, Reader]] = {
    FileFormat.FATTURAPA: _read_fatturapa,
    FileFormat.FATTURAPA_P7M: _read_fatturapa,
    FileFormat.CFDI: parse_cfdi,
    FileFormat.SIFEN: parse_sifen,
    FileFormat.PAIN001: parse_pain001,
    FileFormat.EASYFATT: read_easyfatt,
    FileFormat.UBL: read_ubl_or_cii,
    FileFormat.CII: read_ubl_or_cii,
    FileFormat.PDF: read_hybrid_pdf,
    FileFormat.XML: _read_fatturapa,  # a broken one may hide its root; the reader refuses the others
}
"""Each format that becomes documents by its bytes alone; canonical JSON has its reader too.

What is missing here is refused with a word on what to do.
"""


def read_documents(
    data: bytes,
    *,
    own_tax_ids: Collection[str] = (),
    size_limit: int = DEFAULT_SIZE_LIMIT,
    surroundings: Surroundings = NO_SURROUNDINGS,
) -> list[ParsedDocument]:
    """Recognise a file by its content and give its documents, each with its direction where it is known.

    Arguments: `own_tax_ids`, VAT numbers and tax codes of our own company; `size_limit` in bytes;
    `surroundings`, what a canonical document needs to know.
    Raises ImportRefused when the format is not read, or by the reader of the format.
    """
    check_size(data, size_limit)
    found = sniff_document_format(data)
    if found is FileFormat.JSON:
        return list(map(check_limits, read_canonical(data, surroundings)))
    reader = READERS.get(found)
    if reader is None:
        what, remedy = describe_format(found)
        raise ImportRefused("wrong_format", found=what, expected=N_("an electronic document"), remedy=remedy)
    return [
        parsed if parsed.direction is not None else orient_document(parsed, own_tax_ids)
        for parsed in map(check_limits, reader(data))
    ]
