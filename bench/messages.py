"""The mail of the benchmarks: made, not read, and the same in every run.

Sizes are as POP3 counts them, with CRLF line ends.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

DOMAIN = "bench.example"
LINE = b"A letter is a joy for ever: it waits in its box, and is there when somebody comes for it.\r\n"


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that are alike: `prefix`0, `prefix`1 ..., each with `messages` messages of `octets` octets.

    `one_off` tells that an account logs in about once a run, so that a cache of logins cannot help it.
    """

    prefix: str
    accounts: int
    messages: int = 0
    octets: int = 4096
    one_off: bool = False

    def names(self) -> list[str]:
        """The accounts' names."""
        return [f"{self.prefix}{number}" for number in range(self.accounts)]


def message(number: int, octets: int) -> bytes:
    """Message `number`, of exactly `octets` octets; it has no line that begins with a dot or with "From "."""
    head = (
        f"From: Sender {number % 97} <sender{number % 97}@{DOMAIN}>\r\nTo: Reader <reader@{DOMAIN}>\r\n"
        f"Subject: Letter {number} of the benchmark\r\nDate: Mon, 02 Nov 2026 09:00:00 +0000\r\n"
        f"Message-ID: <{number}@{DOMAIN}>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
    ).encode()
    room = octets - len(head)
    if room < len(LINE):
        raise ValueError(f"a message of {octets} octets is too small")
    lines, rest = divmod(room, len(LINE))
    if rest == 1:  # one octet is no line: the last two lines share what is left
        return head + LINE * (lines - 1) + b"x" * (len(LINE) - 3) + b"x" + LINE[-3:]
    return head + LINE * lines + (b"x" * (rest - 2) + b"\r\n" if rest else b"")


def mbox(numbers: Iterable[int], octets: int) -> Iterator[bytes]:
    """The messages as a mailbox file with LF line ends."""
    for number in numbers:
        yield b"From sender@bench.example Mon Nov  2 09:00:00 2026\n"
        yield message(number, octets).replace(b"\r\n", b"\n")
        yield b"\n"
