"""The letters by which names are found and ordered: a clerk types `dalo` or `D’Alò` and means `D'Alò`."""

import unicodedata

_APOSTROPHES = str.maketrans(dict.fromkeys("‘’ʼ´`", "'"))


def plain(text: str) -> str:
    """In lower case, without accents, with one kind of apostrophe; never longer than the text was."""
    if text.isascii():
        return text.lower().replace("`", "'")
    bare = unicodedata.normalize("NFD", text.lower().translate(_APOSTROPHES))
    return unicodedata.normalize("NFC", "".join(one for one in bare if not unicodedata.combining(one)))
