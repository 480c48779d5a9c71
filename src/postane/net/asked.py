"""What somebody asks of TLS in words, as a policy.

Must not know: where the words come from.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from .base import TlsMode, TlsPolicy

MINIMA = ("1.2", "1.3")


class TlsWords(TypedDict, total=False):
    """The fields of a TlsPolicy by the words that a person has for them; files by their paths."""

    tls: str
    tls_ca: str
    tls_pin: str
    tls_minimum: str
    tls_check: bool
    tls_certificate: str
    tls_key: str


def read_policy(words: TlsWords, usual: TlsMode) -> TlsPolicy:
    """The policy; `usual` is when TLS begins where nothing is said of that. Raises ValueError with what is wrong."""
    from .pins import parse_pin  # which imports all that is known of certificates

    mode, minimum = words.get("tls", usual), words.get("tls_minimum", MINIMA[0])
    if mode not in list(TlsMode):
        raise ValueError(f"tls is {_choice(TlsMode)}, not {mode!r}")
    if minimum not in MINIMA:
        raise ValueError(f"tls_minimum is {_choice(MINIMA)}, not {minimum!r}")
    pin = words.get("tls_pin")
    return TlsPolicy(
        mode=TlsMode(mode),
        authority=_path(words.get("tls_ca")),
        pin=None if pin is None else parse_pin(pin),
        minimum=minimum,
        is_checked=words.get("tls_check", True),
        certificate=_path(words.get("tls_certificate")),
        key=_path(words.get("tls_key")),
    )


def _choice(words: Iterable[str]) -> str:
    return " or ".join(f'"{word}"' for word in words)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
