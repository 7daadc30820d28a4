"""The media type of a file that came with a document: by its content where that says it, else by its name."""

import mimetypes
from typing import Final

from crm_mail.importers.formats.detect import FileFormat, sniff_document_format

_BY_CONTENT: Final = {
    FileFormat.PDF: "application/pdf",
    FileFormat.ZIP: "application/zip",
    FileFormat.FATTURAPA_P7M: "application/pkcs7-mime",
}


def mime_of(name: str, content: bytes) -> str:
    """`application/pdf`…; `application/octet-stream` where nothing is known."""
    by_content = _BY_CONTENT.get(sniff_document_format(content))
    return by_content or mimetypes.guess_type(name)[0] or "application/octet-stream"
