"""The server's side of POP1: octets in, commands out; replies in, octets out.

RFC 918. After each command the machine is PAUSED until its reply is complete. A mailbox is exactly as long as was
announced; the machine lets nothing else follow RCEV, not even an error, which a client would take for mail: then the
connection is aborted.

Must not know: accounts, maildrops, the clock.
"""

from postane.wire.chart import Outcome
from postane.wire.errors import Fault, LocalProtocolError, RemoteProtocolError
from postane.wire.lines import LineBuffer
from postane.wire.machine import NEED_DATA, PAUSED, Signal

from .commands import Command, Verb
from .grammar import LINE_LIMIT, format_line, parse_command, split_command
from .replies import Data, Length, Line, Reply, Value
from .states import ANSWERED_BY, NOT_NOW, SERVER, State


class Pop1Server:
    """One session as the server sees it.

    Any octets give events or RemoteProtocolError, nothing else; any split of the octets gives the same events.
    `send` takes the greeting first. An error is answered like a command: by one Reply.
    """

    __slots__ = ("_is_paused", "_left", "_lines", "_verb", "state")

    def __init__(self) -> None:
        self._lines = LineBuffer(accepts_bare_lf=True)  # RFC 918 does not say how a line ends
        self._is_paused = True  # until the greeting is sent
        self._verb: Verb | None = Verb.OPEN  # what is being answered; None: an error
        self._left = 0  # octets of the mailbox that was announced and is not sent
        self.state: State = SERVER.initial

    @property
    def trailing_data(self) -> bytes:
        """Octets fed and not used."""
        return self._lines.peek_all()

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is to be said: close the connection."""
        return self.state is SERVER.final

    def feed(self, octets: bytes) -> None:
        """Take what came from the client."""
        self._lines.feed(octets)

    def next_event(self) -> Command | Signal:
        """The next command. Raises RemoteProtocolError, which is answered by a Reply as a command is."""
        if self._is_paused:
            return PAUSED
        try:
            line = self._lines.next_line(LINE_LIMIT)
            if line is None:
                return NEED_DATA
            self._is_paused = True
            return self._read(line)
        except RemoteProtocolError:
            self._is_paused = True
            raise

    def send(self, value: Value) -> bytes:
        """The octets that say `value`. Raises LocalProtocolError where it cannot be said now."""
        if not self._is_paused or self.is_closed:
            raise LocalProtocolError("there is nothing to reply to")
        if isinstance(value, Data):
            self._send_data(len(value.octets))
            return value.octets
        self._send_line(value)
        return format_line(value)

    def _read(self, line: bytes) -> Command:
        verb, argument = split_command(line)
        if not SERVER.permits(self.state, verb):
            raise RemoteProtocolError(f"{verb} is not possible now: {NOT_NOW[self.state]}", Fault.WRONG_STATE)
        command = parse_command(verb, argument)
        self._verb = verb
        return command

    def _send_data(self, count: int) -> None:
        if self._verb is not Verb.RCEV or count > self._left or (self._left and not count):
            raise LocalProtocolError("a mailbox is sent after RCEV, and is as long as was announced")
        self._left -= count
        if not self._left:
            self._complete(Outcome.ACCEPTED)

    def _send_line(self, line: Line) -> None:
        if self._verb is Verb.RCEV:
            raise LocalProtocolError("after RCEV comes the mailbox, or nothing")
        is_refusal = isinstance(line, Reply) and not line.is_ok
        if not is_refusal and (self._verb is None or not isinstance(line, ANSWERED_BY[self._verb])):
            raise LocalProtocolError(f"{type(line).__name__} is no answer to {self._verb or 'an error'}")
        self._left = line.octets if isinstance(line, Length) else self._left
        self._complete(Outcome.REFUSED if is_refusal else Outcome.ACCEPTED)

    def _complete(self, outcome: Outcome) -> None:
        if self._verb is not None:
            self.state = SERVER.next_state(self.state, self._verb, outcome)
        self._verb = None
        self._is_paused = self.is_closed
