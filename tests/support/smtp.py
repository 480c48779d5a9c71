"""Drives the SMTP machine in memory, without a desk: what it gives and what it says."""

from postane.smtp import replies
from postane.smtp.body import BodyLimits
from postane.smtp.commands import Auth, BdatEnd, BodyChunk, BodyEnd, Data, Event, Mail, StartTls
from postane.smtp.replies import Challenge, Reply, SmtpError
from postane.smtp.server import SmtpServer
from postane.smtp.states import Dialect
from postane.wire.errors import RemoteProtocolError
from postane.wire.machine import Signal

GREETING = replies.greeting("mail.example.org", "ESMTP")
SMTP_START = b"EHLO client.example\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n"


class Conversation:
    """A machine whose every event is answered kindly, or by `answers`; what happened is kept in `seen`.

    The chunks of a message are joined, and dropped where the message is not sound: how far they reach depends on how
    the octets were split.
    """

    def __init__(
        self,
        dialect: Dialect = Dialect.SMTP,
        limits: BodyLimits | None = None,
        answers: dict[type, Reply] | None = None,
    ) -> None:
        self.machine = SmtpServer(dialect, limits or BodyLimits())
        self.answers = answers or {}
        self.said = self.machine.send(GREETING)
        self.seen: list[object] = []
        self.messages: list[bytes] = []
        self._body = b""

    def feed(self, octets: bytes) -> "Conversation":
        self.machine.feed(octets)
        while True:
            try:
                event = self.machine.next_event()
            except RemoteProtocolError as error:
                reply = error.reply if isinstance(error, SmtpError) else replies.BY_FAULT[error.fault]
                self.seen.append((error.text, error.fault, error.fatal))
                self.said += self.machine.send(reply)
                continue
            if isinstance(event, Signal):
                return self
            self._take(event)

    def _take(self, event: Event) -> None:
        if isinstance(event, BodyChunk):
            self._body += event.octets
            return
        self.seen.append(event)
        if isinstance(event, Mail):
            self._body = b""
        if isinstance(event, BodyEnd):
            if event.verdict == "sound":
                self.messages.append(self._body)
            self._body = b""
        if getattr(event, "verb", None) != "BDAT":  # the answer to a BDAT is due at its end
            self.said += self.machine.send(self.answers.get(type(event), _kind_answer(event)))

    @property
    def codes(self) -> list[int]:
        """The codes of all replies after the greeting, one a reply."""
        lines = self.said.split(b"\r\n")[1:-1]
        return [int(line[:3]) for line in lines if line[3:4] == b" "]


def _kind_answer(event: Event) -> Reply | Challenge:
    """TLS is refused: what comes after it depends on how the octets were split."""
    match event:
        case Data():
            return replies.GO_ON
        case Auth(_, None):
            return Challenge(b"ask")
        case StartTls():
            return replies.NOT_IMPLEMENTED
        case _:
            return replies.DONE


def converse(octets: bytes, **settings: object) -> Conversation:
    """All of it in one piece."""
    return Conversation(**settings).feed(octets)  # type: ignore[arg-type]


def answer_chunks(reply: Reply) -> dict[type, Reply]:
    """Every BDAT that is not the last is answered so."""
    return {BdatEnd: reply}
