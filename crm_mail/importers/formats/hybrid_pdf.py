"""The invoice inside a PDF (Factur-X, ZUGFeRD, XRechnung): found in a process of its own, never in ours.

A PDF is the most hostile of formats and pypdf, on which factur-x leans, has had many crafted-file troubles:
the search runs under limits, and only the XML that it finds comes back.
"""

import logging
from typing import Final

from crm_mail.importers.base import ImportRefused
from crm_mail.importers.formats.hardened_xml import DEFAULT_SIZE_LIMIT
from crm_mail.importers.formats.sandboxed import ParserFailed, run_limited

SECONDS: Final = 20
MEGABYTES: Final = 1024


def extract_invoice_xml(pdf: bytes) -> bytes | None:
    """Give the XML invoice that a PDF carries; None when it carries none.

    Raises ImportRefused("damaged_pdf") when it cannot be opened, parser_timeout or parser_died past the limits.
    """
    try:
        return run_limited(find_embedded_xml, pdf, SECONDS, MEGABYTES) or None
    except ParserFailed as failed:
        raise ImportRefused("damaged_pdf", detail=str(failed).partition(":")[2].strip() or "?") from None


def find_embedded_xml(pdf: bytes) -> bytes:
    """The XML of a hybrid PDF, empty when there is none. Runs in the child process only."""
    from facturx import get_xml_from_pdf  # noqa: PLC0415  (a second to import, and wanted in the child only)

    logging.disable(logging.CRITICAL)  # its log would tell what the document says
    _name, xml = get_xml_from_pdf(pdf, check_xsd=False)
    return bytes(xml[: DEFAULT_SIZE_LIMIT + 1]) if xml else b""  # one byte too many is refused by its reader
