"""The stylesheet of a theme, and its logo as the engine takes it. Pure."""

from __future__ import annotations

import base64
from functools import lru_cache

from crm_mail.documents.pdf_layouts import LAYOUT_FOLDER
from crm_mail.documents.pdf_theme import COLOUR, DEFAULT_ACCENT, TYPEFACES, Theme

_LOGO_KINDS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
_READABLE = 4.5  # contrast of WCAG 1.4.3
# Where the address begins below the heading and its indent, in mm: the windows of the DL envelope (Europe: 45 to
# 90 mm from the top of A4 folded in three) and of the no. 10 envelope (United States: 53 to 80 mm of Letter).
_WINDOW = {"A4": ("4", "2"), "Letter": ("8.5", "6")}


def stylesheet(theme: Theme) -> str:
    """The CSS of all layouts in the company's look; a value that is none gives the default's."""
    accent = theme.accent if COLOUR.fullmatch(theme.accent) else DEFAULT_ACCENT
    paper = theme.paper if theme.paper in _WINDOW else "A4"
    top, indent = _WINDOW[paper]
    values = {
        "ON_ACCENT": "#ffffff" if contrast(accent, "#ffffff") >= _READABLE else "#111111",
        "ACCENT_INK": readable(accent),
        "ACCENT": accent,
        "PAPER": paper,
        "TYPEFACE": TYPEFACES.get(theme.typeface, TYPEFACES["sans"]),
        "WINDOW_TOP": f"{top}mm",
        "WINDOW_INDENT": f"{indent}mm",
    }
    css = (LAYOUT_FOLDER / "base.css").read_text(encoding="utf-8")
    for name, value in values.items():
        css = css.replace(f"var(--{name})", value)
    return css


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=64)
def readable(colour: str) -> str:
    """The colour, darkened until text in it can be read on white."""
    red, green, blue = _channels(colour)
    while contrast(f"#{red:02x}{green:02x}{blue:02x}", "#ffffff") < _READABLE:
        red, green, blue = (int(channel * 0.9) for channel in (red, green, blue))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        part = channel / 255
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@lru_cache(maxsize=32)
def logo_uri(logo: bytes | None) -> str:
    """The logo as a data address; an unknown kind of picture (SVG could name files) prints nothing."""
    kind = next((kind for magic, kind in _LOGO_KINDS.items() if logo and logo.startswith(magic)), None)
    return f"data:{kind};base64,{base64.b64encode(logo).decode()}" if logo and kind else ""
