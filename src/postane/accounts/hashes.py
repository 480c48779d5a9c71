"""Password hashes: how a password is kept, checked, and how much work that is.

New hashes are argon2id strings (RFC 9106). Hashes that came from another server are read by `imported` and replaced at
the first login. A refusal costs about the same work whatever is stored, and also where nothing is, so that the time
tells nobody which names exist.

Must not know: accounts, files, the event loop. The functions here are slow on purpose: call them in a thread.
"""

from dataclasses import dataclass

import argon2

from postane.wire.saslprep import Unprepared, saslprep

from . import imported


@dataclass(frozen=True, slots=True)
class Cost:
    """What one argon2id hash takes: `memory` in KiB, `passes` over it, one lane."""

    memory: int
    passes: int


FULL = Cost(memory=19 * 1024, passes=2)
"""OWASP Password Storage Cheat Sheet (2024), the least argon2id that it recommends: 19 MiB, 2 passes, 1 lane."""

LIGHT = Cost(memory=4 * 1024, passes=1)
"""For imports of many passwords at once; replaced by FULL at the first login (decision 0002)."""

SALT_OCTETS = 16
"""RFC 9106 s3.1: 16 octets are recommended for password hashing."""

ARGON2_VERSION = 0x13
"""RFC 9106 s3.1: the one that is standardized; the one before it is weaker."""

PASSWORD_LIMIT = 248
"""Octets of a password at most: RFC 2449 s4 allows 255 in a command line, "PASS " and CRLF among them."""


class BadPassword(ValueError):
    """A password cannot be used; the text says why and never repeats it."""


def octets_of(password: str) -> bytes:
    """A password as it crossed the wire; octets that are no UTF-8 are in it as surrogate escapes."""
    try:
        return password.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no octet: cannot come from a wire, and is no password
        return password.encode("utf-8", "surrogatepass")


def checked(password: str, *, is_stored: bool = False) -> str:
    """A password that the mail protocols can carry, in the form in which they compare it. Raises BadPassword.

    One that `is_stored` as it is, for APOP, has no characters newer than Unicode 3.2 (RFC 6856 s2.2).
    Octets that are no UTF-8 stay as they are: POP3 takes none (RFC 6856 s2.2), older protocols do.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in password):
        return _bounded(password)
    try:
        return _bounded(saslprep(password, is_query=not is_stored))
    except Unprepared:
        _bounded(password)  # for the better word
        raise BadPassword("the password has a control character or another one that SASLprep forbids") from None


def _bounded(password: str) -> str:
    octets = octets_of(password)
    if not octets:
        raise BadPassword("the password is empty")
    if len(octets) > PASSWORD_LIMIT:
        raise BadPassword(f"the password is longer than a PASS command can carry ({PASSWORD_LIMIT} octets)")
    if any(mark in octets for mark in (b"\r", b"\n", b"\0")):
        raise BadPassword("the password has a line end or a NUL in it, which no mail program can send")
    return password


def hash_password(password: str, cost: Cost = FULL) -> str:
    """A new argon2id string with a random salt."""
    return _hasher(cost).hash(octets_of(password))


def verify(stored: str, password: str) -> bool:
    """Whether the password is the one behind a stored hash. A hash that cannot be read fits no password."""
    octets = octets_of(password)
    if not stored.startswith("$argon2"):
        return imported.verify(stored, octets)
    try:
        return _hasher(FULL).verify(stored, octets)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def check(stored: str | None, password: str) -> bool:
    """`verify`, and where it fails the work that makes every failure alike.

    A failure costs one FULL and one LIGHT hash, be the stored one either of them or none at all. A hash from another
    server costs its own work on top, until its first login replaces it; one stronger than FULL stays (decision 0010).
    """
    if stored is not None and verify(stored, password):
        return True
    spent = None if stored is None else cost_of(stored)
    for cost in (FULL, LIGHT):
        if cost != spent:
            hash_password(password, cost)
    return False


def needs_upgrade(stored: str) -> bool:
    """Whether a stored hash is weaker than what `hash_password` makes today: no argon2id, less memory, or less work
    in all. A stronger one, of another server or of a policy that was stricter, stays as it is."""
    try:
        found = argon2.extract_parameters(stored)
    except argon2.exceptions.InvalidHashError:
        return True
    if found.type is not argon2.Type.ID or found.version < ARGON2_VERSION:
        return True
    return found.memory_cost < FULL.memory or found.memory_cost * found.time_cost < FULL.memory * FULL.passes


def cost_of(stored: str) -> Cost | None:
    """The cost of an argon2id string with one lane; None for every other hash."""
    try:
        found = argon2.extract_parameters(stored)
    except argon2.exceptions.InvalidHashError:
        return None
    if found.type is not argon2.Type.ID or found.parallelism != 1:
        return None
    return Cost(found.memory_cost, found.time_cost)


def _hasher(cost: Cost) -> argon2.PasswordHasher:
    return argon2.PasswordHasher(cost.passes, cost.memory, parallelism=1, salt_len=SALT_OCTETS)
