"""The messages of a fake server: what is there, what was deleted, and what one session sees of it.

Must not know: what is said about them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from postane.wire.dots import Stuffer

PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is sent; `uidl` stays its own for ever."""

    uidl: str
    octets: bytes = field(repr=False)

    def pieces(self) -> Iterator[bytes]:
        """Stuffed and piece by piece; with a CR LF at the end, without the dot after it."""
        stuffer = Stuffer()
        for start in range(0, len(self.octets), PIECE):
            yield stuffer.feed(self.octets[start : start + PIECE])
        if not self.octets.endswith(b"\r\n"):
            yield b"\r\n"

    def top(self, lines: int) -> "Message":
        """Its header and so many lines of its body."""
        header, gap, body = self.octets.partition(b"\r\n\r\n")
        first = body.split(b"\r\n", lines)[:lines]
        return Message(self.uidl, header + gap + b"".join(line + b"\r\n" for line in first))


class Shelf:
    """Keeps messages over connections and over `kill`. Whose session has ended well has deleted them: `deleted`."""

    def __init__(self, messages: Iterable[bytes]) -> None:
        self._given = 0
        self.messages: list[Message] = []
        self.deleted: list[Message] = []
        self.sessions = 0
        for octets in messages:
            self.put(octets)

    def put(self, octets: bytes) -> str:
        """One more message; gives its UIDL."""
        self._given += 1
        self.messages.append(Message(f"{self._given:08d}", octets))
        return self.messages[-1].uidl

    def remove(self, gone: Iterable[Message]) -> None:
        """They are deleted for good."""
        uidls = {message.uidl for message in gone}
        self.deleted += [message for message in self.messages if message.uidl in uidls]
        self.messages = [message for message in self.messages if message.uidl not in uidls]


class View:
    """What one session sees: numbers from 1, and marks."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._all = list(shelf.messages)
        self._marked: set[int] = set()

    def __iter__(self) -> Iterator[tuple[int, Message]]:
        """Numbers and messages that are not marked."""
        return ((number, each) for number, each in enumerate(self._all, 1) if number not in self._marked)

    def get(self, number: int) -> Message | None:
        """None: there is none, or it is marked."""
        return self._all[number - 1] if 0 < number <= len(self._all) and number not in self._marked else None

    def mark(self, number: int) -> None:
        self._marked.add(number)

    def unmark(self) -> None:
        self._marked.clear()

    def commit(self, step: int = 1) -> None:
        """The marked ones are gone, or of those each `step`-th."""
        self._shelf.remove(self._all[number - 1] for number in sorted(self._marked)[::step])
