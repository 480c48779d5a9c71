"""LDAP filters as an administrator writes them, with `{user}` for what is asked.

RFC 4515 s3: what has a meaning in a filter is put in escaped, so that a name stays a value whatever is in it.

Must not know: connections, accounts.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from sansldap import LDAPFilter

_PLACE = re.compile(r"\{(\w*)\}")
_MEANING = {ord(letter): f"\\{ord(letter):02x}" for letter in "\0()*\\"}


class BadFilter(ValueError):
    """A filter cannot be used; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter with places for what is asked."""

    text: str

    def about(self, value: str) -> LDAPFilter:
        """The filter for one value, which stands in every place."""
        return LDAPFilter.from_string(_PLACE.sub(lambda _: escape(value), self.text))


def parse_filter(text: str, known: Collection[str]) -> Filter:
    """Read a filter that has at least one place, all of them among `known`. Raises BadFilter."""
    names = _PLACE.findall(text)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadFilter(f"there is no {{{unknown[0]}}} here: a filter may have {_listed(known)}")
    if known and not names:
        raise BadFilter(f"the filter does not ask for {_listed(known)}: it would mean everybody")
    try:
        made = Filter(text)
        made.about("x")
    except ValueError as error:
        raise BadFilter(f"this is no LDAP filter: {error}") from error
    return made


def escape(value: str) -> str:
    """A value as it stands in a filter (RFC 4515 s3)."""
    return value.translate(_MEANING)


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
