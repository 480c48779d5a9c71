"""What a server has now, as a table that ends with the connection, and what it is compared with.

A row is a message of the listing: its number, its octets, the `id` of what is known of it. `key` is there only for
what was not known before this listing. A million of them lie in a file, not in memory.

Must not know: the event loop.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .base import Compared, Listed, Step

STEPS = tuple(Step)
"""A step's number in the file is its place here."""

NUMBERS = {step: number for number, step in enumerate(STEPS)}

_PAGE = """
SELECT l.number, m.key, l.octets, l.key IS NOT NULL AND m.step = 0, m.step, m.seen, m.delivered, m.attempts, m.sinks,
    m.octets
FROM temp.{table} l CROSS JOIN message m ON m.id = l.id
WHERE l.number > ? AND l.number <= ? AND ({at}) ORDER BY l.number LIMIT ?
"""

_ADD = """
INSERT OR IGNORE INTO temp.{table} SELECT ?1, known.id, ?3, iif(known.id IS NULL, ?2, NULL)
FROM (SELECT (SELECT id FROM message WHERE account = ?4 AND key = ?2) AS id) known
"""

_NOTE = """
INSERT OR IGNORE INTO message (account, key, step, octets, seen)
SELECT ?, key, 0, octets, ? FROM temp.{table} WHERE id IS NULL ORDER BY number
"""

_NUMBER = """
UPDATE temp.{table} SET id = (SELECT id FROM message WHERE account = ? AND key = {table}.key) WHERE id IS NULL
"""

_HERE = """
UPDATE message SET listed = NULL WHERE account = ? AND listed IS NOT NULL AND id IN (SELECT id FROM temp.{table})
"""

_GONE = """
UPDATE message SET listed = (SELECT listed FROM account WHERE id = ?1)
WHERE account = ?1 AND listed IS NULL AND id NOT IN (SELECT id FROM temp.{table} WHERE id IS NOT NULL)
"""

_FORGET = """
DELETE FROM message
WHERE account = ?1 AND step = 4 AND id NOT IN (SELECT id FROM temp.{table} WHERE id IS NOT NULL)
AND (?2 = '' OR substr(key, 1, length(?2)) <> ?2)
"""

_REPEATED = """
SELECT number, coalesce(key, (SELECT key FROM message WHERE id = l.id)), octets FROM temp.{table} l
WHERE id IN (SELECT id FROM temp.{table} WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1)
OR key IN (SELECT key FROM temp.{table} WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1)
ORDER BY number
"""


class Listing:
    """One account's listing. Each method is a step of a transaction."""

    def __init__(self, name: str, account: int) -> None:
        self._table = name
        self._account = account

    def begin(self, database: sqlite3.Connection) -> None:
        """An empty one, in the place of the one before."""
        self.drop(database)
        database.execute(
            f"CREATE TEMP TABLE {self._table} (number INTEGER PRIMARY KEY, id INTEGER, octets INTEGER, key TEXT)"
        )

    def drop(self, database: sqlite3.Connection) -> None:
        """It is not needed any more."""
        database.execute(f"DROP TABLE IF EXISTS temp.{self._table}")

    def add(self, database: sqlite3.Connection, listed: Iterable[Listed]) -> None:
        """Some more of it."""
        account = self._account
        database.executemany(
            _ADD.format(table=self._table), [(each.number, each.key, each.octets, account) for each in listed]
        )

    def take(self, database: sqlite3.Connection, now: float, spared: str = "") -> list[Listed]:
        """It is complete: note what is new and what is gone. Gives, and leaves out, those with a repeated key."""
        repeated = [Listed(*row) for row in self._execute(database, _REPEATED)]
        database.executemany(
            f"DELETE FROM temp.{self._table} WHERE number = ?",  # noqa: S608 - our own words
            [(each.number,) for each in repeated],
        )
        self.forget(database, spared)
        self._execute(database, _GONE, self._account)
        database.execute("UPDATE account SET listed = ? WHERE id = ?", (now, self._account))
        self.note(database, now)
        return repeated

    def note(self, database: sqlite3.Connection, now: float) -> None:
        """Note what is new, and that what is listed is there."""
        self._execute(database, _HERE, self._account)
        self._execute(database, _NOTE, self._account, now)
        self._execute(database, _NUMBER, self._account)

    def forget(self, database: sqlite3.Connection, spared: str = "") -> None:
        """Forget what is deleted and not listed, but for keys that begin so."""
        self._execute(database, _FORGET, self._account, spared)

    def last_number(self, database: sqlite3.Connection) -> int:
        """The highest one; 0 where nothing is listed."""
        ((number,),) = self._execute(database, "SELECT coalesce(max(number), 0) FROM temp.{table}")
        return int(number)

    def page(
        self, database: sqlite3.Connection, steps: Collection[Step | None], between: tuple[int, int], limit: int
    ) -> list[Compared]:
        """At most so many at these steps, with numbers above the first and up to the second one."""
        found = database.execute(_PAGE.format(table=self._table, at=_condition(steps)), (*between, limit))
        return [
            Compared(
                Listed(number, key, octets),
                None if is_new else STEPS[step],
                seen,
                delivered,
                attempts,
                read_sinks(sinks),
                first_octets,
            )
            for number, key, octets, is_new, step, seen, delivered, attempts, sinks, first_octets in found
        ]

    def count(self, database: sqlite3.Connection) -> Mapping[Step | None, int]:
        """How many are at each step."""
        rows = self._execute(
            database,
            "SELECT iif(l.key IS NOT NULL AND m.step = 0, NULL, m.step) AS at, count(*)"
            " FROM temp.{table} l CROSS JOIN message m ON m.id = l.id GROUP BY at",
        )
        return {None if step is None else STEPS[step]: number for step, number in rows}

    def _execute(self, database: sqlite3.Connection, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
        return database.execute(statement.format(table=self._table), values).fetchall()


def _condition(steps: Collection[Step | None]) -> str:
    at = [f"m.step = {NUMBERS[step]}" for step in steps if step is not None and step is not Step.SEEN]
    if Step.SEEN in steps:
        at.append("m.step = 0" if None in steps else "l.key IS NULL AND m.step = 0")
    elif None in steps:
        at.append("l.key IS NOT NULL AND m.step = 0")
    return " OR ".join(at) or "FALSE"


def read_sinks(text: str) -> tuple[str, ...]:
    """Names of destinations, as they are written in the file."""
    return tuple(json.loads(text)) if text else ()


def write_sinks(names: Iterable[str]) -> str:
    """The inverse."""
    return json.dumps(list(names))
