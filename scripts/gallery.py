"""Make docs/gallery/: a picture of each printed layout, drawn from the product's own sample documents.

`python scripts/gallery.py [name …]` draws all, or those named (a type, a variant, `cfdi`). Needs the PDF engine.
"""

import io
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import pypdfium2  # noqa: E402
from PIL import Image  # noqa: E402

from crm_mail.demo.document_samples import FOLDER as SAMPLES  # noqa: E402
from crm_mail.demo.document_samples import sample_document, sample_names, variant_names  # noqa: E402
from crm_mail.document_types import TYPE_FACTS, type_label  # noqa: E402
from crm_mail.documents.pdf_layouts import layout_for  # noqa: E402
from crm_mail.documents.pdf_theme import Theme  # noqa: E402
from crm_mail.documents.rendering import render_pdf  # noqa: E402

FOLDER = ROOT / "docs" / "gallery"
HEIGHT = 1000
COLOURS = 160
LOGO = SAMPLES.parent / "logo.png"
# Each in the language of its sample; one shows what a theme changes.
LANGUAGE = {"cfdi": "es"}
THEMES = {"quote": Theme(accent="#1f6f54", logo=LOGO.read_bytes(), typeface="serif")}


def draw(name: str) -> bytes:
    """The first page of a sample as PNG, `HEIGHT` pixels high."""
    data = sample_document(name)
    theme = THEMES.get(name, Theme(logo=LOGO.read_bytes() if name != "cfdi" else None))
    pdf = render_pdf(layout_for(data["type"], data), data, LANGUAGE.get(name, "it"), theme)
    page = pypdfium2.PdfDocument(pdf)[0]
    picture = page.render(scale=2 * HEIGHT / page.get_height()).to_pil().convert("RGB")
    picture = picture.resize((round(picture.width / 2), HEIGHT), Image.Resampling.LANCZOS)
    target = io.BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)
    return target.getvalue()


def page() -> str:
    """docs/gallery/README.md."""
    lines = [
        "# What the printed layouts look like",
        "",
        "Made by `python scripts/gallery.py` from the sample documents in `crm_mail/demo/samples/documents/`.",
        "Colour, logo, typeface, texts, columns and paper are the company's (see [layouts](../pdf-layouts.md)).",
        "",
    ]
    others = variant_names()
    for name in [*(kind.value for kind in TYPE_FACTS), "cfdi"]:
        title = type_label(name, "en") if name in TYPE_FACTS else "Printed form of a stamped CFDI"
        lines += [f"## {title}", "", f"![{title}]({name}.png)", ""]
        for other in (one for one in others if one.startswith(f"{name}_")):
            which = other.removeprefix(f"{name}_").replace("_", " ")
            words = f"{title}, {f'level {which}' if which.isdigit() else which}"
            lines += [f"### {words}", "", f"![{words}]({other}.png)", ""]
    return "\n".join(lines)


def main(names: list[str]) -> None:
    """Draw the samples named, or all, and write the page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or [*sample_names(), *variant_names()]:
        picture = draw(name)
        (FOLDER / f"{name}.png").write_bytes(picture)
        print(f"{name}.png {len(picture) // 1024} kB")
    (FOLDER / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
