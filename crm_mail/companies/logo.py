"""A company's logo: PNG or JPEG, told by its content, small enough for a PDF's head. Pure."""

import io

from PIL import Image

from crm_mail.companies.company_rules import CompanyInvalid, Problem, problem

MAX_BYTES = 1_000_000
MAX_PIXELS = 4_000_000
_MIMES = {"PNG": "image/png", "JPEG": "image/jpeg"}


def image_mime(data: bytes) -> str:
    """`image/png` or `image/jpeg` by the first bytes of a kept logo; the file's name is never asked."""
    return _MIMES["PNG"] if data.startswith(b"\x89PNG\r\n\x1a\n") else _MIMES["JPEG"]


_ENDS = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}
"""What a whole image ends with: loading alone does not tell once WeasyPrint has made Pillow lenient, process-wide."""


def check_logo(data: bytes) -> str:
    """The image's type; the whole image is decoded once, so a damaged or disguised file does not get in.

    Raises:
        CompanyInvalid: not a PNG or JPEG, damaged, over 1 MB or over four million pixels.
    """
    if len(data) > MAX_BYTES:
        raise CompanyInvalid([problem("logo", Problem.IMAGE_TOO_LARGE, limit="1 MB")])
    try:
        with Image.open(io.BytesIO(data), formats=list(_MIMES)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise CompanyInvalid([problem("logo", Problem.IMAGE_TOO_LARGE, limit="2000 × 2000")])
            image.load()
            if _ENDS[str(image.format)] not in data[-1024:]:
                raise ValueError("cut off")
            return _MIMES[str(image.format)]
    except CompanyInvalid:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise CompanyInvalid([problem("logo", Problem.NOT_AN_IMAGE)]) from None
