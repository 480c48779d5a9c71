"""Why an account could not be fetched, or not to its end.

Must not know: exit codes, how it is shown.
"""

from enum import StrEnum


class Trouble(StrEnum):
    """What kind of thing went wrong, from the mildest: what may pass comes before what needs a person."""

    REFUSED = "refused"  # a destination will never have one message as it is
    UNREACHABLE = "unreachable"  # no connection
    TEMPORARY = "temporary"  # in use, too early, out of order, too slow, cut off
    DESTINATION = "destination"  # there is no place to put mail
    JOURNAL = "journal"  # what was fetched cannot be read or written
    PROTOCOL = "protocol"  # the server cannot be understood
    LOGIN = "login"  # name, password or token are not taken
    CONFIGURATION = "configuration"  # the file asks for what cannot be had


class FetchError(Exception):
    """An account's run cannot go on; the text says why and what to do. `wait`: seconds that the server asks for."""

    def __init__(self, text: str, trouble: Trouble, *, wait: float | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.trouble = trouble
        self.wait = wait


class NothingTaken(FetchError):
    """The destinations put off whatever comes: nothing more is fetched for them. All that was delivered is recorded."""


class NoEnd(FetchError):
    """The server gives octets of one message without end. What it said before that is as good as it was."""
