"""Sizes, durations and addresses as they are written in a configuration file.

`parse_x` takes the text and raises ValueError with words for the person who wrote it; `format_x` is its inverse.
Units of size are powers of 1024, as in other mail servers: a "50MB" limit is 50 * 1024 * 1024 octets.
"""

import contextlib
import ipaddress
import math
import os
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

_SIZES = {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3, "tb": 1024**4}
_SIZES |= {"kib": 1024, "mib": 1024**2, "gib": 1024**3, "tib": 1024**4, "k": 1024, "m": 1024**2, "g": 1024**3}
_LARGEST = 2**63 - 1
"""Octets that a size may have: what a database can count."""
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_LONGEST = 10**15
"""Seconds that a duration may have: "for ever" is written by a word of the key's own, not by a number."""
_QUANTITY = re.compile(r"\s*([0-9]{1,30}(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*")
_PORT = re.compile(r"[0-9]{1,5}")
_BRACKETED = re.compile(r"\[([^\[\]\s]*:[^\[\]\s]*)\]")
_HOST_NAME = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63})*\.?")
_HOST = re.compile(r"[^:\[\]\s]+")


def expand_user(path: str | Path) -> Path:
    """A path in which ~ and ~NAME stand for homes, which the system can open."""
    text = str(path)
    if text.startswith("$"):
        raise ValueError(f"{text!r} begins with a $, which means nothing here: write ~ for your home folder")
    try:
        expanded = Path(text).expanduser()
    except RuntimeError:
        name = text.partition("/")[0][1:]
        said = f"there is no user {name}" if name else "the home folder of this user is not known"
        raise ValueError(f"{said}: write the whole path in the place of ~{name}") from None
    try:
        is_whole = b"\0" not in os.fsencode(expanded)
    except UnicodeEncodeError:
        raise ValueError(f"{text!a} cannot be a file's name in this locale: set LC_ALL=C.UTF-8") from None
    if not is_whole:
        raise ValueError(f"{text!r} cannot be a file's name: there is a NUL in it")
    return expanded


def parse_size(text: object) -> int:
    """Octets: "50MB", "64 kB", "2GB", or a plain number."""
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    found = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if found is None or found[2].lower() not in _SIZES:
        raise ValueError(f'{text!r} is not a size; write for example "50MB", "64kB" or a number of octets')
    octets = int(Decimal(found[1]) * _SIZES[found[2].lower()])
    if octets > _LARGEST:
        raise ValueError(f"{text!r} is more than any store can hold")
    return octets


def format_size(octets: int) -> str:
    """The shortest exact writing of a size."""
    for unit, octets_each in (("TB", 1024**4), ("GB", 1024**3), ("MB", 1024**2), ("kB", 1024)):
        if octets and octets % octets_each == 0:
            return f"{octets // octets_each}{unit}"
    return str(octets)


def parse_duration(text: object) -> float:
    """Seconds: "10m", "60s", "1.5h", "30d", or a plain number of seconds."""
    if isinstance(text, int | float) and not isinstance(text, bool) and 0 <= text <= _LONGEST:
        return float(text)
    found = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    seconds = float(found[1]) * _SECONDS.get(found[2] or "s", math.inf) if found else math.inf
    if seconds > _LONGEST:
        raise ValueError(f'{text!r} is not a duration; write for example "10m", "60s" or "30d"')
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest exact writing of a duration."""
    for unit in ("w", "d", "h", "m", "s"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{int(seconds // _SECONDS[unit])}{unit}"
    if not seconds:
        return "0s"
    return f"{Decimal(repr(seconds)):f}s"


NEVER = "never"
"""How a duration without end is written where one may be."""


def parse_retention(text: object) -> float:
    """Seconds that messages are kept: a duration, or "never" for math.inf."""
    if text == NEVER or text == math.inf:
        return math.inf
    if (isinstance(text, str) and text[-1:].isalpha()) or text in (0, "0"):  # 30 alone may be meant as days
        with contextlib.suppress(ValueError):
            return parse_duration(text)
    raise ValueError(f'{text!r} is not a time to keep messages; write "never", or with its unit for example "30d"')


def format_retention(seconds: float) -> str:
    """The shortest exact writing of a time to keep messages."""
    return NEVER if seconds == math.inf else format_duration(seconds)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen: a host and port, or the path of a unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def is_unix(self) -> bool:
        """Whether it is a unix socket."""
        return bool(self.path)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it. A name other than localhost may mean anything."""
        if self.path or self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_endpoint(text: object) -> Endpoint:
    """An address to listen on: "0.0.0.0:110", "[::]:110", "localhost:110" or "unix:/run/postane/lmtp.sock"."""
    if isinstance(text, Endpoint):
        return text
    if isinstance(text, str) and text.startswith("unix:") and len(text) > len("unix:"):
        return Endpoint(path=text.removeprefix("unix:"))
    host, _, port = text.rpartition(":") if isinstance(text, str) else ("", "", "")
    bracketed = _BRACKETED.fullmatch(host)
    if not (bracketed or _HOST.fullmatch(host)) or not _PORT.fullmatch(port) or int(port) > 65535:
        shown = re.sub("^.*@", "...@", text, flags=re.DOTALL) if isinstance(text, str) else text  # a password, perhaps
        raise ValueError(f'{shown!r} is not an address; write "HOST:PORT", "[IPV6]:PORT" or "unix:/PATH"')
    return Endpoint(host=bracketed[1] if bracketed else host, port=int(port))


def parse_host_name(text: str) -> str:
    """A host's or a domain's name: words of letters, digits, hyphens and underscores with dots between them."""
    if len(text) > 255 or not _HOST_NAME.fullmatch(text):
        raise ValueError(f'{text!r} is not a host name; write for example "mail.example.org"')
    return text
