"""Unique-ids: how they are made, checked, and kept for a hundred thousand messages (RFC 1939 s7, UIDL).

A drop has a random token for its life, a message a uid that is never used again; the two together are its unique-id.
So one never returns, not even when a drop is removed and made again. One that came with an import is kept as it was.

Must not know: where they are stored.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import overload

from .base import UIDL_LIMIT, UidlRefused

_GIVEN = re.compile(rf"[\x21-\x7e]{{1,{UIDL_LIMIT}}}")

TOKEN_OCTETS = 9
"""Randomness of a drop's token: 72 bits, written as 12 letters."""


def new_token() -> str:
    """A token for a new drop."""
    return secrets.token_urlsafe(TOKEN_OCTETS)


def format_uidl(token: str, uid: int) -> str:
    """The unique-id of a message that came without one. Clients remember it: the form never changes."""
    return f"{token}.{uid}"


def parse_uidl(token: str, uidl: str) -> int | None:
    """The uid whose unique-id that would be in the drop with that token; None where it is somebody else's.

    An import may bring one back that this drop once gave, but not one that it gives now or will give.
    """
    stem, dot, uid = uidl.rpartition(".")
    is_ours = stem == token and dot and uid.isascii() and uid.isdecimal() and uid == str(int(uid))
    return int(uid) if is_ours else None


def check_uidl(uidl: str) -> None:
    """Raises UidlRefused unless `uidl` may be one: 1 to 70 characters from 0x21 to 0x7E (RFC 1939 s7)."""
    if not _GIVEN.fullmatch(uidl):
        raise UidlRefused(f"{uidl!r} is not a unique-id: 1 to {UIDL_LIMIT} printable characters, no space")


class Uidls(Sequence[str]):
    """A column of unique-ids that holds no text but for those that were given."""

    __slots__ = ("_given", "_token", "_uids")

    def __init__(self, token: str, uids: Sequence[int], given: Mapping[int, str]) -> None:
        self._token = token
        self._uids = uids
        self._given = given

    def __len__(self) -> int:
        return len(self._uids)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "Uidls": ...
    def __getitem__(self, index: int | slice) -> "str | Uidls":
        if isinstance(index, slice):
            return Uidls(self._token, self._uids[index], self._given)
        uid = self._uids[index]
        return self._given.get(uid) or format_uidl(self._token, uid)

    def __iter__(self) -> Iterator[str]:
        stem = format_uidl(self._token, 0)[:-1]
        if not self._given:
            return map(stem.__add__, map(str, self._uids))
        given = self._given
        return (given.get(uid) or stem + str(uid) for uid in self._uids)
