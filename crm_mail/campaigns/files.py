"""Files of a mailing: their kind is read from their content, never believed from their name (pure)."""

import io
import mimetypes
import re
import zipfile

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_OFFICE = {
    b"word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_OLD_OFFICE = {
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
}
_PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe")
_PROGRAM_ENDINGS = frozenset(
    "ade adp apk app bat bin cmd com cpl dll dmg exe hta ins isp jar js jse lib lnk mde msc msi msp mst pif ps1 "  # noqa: SIM905
    "scr sct sh sys vb vbe vbs vxd wsc wsf wsh".split()
)
_ENDINGS = {
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    _OFFICE[b"word/"]: "docx",
    _OFFICE[b"xl/"]: "xlsx",
    _OFFICE[b"ppt/"]: "pptx",
}
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


def kind_of(name: str, data: bytes) -> str:
    """The media type of a file; empty for a program, which mail servers refuse."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in _PROGRAM_ENDINGS or data.startswith(_PROGRAMS) or b"vbaProject.bin" in data:
        return ""
    for magic, mime in _MAGIC:
        if data.startswith(magic):
            return mime
    if data.startswith(b"PK\x03\x04"):
        return next((mime for folder, mime in _OFFICE.items() if folder in data), "application/zip")
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return _OLD_OFFICE.get(ending, "application/octet-stream")
    guessed = mimetypes.guess_type(name)[0] or ""
    if guessed.startswith("text/") and b"\x00" not in data[:4096]:
        return guessed if guessed != "text/html" else "application/octet-stream"
    return "application/octet-stream"


def is_whole(mime: str, data: bytes) -> bool:
    """Whether a file of this kind has its end: one that was cut off opens nowhere. What has no known end is whole."""
    if mime == "application/pdf":
        return b"%%EOF" in data[-2048:]
    if mime == "image/png":
        return b"IEND" in data[-64:]
    if mime == "image/jpeg":
        return b"\xff\xd9" in data[2:]
    if mime == "image/gif":
        return data.rstrip(b"\0").endswith(b";")
    if mime == "application/zip" or mime in _OFFICE.values():
        return zipfile.is_zipfile(io.BytesIO(data))
    return True


def safe_name(name: str, mime: str) -> str:
    """A name without folders and signs that some system refuses, with the ending of its kind."""
    clean = " ".join(_UNSAFE.sub(" ", name.replace("\\", "/").rpartition("/")[2]).split()).strip(" .")[:120]
    clean = clean or "file"
    ending = _ENDINGS.get(mime, "")
    if ending and not clean.lower().endswith((f".{ending}", ".jpeg" if ending == "jpg" else f".{ending}")):
        clean = f"{clean}.{ending}"
    return clean
