"""The words of trace fields: dates, address literals, names in which nothing can be mistaken for header syntax.

RFC 5321 s4.1.3 (literals), RFC 5322 s3.3 (dates).

Must not know: fields.
"""

import functools
import re
from datetime import UTC, datetime

NAME_LIMIT = 255
"""Characters of a host name that are kept."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNSAFE_IN_NAME = re.compile(r"[^A-Za-z0-9._:\[\]-]")


def format_literal(host: str) -> str:
    """An IP address as an address literal (RFC 5321 s4.1.3)."""
    return f"[IPv6:{safe_name(host)}]" if ":" in host else f"[{safe_name(host)}]"


def format_date(seconds: float) -> str:
    """A date-time of RFC 5322 s3.3, in UTC; names of days and months are English whatever the locale."""
    return _format_second(int(seconds))


@functools.lru_cache(maxsize=1)
def _format_second(second: int) -> str:
    at = datetime.fromtimestamp(second, UTC)
    time = f"{at.hour:02}:{at.minute:02}:{at.second:02}"  # strftime takes longer than all the rest
    return f"{_DAYS[at.weekday()]}, {at.day} {_MONTHS[at.month - 1]} {at.year:04} {time} +0000"


@functools.lru_cache(maxsize=64)
def safe_name(name: str) -> str:
    """A host name, or what a peer says is one, in which nothing can be mistaken for header syntax."""
    return _UNSAFE_IN_NAME.sub("?", name[:NAME_LIMIT]) if name else "unknown"
