"""The message catalogues, by gettext (docs/decisions/0006-languages.md).

`TAG.po` has the words, as translators write them; `TAG.mo`, made of it by `tools/languages.py`, is what is read.

Must not know: any protocol.
"""

import gettext
from collections.abc import Sequence
from importlib import resources

from postane.wire.phrases import Tongue

NAMES = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "ja": "日本語", "tr": "Türkçe"}
"""Every language, in the order in which they are listed; English has no catalogue, the texts are English."""


def load_tongues(tags: Sequence[str] = tuple(NAMES)) -> tuple[Tongue, ...]:
    """The languages with their words."""
    return tuple(Tongue(tag, NAMES[tag], None if tag == "en" else _Catalogue(tag)) for tag in tags)


class _Catalogue:
    """A `Translate` by a catalogue."""

    def __init__(self, tag: str) -> None:
        with resources.files(__package__).joinpath(f"{tag}.mo").open("rb") as file:
            self._words = gettext.GNUTranslations(file)

    def __call__(self, one: str, many: str, count: int) -> str:
        return self._words.ngettext(one, many, count) if many else self._words.gettext(one)
