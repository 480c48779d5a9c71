"""A process's own handle on the accounts' file, for questions alone: opened at the first one, and anew after an error.

It tells at little cost whether anybody has changed anything, in whichever process: what was remembered of an answer
holds while `version` gives the same number.

Must not know: what is asked.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .base import AccountsUnavailable
from .schema import FILE_NAME, open_database, unavailable


class Reader:
    """The accounts of a storage folder. Of one process: it may fork after making this, not after using it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: sqlite3.Connection | None = None
        self._handles = 0  # before this one, each with versions of its own

    def ask(self, question: str, values: Mapping[str, str]) -> list[Any]:
        """The rows of the answer. Raises AccountsUnavailable."""
        try:
            if self._opened is None:
                self._opened = open_database(self._folder)
            return self._opened.execute(question, values).fetchall()
        except AccountsUnavailable:
            self.forget()  # the next question opens it anew: the file may have been put right
            raise
        except (sqlite3.DatabaseError, OSError) as error:
            self.forget()
            raise unavailable(self._folder / FILE_NAME, error) from error

    def version(self) -> int:
        """A number that is another one after each change that somebody has committed. Raises AccountsUnavailable."""
        number: int = self.ask("PRAGMA data_version", {})[0][0]
        return self._handles << 32 | number

    def is_still(self, version: int) -> bool:
        """Whether nothing has been committed since; False where that cannot be told."""
        if self._opened is None:
            return False
        try:
            number: int = self._opened.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.DatabaseError:
            return False
        return self._handles << 32 | number == version

    def forget(self) -> None:
        """Let go of the file. Idempotent."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None
            self._handles += 1
