"""One line of a passwd-file, as Dovecot reads them: `user:password:uid:gid:gecos:home:shell:extra fields`.

Everything behind the name may be missing. Of the rest this post office needs the password, and of the extra fields the
quota and what keeps somebody from logging in. A restriction that cannot be kept here is never passed over: its account
receives mail and lets nobody in.

Must not know: files.
"""

import re
from dataclasses import dataclass, field

from postane.maildrop.base import Quota

from .base import Account
from .imported import HashError
from .kept import Kept, parse_kept
from .names import BadName, parse_name

FIELDS = 8
"""The extra fields are the last; colons in them are their own."""

_LOCKED = ("*", "!")
"""How a password begins that is none, in passwd(5) and shadow(5)."""

_KILO, _FACTORS = 1024, "bkmgt"
_POWERS = {"size": 0, "bytes": 0, "storage": 1}
_COUNT = re.compile(r"[0-9]{1,15}")
_SIZE = re.compile(r"([0-9]{1,12})([bkmgt]?)(?:i?b)?", re.IGNORECASE)
_RESTRICTIONS = {
    "nologin": "",
    "allow_nets": "allow_nets cannot be kept here: nobody may log in",
    "allow_real_nets": "allow_real_nets cannot be kept here: nobody may log in",
    "proxy": "",  # whoever is sent on has no maildrop here to read
}


class BadLine(ValueError):
    """A line of nobody; the text says why, and never repeats a password."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a line says. `trouble`: what the administrator should know of it."""

    account: Account
    kept: Kept = field(repr=False)
    trouble: str = ""


def parse_line(text: str, scheme: str) -> Entry | None:
    """Read a line without its end; None for a comment or nothing. Raises BadLine."""
    if not text.strip() or text.startswith("#"):
        return None
    name, *fields = text.split(":", FIELDS - 1)
    try:
        name = parse_name(name)
    except BadName as error:
        raise BadLine(str(error) if fields else "a line is NAME:PASSWORD:..., and this one has no colon") from None
    kept, bad_hash = _kept(fields[0] if fields else "", scheme)
    extra = _extra_fields(fields[-1]) if len(fields) == FIELDS - 1 else {}
    quota, bad_quota = _quota(extra)
    restrictions = [key for key in _RESTRICTIONS if key in extra]
    account = Account(name, name, is_enabled=not restrictions, quota=quota)
    troubles = [words for words in (bad_hash, bad_quota, *map(_RESTRICTIONS.get, restrictions)) if words]
    return Entry(account, kept, "; ".join(troubles))


def _kept(text: str, scheme: str) -> tuple[Kept, str]:
    """What is kept, and what is wrong with it: a name without a password is known all the same, so that its mail is
    taken, and so that no other store's account of that name reads it."""
    if text.startswith(_LOCKED):
        return Kept(), ""
    try:
        return parse_kept(text, scheme), ""
    except HashError as error:
        return Kept(), f"{error}: nobody may log in"


def _extra_fields(text: str) -> dict[str, str]:
    pairs = (word.partition("=") for word in text.split())
    return {key: value for key, _, value in pairs}


def _quota(extra: dict[str, str]) -> tuple[Quota, str]:
    """`userdb_quota_rule=*:storage=1G:messages=100`, or since Dovecot 2.4 `userdb_quota_storage_size=1G`; and what is
    wrong with it."""
    limits = {"size": extra.get("userdb_quota_storage_size", "0")}
    rule = extra.get("userdb_quota_rule", "")
    if rule.startswith("*:"):
        limits |= dict(limit.split("=", 1) for limit in rule[2:].split(":") if "=" in limit)
    sizes = [_parse_size(limits.get(key, "0"), power) for key, power in _POWERS.items()]
    messages = limits.get("messages", "0")
    if None in sizes or not _COUNT.fullmatch(messages):
        return Quota(), "the quota cannot be read, write for example userdb_quota_rule=*:storage=1G: there is none"
    octets = max(size or 0 for size in sizes)
    return Quota(octets or None, int(messages) or None), ""


def _parse_size(text: str, power: int) -> int | None:
    """Octets; a number alone is of 1024 to this power. 0: no limit, as there. None: it cannot be read."""
    found = _SIZE.fullmatch(text)
    if found is None:
        return None
    unit: int = _KILO ** (_FACTORS.index(found[2].lower()) if found[2] else power)
    return int(found[1]) * unit
