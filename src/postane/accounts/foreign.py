"""Hashes in other people's tables: read where they are at each login, and never moved.

What stands there is `{SCHEME}value`, or a value alone of the scheme that the administrator names. A password in clear
counts only where it is said to be one: `{PLAIN}value`, or the scheme `PLAIN`.

Must not know: where the values come from.
"""

import hmac
import re

from . import hashes, imported
from .imported import Credential, HashError

_TAGGED = re.compile(r"\{[A-Za-z0-9][A-Za-z0-9.-]*\}")


def read_stored(value: str | None, scheme: str) -> Credential:
    """What a value means; an empty Credential, which fits no password, for none. Raises HashError."""
    if not value:
        return Credential()
    text = value if _TAGGED.match(value) else f"{{{scheme}}}{value}"
    return imported.parse(text)


def check_scheme(scheme: str) -> str:
    """The scheme in capitals. Raises HashError where it is not known."""
    name = scheme.upper()
    if name.partition(".")[0] not in imported.schemes():
        raise HashError(f"{scheme!r} is no scheme: there are {', '.join(imported.schemes())}")
    return name


def fits(stored: Credential, password: str) -> bool:
    """Whether the password is the one that is stored. As slow as `hashes.check`: call it in a thread."""
    octets = hashes.octets_of(password)
    if stored.password is not None and hmac.compare_digest(hashes.octets_of(stored.password), octets):
        return bool(octets)
    return hashes.check(stored.hash, password)


def needs_upgrade(stored: Credential) -> bool:
    """Whether what is stored is not what `stronger` makes today."""
    return stored.hash is None or hashes.needs_upgrade(stored.hash)


def stronger(password: str) -> str:
    """A new hash, tagged so that other servers that read the table know it too. Slow."""
    return f"{{ARGON2ID}}{hashes.hash_password(password)}"
