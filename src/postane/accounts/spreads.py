"""What all accounts have of their own, from the least to the most: asked once for each change of them.

RFC 2449 s6.5 and s6.7: a client must be told before it is known who it is.

Must not know: protocols.
"""

from .base import Spread
from .reader import Reader

_SPREAD = {  # a question for each end: SQLite finds one end by an index, and both by reading all
    "retention": ("SELECT min(retention) FROM own", "SELECT max(retention) FROM own"),
    "login_delay": ("SELECT min(login_delay) FROM own", "SELECT max(login_delay) FROM own"),
}


class Spreads:
    """Of the accounts that `reader` reads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: tuple[int, Spread] | None = None  # when the accounts were of that version

    def read(self) -> Spread:
        """As it is now. Raises AccountsUnavailable."""
        version = self._reader.version()  # before it is read: what is committed in between makes it another one
        if self._known is None or self._known[0] != version:
            self._known = version, Spread(**{what: self._ends(*ends) for what, ends in _SPREAD.items()})
        return self._known[1]

    def recall(self) -> Spread | None:
        """The same where nothing has changed since it was read; None: it has to be. Raises nothing."""
        known = self._known
        return known[1] if known is not None and self._reader.is_still(known[0]) else None

    def _ends(self, *questions: str) -> tuple[float, float] | None:
        smallest, largest = (self._reader.ask(question, {})[0][0] for question in questions)
        return None if smallest is None else (smallest, largest)
