"""Queries as an administrator writes them: with `:name` for what is asked, made into PostgreSQL's `$1`.

A value never becomes part of a query's text. Inside of quotes, dollar quotes and comments a colon means nothing, and
`::` stays a cast.

Must not know: connections, accounts.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

_WORDS = re.compile(
    r"""
      (?P<kept> (?<![\w$])[eE]'(?:[^'\\]|\\.|'')*'      # a string with escapes
              | '(?:[^']|'')*'
              | "(?:[^"]|"")*"
              | (?<![\w$])(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag)
              | --[^\n]*
              | /\*.*?\*/
              | ::
              | :=
      )
    | :(?P<name>[^\W\d]\w*)
    | (?<![\w$])\$(?P<number>\d+)
    """,
    re.VERBOSE | re.DOTALL,
)


KINDS: Mapping[str, tuple[Collection[str], Collection[str]]] = {
    "password": (("user",), ("user",)),
    "address": (("address",), ("address",)),
    "domain": (("domain",), ("domain",)),
    "update": (("user", "password", "old"), ("user", "password")),
}
"""What each query may ask for, and what it must."""


class BadQuery(ValueError):
    """A query cannot be used; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query with `$1`, `$2` ..., and the names of what they stand for, in this order."""

    text: str
    names: tuple[str, ...]

    def values(self, given: Mapping[str, str]) -> list[str]:
        """What to send along."""
        return [given[name] for name in self.names]


def parse_kind(kind: str, text: str) -> Query:
    """Read one of KINDS. Raises BadQuery."""
    known, needed = KINDS[kind]
    return parse_query(text, known, needed=needed)


def parse_query(text: str, known: Collection[str], *, needed: Collection[str] = ()) -> Query:
    """Read a query whose parameters are among `known`; all those `needed` must be there. Raises BadQuery."""
    names: list[str] = []

    def put(found: re.Match[str]) -> str:
        if found["kept"] is not None:
            return found["kept"]
        if found["number"] is not None:
            raise BadQuery(f"write {_listed(known)} for what is asked, not ${found['number']}")
        if found["name"] not in known:
            raise BadQuery(f"there is no :{found['name']} here: a query may have {_listed(known)}")
        if found["name"] not in names:
            names.append(found["name"])
        return f"${names.index(found['name']) + 1}"

    made = _WORDS.sub(put, text)
    lacking = [name for name in needed if name not in names]
    if lacking:
        raise BadQuery(f"the query does not ask for {_listed(lacking)}: it would mean everybody")
    if not made.strip():
        raise BadQuery("the query is empty")
    return Query(made, tuple(names))


def _listed(names: Collection[str]) -> str:
    return ", ".join(f":{name}" for name in names)
