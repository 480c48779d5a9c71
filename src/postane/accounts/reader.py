"""A process's own handle on the accounts' file, for questions alone: opened at the first one, and anew after an error.

It tells at little cost whether anybody has changed anything, in whichever process: what was remembered of an answer
holds while `version` gives the same number. Whoever goes by `registry` is seen at once, by the number of `changes`.
SQLite is asked as well, every LOOK_EVERY, so that nothing else goes unseen for long: a hand on the file itself, a
writer that was killed after its commit, a shared number whose file somebody has removed. Commits that only note when
devices were used are none of these: the database itself tells them apart (`schema`).

Must not know: what is asked.
"""

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from .base import AccountsUnavailable
from .changes import Changes
from .records import Place
from .schema import GENERATION, open_database, unavailable

LOOK_EVERY = 1.0
"""Seconds for which the shared number is believed without asking SQLite, which takes 15 us: four system calls."""


class Reader:
    """The accounts of a place. Of one process: it may fork after making this, not after using it.

    `clock` gives seconds and never jumps.
    """

    def __init__(self, place: Place, clock: Callable[[], float] = time.monotonic) -> None:
        self._place = place
        self._clock = clock
        self._opened: sqlite3.Connection | None = None
        self._changes = Changes(place.folder, place.owner)
        self._shared: memoryview | None = None  # the number; None: not looked for, or out of reach
        self._version = 0  # counts what has been seen of changes
        self._number: int | None = None  # what it was before SQLite was last asked
        self._counted: int | None = None  # what SQLite said
        self._generation: tuple[int | None, ...] = ()  # and what the database did
        self._believed_until = 0.0

    def ask(self, question: str, values: Mapping[str, str]) -> list[Any]:
        """The rows of the answer. Raises AccountsUnavailable."""
        try:
            if self._opened is None:
                self._open()
            assert self._opened is not None
            return self._opened.execute(question, values).fetchall()
        except AccountsUnavailable:
            self.forget()  # the next question opens it anew: the file may have been put right
            raise
        except (sqlite3.DatabaseError, OSError) as error:
            self.forget()
            raise unavailable(self._place.database, error) from error

    def version(self) -> int:
        """A number that is another one after each change that somebody has committed. Raises AccountsUnavailable."""
        if not self._is_believed():
            # Before SQLite is asked: who commits in between writes another one afterwards.
            number, now = None if self._shared is None else self._shared[0], self._clock()
            counted: int = self.ask("PRAGMA data_version", {})[0][0]
            if counted != self._counted:
                generation = self.ask(GENERATION, {})[0]
                self._counted = counted
                if generation != self._generation or None in generation:
                    self._generation = generation
                    self._version += 1
            self._number, self._believed_until = number, now + LOOK_EVERY
        return self._version

    def is_still(self, version: int) -> bool:
        """Whether nothing has been committed since; False where that cannot be told."""
        if self._version != version or self._is_believed():
            return self._version == version
        with suppress(AccountsUnavailable):
            return self.version() == version
        return False

    def forget(self) -> None:
        """Let go of the file. Idempotent."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None
            self._counted = self._number = None  # another handle counts anew
            self._version += 1

    def _open(self) -> None:
        self._opened = open_database(self._place.folder)
        if self._shared is None:
            with suppress(OSError, ValueError):
                self._shared = self._changes.number()

    def _is_believed(self) -> bool:
        shared = self._shared
        return shared is not None and shared[0] == self._number and self._clock() < self._believed_until
