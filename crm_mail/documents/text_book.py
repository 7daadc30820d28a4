"""The texts in use in a company: its own where it wrote one, the built-in ones otherwise. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from crm_mail.document_types import text_language
from crm_mail.documents.builtin_texts import MessageText, builtin_text

BUILTIN_VERSION = 0


@dataclass(frozen=True, slots=True)
class TextInUse:
    """A text and its version; 0 is the built-in text."""

    text: MessageText
    version: int

    @property
    def is_own(self) -> bool:
        """Whether the company wrote it."""
        return self.version > BUILTIN_VERSION


class TextBook:
    """A company's texts for one run: read once, then asked for every message."""

    def __init__(self, own: Mapping[tuple[str, str], TextInUse]) -> None:
        self._own = own

    def text(self, name: str, language: str) -> TextInUse:
        """The text in use for a name in the nearest of our languages."""
        short = text_language(language)
        found = self._own.get((name, short))
        return found if found is not None else TextInUse(builtin_text(name, short), BUILTIN_VERSION)
