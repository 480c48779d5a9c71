"""Names of accounts, addresses of aliases, labels of devices: what they may be, and what an address means.

Everything is compared in one canonical form: NFC, lower case. What may not be in a name is what would do harm in a
path, a header field, a log line or on a terminal: slashes, quotes, angle brackets, white space, control and format
characters (bidirectional overrides among them), surrogates.

Must not know: where names are kept.
"""

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable

from postane.mail.address import split_detail

NAME_LIMIT = 255
"""Octets of a name at most: what a file name may have, and no domain is longer (RFC 5321 s4.5.3.1.2)."""

LABEL_LIMIT = 64
"""Characters of a device's label at most: it is shown in tables and logs."""

LOOPBACK_LITERALS = ("localhost", "[127.0.0.1]", "[ipv6:::1]")
"""Domains that are every post office's own (address literals: RFC 5321 s4.1.3)."""

_ORDINARY = re.compile(r"[a-z0-9_+-][a-z0-9._+-]{0,63}(@[a-z0-9][a-z0-9.-]{0,127})?")
"""Nearly every name, canonical already: known good at a glance, since each login and recipient asks."""

_HARMFUL = frozenset('/\\:"<>')  # the colon separates name from password in an import
_HARMFUL_KINDS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})


class BadName(ValueError):
    """A name cannot be used; the text says why."""


def parse_name(text: str) -> str:
    """The canonical form of an account's name, `user` or `user@domain`. Raises BadName."""
    name = fold(text)
    local_part, at, domain = name.partition("@")
    if not local_part or (at and not domain) or "@" in domain:
        raise BadName(f"{show_name(text)} is not a name: write USER or USER@DOMAIN")
    _check(name, text)
    return name


def parse_address(text: str) -> str:
    """The canonical form of an alias: a name as above, or `@domain` for a catch-all. Raises BadName."""
    if not text.startswith("@"):
        return parse_name(text)
    address = fold(text)
    if not domain_of(address) or "@" in address[1:]:
        raise BadName(f"{show_name(text)} is not an address: write USER, USER@DOMAIN or @DOMAIN")
    _check(address, text)
    return address


def parse_label(text: str) -> str:
    """A device's label without white space around it. Raises BadName."""
    label = unicodedata.normalize("NFC", text.strip())
    if not label or len(label) > LABEL_LIMIT or not label.isprintable():
        raise BadName(f"{show_name(text)} is not a label: write 1 to {LABEL_LIMIT} printable characters")
    return label


def canonical(text: str) -> str | None:
    """The canonical form of an address that somebody asks for, or None where nobody can have it."""
    if _ORDINARY.fullmatch(text):
        return text
    try:
        return parse_address(text)
    except BadName:
        return None


def fold(text: str) -> str:
    """One form for what people take to be the same name. Idempotent."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def bare_name(name: str, own_domains: frozenset[str]) -> str | None:
    """The bare name that `name` means where it is an address of an own domain, else None."""
    user, at, domain = name.rpartition("@")
    return user if at and fold_domain(domain) in own_domains else None


def fold_domain(domain: str) -> str:
    """A domain's canonical form; the dot of the root is left out."""
    return fold(domain).removesuffix(".")


def domain_of(name: str) -> str:
    """What stands behind the `@`, or nothing."""
    return name.partition("@")[2]


def meanings(local_part: str, domain: str | None, own_domains: Collection[str]) -> list[str]:
    """The names an address may mean, the first that exists is right: itself, a bare name, its domain's catch-all.

    `own_domains` are canonical. A bare name takes the mail of those and of addresses without a domain. Where nobody
    is called `joe+detail` it is joe's, before it is the catch-all's (RFC 5233 s4).
    """
    if not local_part or "@" in local_part:  # a quoted local part: "a@b"@example.org is not the account a@b
        return []
    user, detail = split_detail(local_part)
    wanted = (local_part,) if detail is None else (local_part, user)
    if domain is None:
        names = [canonical(each) for each in wanted]
    else:
        place = fold_domain(domain)
        is_own = place in own_domains
        names = [canonical(name) for each in wanted for name in (f"{each}@{place}", each if is_own else "")]
        names.append(canonical(f"@{place}"))
    return [name for name in names if name is not None]


def near_name(wanted: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, if there is one."""
    near = difflib.get_close_matches(fold(wanted), list(known), n=1, cutoff=0.7)
    return near[0] if near else None


def show_name(text: str) -> str:
    """A name as somebody gave it, fit for a message: quoted, shortened, harmful characters made visible."""
    short = text if len(text) <= LABEL_LIMIT else text[:LABEL_LIMIT] + "..."
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in f'"{short}"')


def _check(name: str, text: str) -> None:
    shown = show_name(text)
    if name.startswith("."):
        raise BadName(f"{shown} begins with a dot: a name must not")
    for letter in name:
        if letter in _HARMFUL or unicodedata.category(letter) in _HARMFUL_KINDS:
            raise BadName(f"{shown} has {_word(letter)} in it: a name must not")
    if len(name.encode()) > NAME_LIMIT:
        raise BadName(f"{shown} is too long: a name has at most {NAME_LIMIT} octets")


def _word(letter: str) -> str:
    if letter == " ":
        return "a space"
    return letter if letter.isprintable() else unicodedata.name(letter, f"the control character {ascii(letter)[1:-1]}")
