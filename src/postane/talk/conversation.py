"""A connection and a protocol spoken over it by hand: lines go in, and what passes is told.

RFC 2595 s4 and RFC 3207 s4: octets that came before the TLS handshake end the session.

Must not know: who types, who listens.
"""

import asyncio

from postane.net.base import Link, LinkLost, TooSlow, Untrusted
from postane.wire.chart import Outcome

from .base import OPEN, RESPONSE, Answered, Heard, Mood, Remark, Said, Tell, Told, Tone
from .challenges import explain
from .hiding import hide, redact, secret_start, secrets_in
from .speech import Speech


class Conversation:
    """`is_quiet` leaves the bodies out of what is told. Every wait ends after the time that the link has for it."""

    def __init__(self, link: Link, speech: Speech, tell: Tell) -> None:
        self.link = link
        self.speech = speech
        self.tell = tell
        self.is_quiet = False
        self._secrets: set[str] = set()

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be said."""
        return self.speech.is_over or self.speech.is_ended

    def note(self, text: str, mood: Mood = Mood.NOTE) -> None:
        """Tell a remark of our own."""
        self.tell(Remark(text, mood))

    async def greet(self) -> Answered:
        """Wait for the server's first word."""
        while True:
            event = await self._next()
            if isinstance(event, Answered) and event.verb == OPEN:
                return event

    async def say(self, line: str, *, is_typed: bool = False) -> Answered | None:
        """Say a line and wait for the reply to it; None: there is none, since it is one line of a message.

        TLS is begun where the reply says so. Raises NetError; after an Untrusted nothing may be said any more.
        """
        start = secret_start(self.speech, line)
        if start is not None and line[start:].strip():
            self._secrets |= secrets_in(line[start:].strip())
        self.tell(Said(hide(line, start), is_typed))
        return await self.send(self.speech.say(line))

    async def send(self, octets: bytes) -> Answered | None:
        """Send what the speech has made already, and wait for the reply."""
        self.link.write(octets)
        if not self.speech.is_waiting:
            await self.link.drain()
            return None
        return await self.answer()

    async def answer(self) -> Answered:
        """Wait for all replies that are to come; the last one."""
        last = None
        while self.speech.is_waiting:
            event = await self._next()
            last = event if isinstance(event, Answered) else last
        assert last is not None, "a reply was waited for"
        if self.speech.is_shaking:
            await self._start_tls()
        return last

    async def listen(self) -> None:
        """Tell what the server says of its own accord, until it closes. Raises LinkLost."""
        while True:
            try:
                await self._next()
            except TooSlow:  # nobody waits for anything
                continue

    async def listen_for(self, seconds: float) -> None:
        """The same for a time."""
        try:
            async with asyncio.timeout(seconds):
                await self.listen()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Send what is unsent, and close."""
        await self.link.close()

    async def _next(self) -> Told:
        """The next event, which was told."""
        while (event := self.speech.next_event()) is None:
            if self.speech.is_ended:
                raise LinkLost("the server has closed the connection")
            self.speech.feed(await self.link.read())
        self._tell(event)
        return event

    def _tell(self, event: Heard | Answered) -> None:
        if isinstance(event, Heard):
            if event.tone is Tone.BODY:
                if not self.is_quiet:
                    self.tell(event)
                return
            event = Heard(redact(event.octets, self._secrets), event.tone, event.is_whole)
        self.tell(event)
        if isinstance(event, Answered) and event.outcome is None and event.verb != OPEN:
            self.note(f"{self.speech.protocol} has no such reply", Mood.TROUBLE)
        if isinstance(event, Answered) and event.outcome is Outcome.CONTINUED and event.verb in ("AUTH", RESPONSE):
            for line in explain(self.speech.mechanism, self.speech.challenge):
                self.note(line, Mood.DECODED)

    async def _start_tls(self) -> None:
        if self.speech.trailing:
            self.link.abort()
            raise Untrusted("the server has sent octets before the TLS handshake, which somebody else may have put in")
        await self.link.start_tls()
        self.speech.secure()
        facts = self.link.tls
        assert facts is not None, "the handshake is over"
        self.note(f"TLS stands: {facts.version}, {facts.cipher}")
