"""POP URLs: where a maildrop is, whose it is, and perhaps by which mechanism to log in.

RFC 2384 s3, s4 and s8 (`pop://user;AUTH=mechanism@host:port`). Beside `pop`, which means the same as
`pop3`, there are `pop3s` with TLS from the first octet, and `pop2s`, `pop2`, `pop1s`, `pop1`.

Must not know: how to connect.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote, unquote


class Version(StrEnum):
    """Which Post Office Protocol."""

    POP3 = "pop3"
    POP2 = "pop2"
    POP1 = "pop1"


_SCHEMES: dict[str, tuple[Version, bool, int | None]] = {
    "pop3s": (Version.POP3, True, 995),  # RFC 8314 s7.1
    "pop3": (Version.POP3, False, 110),
    "pop": (Version.POP3, False, 110),  # RFC 2384 s3
    "pop2s": (Version.POP2, True, None),
    "pop2": (Version.POP2, False, 109),
    "pop1s": (Version.POP1, True, None),
    "pop1": (Version.POP1, False, None),  # none was ever registered
}

SCHEMES = tuple(_SCHEMES)
"""What a URL may begin with, before `://`."""

_AUTH = re.compile(r";auth=", re.IGNORECASE)
_HOST = re.compile(r"\[([0-9A-Fa-f:.]+(?:%25[\w.-]+)?)\]|([^\s\[\]:@/?#%]+)")  # %25 is before a zone
ANY = "*"


@dataclass(frozen=True, slots=True)
class PopUrl:
    """`is_tls`: from the first octet. `mechanism` is None where any will do (RFC 2384 s4: `AUTH=*`, or nothing)."""

    version: Version
    host: str
    port: int
    is_tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    mechanism: str | None = None

    def __str__(self) -> str:
        """Without the password."""
        return _format(self, "")


def parse_url(text: str) -> PopUrl:
    """Read a URL. Raises ValueError with what is wrong, which never repeats what could be a password."""
    scheme, separator, rest = text.strip().partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        raise ValueError(f"a URL of a maildrop begins with {', '.join(f'{each}://' for each in SCHEMES)}")
    version, is_tls, port = _SCHEMES[scheme.lower()]
    login, _, place = rest.rstrip("/").rpartition("@")
    user, password, mechanism = _parse_login(login) if "@" in rest else (None, None, None)
    host, given = _parse_place(place)
    port = given if given is not None else port
    if port is None:
        raise ValueError(f"{scheme} has no port of its own: write {scheme}://{host}:PORT")
    return PopUrl(version, host, port, is_tls, user, password, mechanism)


def format_url(url: PopUrl) -> str:
    """The URL with all that is in it, its password too."""
    return _format(url, "" if url.password is None else f":{quote(url.password, safe='')}")


def _format(url: PopUrl, password: str) -> str:
    scheme = f"{url.version}s" if url.is_tls else str(url.version)
    login = ""
    if url.user is not None or url.mechanism is not None:
        mechanism = "" if url.mechanism is None else f";AUTH={_format_mechanism(url.mechanism)}"
        login = f"{quote(url.user or '', safe='')}{mechanism}{password}@"
    host = f"[{url.host.replace('%', '%25')}]" if ":" in url.host else url.host
    port = "" if url.port == _SCHEMES[scheme][2] else f":{url.port}"
    return f"{scheme}://{login}{host}{port}"


def _parse_login(text: str) -> tuple[str | None, str | None, str | None]:
    account, colon, password = text.partition(":")
    user, *rest = _AUTH.split(account)
    if len(rest) > 1:
        raise ValueError("the URL names two mechanisms")
    mechanism = _parse_mechanism(rest[0]) if rest else None
    return _decoded(user, "user") or None, _decoded(password, "password") if colon else None, mechanism


def _parse_mechanism(text: str) -> str | None:
    """RFC 2384 s4: `*` is any, a `+` is before what is no SASL mechanism."""
    name = _decoded(text, "mechanism").upper()
    if name == ANY:
        return None
    if not re.fullmatch(r"\+APOP|\+USER|[A-Z0-9_-]{1,30}", name):
        raise ValueError("after ;AUTH= comes *, +APOP, or the name of a SASL mechanism")
    return name.removeprefix("+")


def _format_mechanism(name: str) -> str:
    return f"+{name}" if name in ("APOP", "USER") else name


def _parse_place(text: str) -> tuple[str, int | None]:
    found = _HOST.match(text)
    if not found:
        raise ValueError("the URL names no host; write the @ of a user's name as %40")
    host, rest = (found[1] or found[2]).replace("%25", "%"), text[found.end() :]
    if not rest:
        return host, None
    if not re.fullmatch(r":[0-9]{1,5}", rest) or not 0 < int(rest[1:]) < 65536:
        raise ValueError("after the host comes a colon and a port from 1 to 65535, or nothing")
    return host, int(rest[1:])


def _decoded(text: str, what: str) -> str:
    """Without percent signs (RFC 2384 s8), and without what would begin another line."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise ValueError(f"a percent sign in the {what} is written as %25")
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError(f"the {what} is not UTF-8") from None
    if any(letter < " " or letter == "\x7f" for letter in plain):
        raise ValueError(f"the {what} has a control character")
    return plain
