"""The server's side of POP2: octets in, commands out; replies in, octets out.

RFC 937. After each command the machine is PAUSED until its reply is complete. The basic rule of the protocol is "if
anything goes wrong close the connection" (RFC 937 s(System Model and Philosophy)): every error is fatal, and `-` is the
last word. A message is exactly as long as was announced before RETR; the machine lets nothing else follow RETR, not
even an error, which a client would take for the message.

Must not know: accounts, maildrops, the clock.
"""

from postane.wire.chart import Outcome
from postane.wire.errors import Fault, LocalProtocolError, RemoteProtocolError
from postane.wire.lines import LineBuffer
from postane.wire.machine import NEED_DATA, PAUSED, Signal

from .commands import Command, Verb
from .grammar import LINE_LIMIT, format_line, parse_command, split_command
from .replies import Data, Err, Hangup, Length, Line, Value
from .states import ANSWERED_BY, SERVER, State


class Pop2Server:
    """One session as the server sees it.

    Any octets give events or RemoteProtocolError, nothing else; any split of the octets gives the same events.
    `send` takes the greeting first. An error is answered by one Err, and is the end.
    """

    __slots__ = ("_announced", "_is_paused", "_left", "_lines", "_verb", "state")

    def __init__(self) -> None:
        # RFC 937 s(Conventions) wants CRLF; clients that send a bare LF have always been served.
        self._lines = LineBuffer(accepts_bare_lf=True)
        self._is_paused = True  # until the greeting is sent
        self._verb: Verb | None = Verb.OPEN  # what is being answered; None: an error
        self._announced = 0  # octets of the message that RETR would get
        self._left = 0  # octets of it that are still to be sent
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
        """The next command. Raises RemoteProtocolError, always fatal, which is answered by an Err."""
        if self._is_paused:
            return PAUSED
        try:
            line = self._lines.next_line(LINE_LIMIT)
            if line is None:
                return NEED_DATA
            self._is_paused = True
            return self._read(line)
        except RemoteProtocolError as error:
            self._is_paused = True
            raise RemoteProtocolError(error.text, error.fault, fatal=True) from None

    def send(self, value: Value) -> bytes:
        """The octets that say `value`. Raises LocalProtocolError where it cannot be said now."""
        if not self._is_paused or self.is_closed:
            raise LocalProtocolError("there is nothing to reply to")
        match value:
            case Hangup():
                self._end()
                return b""
            case Data(octets):
                self._send_data(len(octets))
                return octets
            case _:
                self._send_line(value)
                return format_line(value)

    def _read(self, line: bytes) -> Command:
        verb, argument = split_command(line)
        if not SERVER.permits(self.state, verb):
            raise RemoteProtocolError(f"{verb} is not possible now", Fault.WRONG_STATE)
        command = parse_command(verb, argument)
        self._verb = verb
        if verb is Verb.RETR:
            self._left = self._announced
        return command

    def _send_data(self, count: int) -> None:
        if self._verb is not Verb.RETR or not 0 < count <= self._left:
            raise LocalProtocolError("a message is sent after RETR, and is as long as was announced")
        self._left -= count
        if not self._left:
            self._complete()

    def _send_line(self, line: Line) -> None:
        if self._verb is Verb.RETR:
            raise LocalProtocolError("after RETR comes the message, or nothing")
        if isinstance(line, Err):
            self._end()
            return
        if self._verb is None or not isinstance(line, ANSWERED_BY[self._verb]):
            raise LocalProtocolError(f"{type(line).__name__} is no answer to {self._verb or 'an error'}")
        self._announced = line.octets if isinstance(line, Length) else 0
        self._complete()

    def _complete(self) -> None:
        if self._verb is not None:
            self.state = SERVER.next_state(self.state, self._verb, Outcome.ACCEPTED)
        self._verb = None
        self._is_paused = self.is_closed

    def _end(self) -> None:
        self.state = SERVER.final
        self._verb = None
        self._is_paused = True
