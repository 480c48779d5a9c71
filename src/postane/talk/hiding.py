"""Which part of what is typed is a secret, and how it is shown to others.

Must not know: where it is shown.
"""

import base64
import binascii
import re

from .speech import Speech

HIDDEN = "****"

SHORTEST = 4
"""Letters of a secret that is looked for in what a server says; a shorter one would be found everywhere."""

_WORD = re.compile(r"\s*(\S+)\s*")
_VERB_LIKE = re.compile(r"[A-Z]{1,12}")


def secret_start(speech: Speech, line: str, *, is_complete: bool = True) -> int | None:
    """Where in a line to the server the secret begins; None: it has none.

    Before a login nobody can tell a mistyped command from a password at the wrong moment: what is no command of the
    protocol is hidden once it `is_complete`, apart from a word in capitals at its beginning.
    """
    if speech.wants_text:
        return None
    if speech.wants_response:
        return None if line.strip() == "*" else 0
    words = list(_WORD.finditer(line))
    if not words:
        return None
    verb = speech.parse(line).verb
    first = speech.secrets_of.get(verb)
    if first is not None:
        start = words[min(first, len(words)) - 1].end()
        return start if start < len(line) else None
    if not is_complete or speech.is_logged_in or verb in speech.known:
        return None
    if speech.state.value == "password" or not _VERB_LIKE.fullmatch(words[0][1]):
        return 0
    return words[0].end() if len(words) > 1 else None


def hide(line: str, start: int | None) -> str:
    """The line without what begins there."""
    return line if start is None else f"{line[:start]}{HIDDEN}"


def secrets_in(secret: str) -> set[str]:
    """What must not be shown of what a server says: the secret, and what is in it where it is base64."""
    found = {secret}
    try:
        octets = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    texts = (part.decode("utf-8", "replace") for part in octets.split(b"\0")[2:] or [octets])
    return {text for text in (*found, *texts) if len(text) >= SHORTEST}


def redact(octets: bytes, secrets: set[str]) -> bytes:
    """What a server said, without secrets that it repeats."""
    for secret in sorted(secrets, key=len, reverse=True):
        octets = octets.replace(secret.encode("utf-8", "surrogateescape"), HIDDEN.encode())
    return octets
