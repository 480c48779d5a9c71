"""POP3 as it is spoken by hand.

RFC 1939 s3 (replies), RFC 2449 s5 (CAPA), RFC 2595 s4 (STLS), RFC 5034 s4 (AUTH), RFC 6856 s3 (LANG).

Must not know: connections.
"""

from collections.abc import Mapping
from typing import ClassVar

from postane.client.capabilities import Capabilities, parse_capabilities
from postane.pop3.commands import Verb
from postane.pop3.grammar import find_stamp
from postane.pop3.states import SERVER, State
from postane.wire.chart import Outcome

from .base import OPEN, RESPONSE, Command, Tone
from .speech import Speech
from .wire_lines import Piece

MOST_NUMBERS = 100_000
"""Messages that are offered to whoever types."""

_BODIES = {"CAPA", "RETR", "TOP"}
_BODIES_ALONE = {"LIST", "UIDL", "AUTH", "LANG"}  # a body only where nothing follows the verb


class Pop3Speech(Speech):
    """`stamp` is what APOP is spoken with; `capabilities` what CAPA told, None: it was not asked since they may have
    changed."""

    protocol = "POP3"
    secrets_of: ClassVar[Mapping[str, int]] = {"PASS": 1, "APOP": 2, "AUTH": 2}

    def __init__(self) -> None:
        super().__init__(SERVER, Verb)
        self.stamp: str | None = None
        self.capabilities: Capabilities | None = None
        self._in_body = False

    @property
    def verbs(self) -> frozenset[str]:
        """See Speech; without a stamp there is no APOP."""
        return super().verbs if self.stamp else super().verbs - {"APOP"}

    def secure(self) -> None:
        """RFC 2595 s4: there is no second greeting, and what was known is discarded."""
        super().secure()
        self.state, self.capabilities, self.mechanisms = State.AUTHORIZATION, None, ()

    def _read(self, piece: Piece) -> None:
        if self._in_body:
            self._read_body(piece)
        elif self.state is State.GREETING and piece.begins:
            self._greet(piece)
        elif not self._waiting or not piece.begins:
            self._hear(piece, Tone.ASTRAY)
        else:
            self._read_status(piece)

    def _greet(self, piece: Piece) -> None:
        tone, outcome = _judge(piece.octets)
        self._hear(piece, tone)
        if outcome is Outcome.ACCEPTED:
            self.state = State.AUTHORIZATION
            self.stamp = find_stamp(piece.octets.decode("utf-8", "replace"))
        elif outcome is Outcome.REFUSED:
            self.state = State.CLOSED
        self._answer(outcome, OPEN)

    def _read_status(self, piece: Piece) -> None:
        command = self._waiting[0]
        tone, outcome = _judge(piece.octets)
        self._hear(piece, tone)
        if outcome is Outcome.ACCEPTED and _has_body(command):
            self._in_body = True
            self._lines.is_strict = not piece.is_bare  # so that no message ends itself by LF . LF
            return
        if outcome is Outcome.CONTINUED:
            if command.verb not in ("AUTH", RESPONSE):
                outcome = None
            self.challenge = piece.octets[2:]
        elif outcome is Outcome.ACCEPTED:
            self._learn(command, piece.octets)
        if command.verb == "QUIT":  # RFC 1939 s6: in TRANSACTION it leads to UPDATE first
            self.state = State.CLOSED
        self._answer(outcome)

    def _read_body(self, piece: Piece) -> None:
        self._hear(piece, Tone.BODY)
        if piece.octets == b"." and piece.begins and piece.ends:
            self._in_body = self._lines.is_strict = False
            self._learn_body(self._waiting[0], self.gathered())
            self._answer(Outcome.ACCEPTED)
            return
        octets = piece.octets[1:] if piece.begins and piece.octets.startswith(b".") else piece.octets
        self.gather(octets + b"\r\n" if piece.ends else octets)

    def _learn(self, command: Command, line: bytes) -> None:
        """What a positive reply of one line tells."""
        words = line.split()
        number = int(words[1]) if len(words) > 1 and words[1].isdigit() and len(words[1]) < 8 else 0
        match command.verb:
            case "PASS" | "APOP" | "AUTH" | "response":
                self.is_logged_in, self.capabilities, self.mechanisms = True, None, ()
            case "STAT" if number <= MOST_NUMBERS and not self.numbers:
                self.numbers = list(range(1, number + 1))
            case "DELE" if command.argument.isdigit() and int(command.argument) in self.numbers:
                self.numbers.remove(int(command.argument))
            case "RSET":
                self.numbers = []

    def _learn_body(self, command: Command, body: bytes) -> None:
        """What a positive reply of many lines tells."""
        match command.verb:
            case "CAPA":
                self.capabilities = parse_capabilities(body)
                self.mechanisms = self.capabilities.mechanisms
            case "AUTH":
                self.mechanisms = tuple(body.decode("ascii", "replace").upper().split())
            case "LIST" | "UIDL":
                words = [line.partition(b" ")[0] for line in body.split(b"\r\n")[:MOST_NUMBERS]]
                self.numbers = [int(word) for word in words if word.isdigit() and len(word) < 10]


def _has_body(command: Command) -> bool:
    return command.verb in _BODIES or (command.verb in _BODIES_ALONE and not command.argument)


def _judge(line: bytes) -> tuple[Tone, Outcome | None]:
    """RFC 1939 s3, RFC 5034 s4."""
    word = line.split(b" ", 1)[0].upper()
    if word == b"+OK":
        return Tone.YES, Outcome.ACCEPTED
    if word == b"-ERR":
        return Tone.NO, Outcome.REFUSED
    return (Tone.GO_ON, Outcome.CONTINUED) if word == b"+" else (Tone.ASTRAY, None)
