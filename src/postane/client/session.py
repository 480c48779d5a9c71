"""A session with a POP3 server, as its client: what there is to say before the login, and at any time.

RFC 1939 s4 (greeting), s6 (QUIT), RFC 2449 s5 (CAPA), RFC 2595 s4 (STLS), RFC 6856 (UTF8, LANG). After a Refused or a
NotOffered a session goes on, after any other PopError it is over. One operation at a time.

Must not know: how to connect (`entry`), how to log in (`login`), maildrops (`pop3`).
"""

from dataclasses import dataclass

from postane.net.base import Link
from postane.pop3.client import Answer
from postane.pop3.commands import Capa, Command, Lang, Noop, Quit, Stls, Utf8
from postane.pop3.states import State

from .capabilities import Capabilities, parse_capabilities
from .errors import PopError, greeting_refusal, printable, refusal
from .exchange import Exchange
from .pipeline import WINDOW, WINDOW_LIMIT
from .protocol_log import ProtocolLog, WriteLine


@dataclass(frozen=True, slots=True)
class Manner:
    """How to speak. `is_pipelining` is None where it is left to what the server says of itself."""

    window: int = WINDOW
    is_pipelining: bool | None = None
    log: WriteLine | None = None

    def __post_init__(self) -> None:
        check_window(self.window)


def check_window(window: int) -> int:
    """Gives it back. Raises ValueError."""
    if not 1 <= window <= WINDOW_LIMIT:
        raise ValueError(f"a window is a number of commands from 1 to {WINDOW_LIMIT}, not {window}")
    return window


class Session:
    """`greeting` is the server's first word; `stamp` is what APOP is spoken with, None where the server does not speak
    it (RFC 1939 s7)."""

    def __init__(self, link: Link, manner: Manner | None = None) -> None:
        self.manner = manner or Manner()
        self.exchange = Exchange(link, ProtocolLog(self.manner.log) if self.manner.log else None)
        self.greeting = ""
        self.stamp: str | None = None
        self._capabilities: Capabilities | None = None
        self._is_capa_asked = False
        self._pipelines: bool | None = None  # what the server says; None: it was not asked
        self._has_deleted = False

    @property
    def link(self) -> Link:
        """The connection."""
        return self.exchange.link

    @property
    def is_usable(self) -> bool:
        """Whether more can be asked."""
        return self.exchange.is_usable

    @property
    def is_idle(self) -> bool:
        """Whether more can be asked, and nothing is left of what was asked before."""
        return self.exchange.is_usable and not self.exchange.underway

    @property
    def is_logged_in(self) -> bool:
        """Whether there is a maildrop to speak of."""
        return self.exchange.is_usable and self.exchange.state is State.TRANSACTION

    async def greet(self) -> str:
        """Wait for the server's first word. Raises Refused where it does not want to talk."""
        event = await self.exchange.greeting()
        text = printable(str(event.reply.text))
        if not event.reply.is_ok:
            raise self.exchange.give_up(greeting_refusal(text, event.reply.code))
        self.greeting, self.stamp = text, event.stamp
        return text

    async def capabilities(self) -> Capabilities | None:
        """What the server says it can do, None where it does not know CAPA (RFC 2449 s5).

        Asked once, and anew after STLS and after the login: the answer may be another then.
        """
        if not self._is_capa_asked:
            await self.exchange.begin()
            answer = await self.exchange.ask(Capa())
            found = parse_capabilities(await self.exchange.small_body()) if answer.has_body else None
            self._capabilities, self._is_capa_asked = found, True
            self._pipelines = found is not None and found.has("PIPELINING")
        return self._capabilities

    async def start_tls(self) -> None:
        """STLS and the handshake. Raises Refused, or NotSecured."""
        await self._do(Stls())
        self._forget()
        self._pipelines = None
        await self.exchange.start_tls()

    def enter(self) -> None:
        """The login stands: what the server has said of itself may not hold any more (RFC 2449 s5)."""
        self._forget()

    def _forget(self) -> None:
        self._capabilities, self._is_capa_asked = None, False

    async def utf8(self) -> None:
        """Ask for messages with UTF-8 in their headers; before the login only (RFC 6856 s2)."""
        await self._do(Utf8())

    async def lang(self, tag: str) -> str:
        """Ask for replies in a language, "*" for the server's own; gives what it says to that (RFC 6856 s3.2)."""
        return printable(str((await self._do(Lang(tag))).reply.text))

    async def languages(self) -> dict[str, str]:
        """The tags of the languages that there are, and what the server calls them (RFC 6856 s3.2)."""
        await self._do(Lang())
        lines = (await self.exchange.small_body()).decode("utf-8", "replace").splitlines()
        pairs = (printable(line).partition(" ") for line in lines if line)
        return {tag: name for tag, _, name in pairs}

    async def noop(self) -> None:
        """NOOP."""
        await self._do(Noop())

    async def quit(self) -> None:
        """QUIT: what was marked is deleted once this returns (RFC 1939 s6), and the connection is closed in any case.

        Raises Refused where the server did not delete all of it; another PopError where that is not known. With
        nothing marked there is nothing to fail: a server that just closes has done no harm.
        """
        has_deleted, self._has_deleted = self._has_deleted, False  # whatever comes of it, it is told once
        try:
            await self._do(Quit())
        except PopError:
            if has_deleted:
                raise
        finally:
            await self.exchange.close()

    def abort(self) -> None:
        """Close at once: nothing is deleted."""
        self._has_deleted = False  # so that nobody is told that he wanted it so
        self.exchange.abort()

    async def _do(self, command: Command) -> Answer:
        """One command, which must not be refused. Raises Refused."""
        await self.exchange.begin()
        return self._check(await self.exchange.ask(command))

    def _check(self, answer: Answer) -> Answer:
        if error := self._judge(answer):
            raise error
        return answer

    def _judge(self, answer: Answer) -> PopError | None:
        """The error that an answer is; None: it is positive."""
        reply = answer.reply
        return None if reply.is_ok else refusal(answer.command.verb, str(reply.text), reply.code)

    async def window(self, wanted: int | None = None) -> int:
        """How many commands may be underway: 1 where the server does not say that it bears more (RFC 2449 s6.6)."""
        window = self.manner.window if wanted is None else check_window(wanted)
        is_pipelining = self.manner.is_pipelining
        if is_pipelining is None and self._pipelines is None:
            await self.capabilities()
        return window if (self._pipelines if is_pipelining is None else is_pipelining) else 1
