"""Dialogues as text: read, and played against a machine with its desk, in memory.

A transcript is lines, each marked by who says it:

    # a comment
    C: a line of the client; CRLF is added
    C| octets of the client as they are; \\r \\n \\0 \\\\ and \\xHH mean one octet each
    S: a line of the server; ` ...` at its end stands for whatever follows
    B: the name of a body that the test has: the server sends exactly its octets
    M: anything that the test itself checks at this point
    E: the server has closed, or is about to

Lines of the server are compared in their order; where the client goes on, nothing may be left that was not expected.
"""

import codecs
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from postane.net.memory import MemoryStream
from postane.server.desk import Desk, Outbox
from postane.wire.errors import RemoteProtocolError
from postane.wire.machine import PAUSED, Machine, Signal

ANYTHING = b" ..."


class Who(StrEnum):
    """Whose line it is."""

    CLIENT = "C"
    SERVER = "S"
    BODY = "B"
    MARK = "M"
    END = "E"


@dataclass(frozen=True, slots=True)
class Turn:
    """One line. A client's octets are whole, a server's are without their line end."""

    who: Who
    octets: bytes
    number: int


class Pace(StrEnum):
    """How the client's octets come in."""

    BY_TURN = "by turn"
    BY_OCTET = "by octet"
    AT_ONCE = "at once"


def parse_transcript(text: str) -> list[Turn]:
    """The turns of a transcript. Raises ValueError with the number of a line that is none."""
    turns = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        mark, rest = line[:2], line[2:].removeprefix(" ")
        if mark == "C|":
            turns.append(Turn(Who.CLIENT, codecs.escape_decode(rest.encode())[0], number))  # type: ignore[attr-defined]
        elif mark[1:] == ":" and mark[:1] in set(Who):
            end = b"\r\n" if mark == "C:" else b""
            turns.append(Turn(Who(mark[:1]), rest.encode() + end, number))
        else:
            raise ValueError(f"line {number}: {line!r}")
    return turns


def read_transcript(path: Path) -> list[Turn]:
    """The turns of a file."""
    return parse_transcript(path.read_text("utf-8"))


class Session:
    """A machine and its desk, without a loop of tasks: what the client says is answered before `say` returns."""

    def __init__(self, machine: Machine[Any, Any], desk: Desk, stream: MemoryStream) -> None:
        self._machine = machine
        self._desk = desk
        self._stream = stream
        self._out = Outbox(stream, machine)
        self.is_closed = False
        self._out.send(desk.greeting())

    async def say(self, octets: bytes) -> bytes:
        """The client says it; what the server answers."""
        self._machine.feed(octets)
        while not self.is_closed:
            try:
                event = self._machine.next_event()
            except RemoteProtocolError as error:
                self._out.send(self._desk.reply_to(error))
                self.is_closed = error.fatal
                continue
            if isinstance(event, Signal):
                self.is_closed = event is PAUSED
                break
            try:
                rest = self._desk.answer(event, self._out)
                if rest is not None:
                    await rest
            except Exception as error:  # noqa: BLE001 - as the loop does
                self._out.send(self._desk.reply_to(error))
        await self._out.flush()
        return self._stream.take()


class _Reading:
    """What the server said, compared turn by turn with what was expected."""

    def __init__(self, bodies: Mapping[str, bytes]) -> None:
        self._bodies = bodies
        self._octets = b""

    def add(self, octets: bytes) -> None:
        self._octets += octets

    def expect(self, turn: Turn) -> None:
        if turn.who is Who.BODY:
            self._expect_body(turn)
            return
        line, end, rest = self._octets.partition(b"\r\n")
        assert end, f"line {turn.number}: the server said nothing more ({line!r}), {turn.octets!r} was expected"
        self._octets = rest
        is_open = turn.octets.endswith(ANYTHING)
        is_same = line.startswith(turn.octets.removesuffix(ANYTHING)) if is_open else line == turn.octets
        assert is_same, f"line {turn.number}: {line!r} was said, {turn.octets!r} expected"

    def _expect_body(self, turn: Turn) -> None:
        body = self._bodies[turn.octets.decode()]
        got = self._octets[: len(body)]
        assert got == body, f"line {turn.number}: {got!r} was sent, {turn.octets!r} expected"
        self._octets = self._octets[len(body) :]

    def expect_nothing(self, where: str) -> None:
        assert not self._octets, f"{where}: {self._octets!r} was said and not expected"


async def play(
    turns: Sequence[Turn],
    session: Session,
    pace: Pace,
    check: Callable[[str], Awaitable[None]] | None = None,
    bodies: Mapping[str, bytes] | None = None,
) -> None:
    """Play a transcript. `check` gets each mark; at any pace but BY_TURN all marks come at the end."""
    reading = _Reading(bodies or {})
    if pace is not Pace.BY_TURN:
        octets = b"".join(turn.octets for turn in turns if turn.who is Who.CLIENT)
        pieces = [octets] if pace is Pace.AT_ONCE else [octets[at : at + 1] for at in range(len(octets))]
        for piece in (b"", *pieces):
            reading.add(await session.say(piece))
    for turn in turns:
        where = f"line {turn.number}"
        if turn.who in (Who.SERVER, Who.BODY):
            if pace is Pace.BY_TURN:
                reading.add(await session.say(b""))
            reading.expect(turn)
        elif turn.who is Who.CLIENT and pace is Pace.BY_TURN:
            reading.add(await session.say(turn.octets))
        elif turn.who is Who.MARK and pace is Pace.BY_TURN and check is not None:
            await check(turn.octets.decode())
        elif turn.who is Who.END:
            assert session.is_closed, f"{where}: the server goes on"
    reading.expect_nothing("the end")
    if pace is not Pace.BY_TURN and check is not None:
        for turn in turns:
            if turn.who is Who.MARK:
                await check(turn.octets.decode())
