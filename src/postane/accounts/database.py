"""Questions to a PostgreSQL database, on a few connections that are opened when they are first needed.

A connection that has lain idle may have died with the database's last start: what fails on one is asked once more, on a
new one. So a query must do no harm when it is carried out twice.

Must not know: what is asked.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from .base import AccountsUnavailable
from .files import read_secret
from .queries import Query
from .schema import UNAVAILABLE

CONNECTIONS = 4
"""From each worker at most: a query takes a millisecond, and a database has a hundred connections for everybody."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Database:
    """Where it is, `postgresql://user@host/database`. The file is read anew for each connection; `timeout`, in seconds,
    bounds a question with all that belongs to it."""

    url: str = field(repr=False)
    password_file: Path | None = None
    timeout: float = 5.0


class Connections:
    """A database that can be asked. Of one event loop, and of no fork."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[asyncpg.Connection] = []

    async def ask(self, query: Query, given: Mapping[str, str]) -> list[Row]:
        """The rows of the answer. Raises AccountsUnavailable, whose words repeat no value."""
        try:
            async with asyncio.timeout(self._database.timeout), self._places:
                return await self._ask(query.text, query.values(given))
        except TimeoutError:
            words = f"the database has not answered in {self._database.timeout:g} s"
        except OSError as error:
            words = f"the database cannot be reached: {error}"
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            words = f"the database says no: {_told(error)}"
        except ValueError as error:
            words = str(error)  # of the file with the password
        raise AccountsUnavailable(UNAVAILABLE, words)

    def close(self) -> None:
        """Drop the connections. Nothing that must be finished is under way on them."""
        while self._idle:
            self._idle.pop().terminate()

    async def _ask(self, text: str, values: Sequence[str]) -> list[Row]:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                with contextlib.suppress(OSError, asyncpg.InterfaceError, *_ENDED):
                    return await self._fetch(connection, text, values)
        return await self._fetch(await self._connect(), text, values)

    async def _fetch(self, connection: asyncpg.Connection, text: str, values: Sequence[str]) -> list[Row]:
        is_sound = False
        try:
            rows: list[Row] = [dict(row) for row in await connection.fetch(text, *values)]
            is_sound = True
            return rows
        finally:
            if is_sound:
                self._idle.append(connection)
            else:
                connection.terminate()

    async def _connect(self) -> asyncpg.Connection:
        secret = self._database.password_file and read_secret(self._database.password_file)
        return await asyncpg.connect(self._database.url, password=secret, timeout=self._database.timeout)


_ENDED = (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
"""What a connection says whose server went away or is going."""


def _told(error: asyncpg.PostgresError | asyncpg.InterfaceError) -> str:
    """What the operator is told: the message only of errors that speak of the query, as others may repeat values."""
    code = getattr(error, "sqlstate", None)
    kind = type(error).__name__ + (f" {code}" if code else "")
    speaks_of_the_query = isinstance(
        error, asyncpg.SyntaxOrAccessError | asyncpg.InvalidAuthorizationSpecificationError
    )
    return f"{kind}: {error.args[0]}" if speaks_of_the_query and error.args else kind
