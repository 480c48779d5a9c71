"""What somebody types that is for us and not for the server: lines that begin with a dot or a slash.

Must not know: terminals, where files are.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

from postane.net.pins import format_pin
from postane.wire.base64_text import format_base64
from postane.wire.chart import Outcome
from postane.wire.crlf import Mender
from postane.wire.dots import stuff

from .base import Mood, Unanswered, Unsuitable
from .completion import entry_for, manual_of
from .conversation import Conversation
from .counted_speech import CountedSpeech
from .entering import APOP, OUTSIDE, ask_abilities, choose_means, is_token, log_in
from .fetching import fetch_message
from .manual import ORDERS
from .pop3_speech import Pop3Speech
from .reading import readable
from .smtp_speech import SmtpSpeech

LONGEST_WAIT = 86_400.0
"""Seconds that .wait takes at most."""


WIDTH = max(len(order.usage) for order in ORDERS.values()) + 1


class Tools(Protocol):
    """What the place where somebody types has. Those with files raise OSError."""

    @property
    def host(self) -> str:
        """Our own name, for EHLO."""
        ...

    @property
    def user(self) -> str | None:
        """Whose account the URL names."""
        ...

    async def ask(self, question: str, *, is_secret: bool) -> str | None:
        """Ask whoever types; None: nobody answers."""
        ...

    def read_file(self, name: str) -> bytes: ...

    def write_new(self, name: str, octets: bytes) -> None: ...

    def set_transcript(self, name: str | None) -> None: ...

    def limit_bodies(self, lines: int | None) -> None:
        """Show so many lines of a body; None: all."""
        ...


class Orders:
    """Obeys. What the server refuses raises nothing: it is seen. LoginFailed is raised where a login was refused."""

    def __init__(self, conversation: Conversation, tools: Tools) -> None:
        self._conversation = conversation
        self.tools = tools
        self._obeyers: Mapping[str, Callable[[list[str], str], Awaitable[None]]] = {
            ".help": self._help,
            ".login": self._login,
            ".apop": self._apop,
            ".starttls": self._starttls,
            ".tls": self._tls,
            ".capa": self._capa,
            ".show": self._show,
            ".raw": self._raw,
            ".save": self._save,
            ".send": self._send,
            ".respond": self._respond,
            ".say": self._say,
            ".lines": self._lines,
            ".transcript": self._transcript,
            ".wait": self._wait,
            ".quit": self._quit,
        }
        self.is_leaving = False

    async def obey(self, line: str) -> None:
        """Do what a line says. Raises Unsuitable with why that is not possible, NetError."""
        word, _, rest = line.strip().partition(" ")
        name = f".{word[1:].lower()}"
        if name not in self._obeyers:
            raise Unsuitable(f"there is no {word}: .help . tells what there is; .say {word} would say it to the server")
        await self._obeyers[name](rest.split(), rest.strip())

    def _tell(self, text: str) -> None:
        self._conversation.note(text, Mood.TEXT)

    async def _help(self, words: list[str], rest: str) -> None:
        speech = self._conversation.speech
        if words and words[0] in (".", "/"):
            for order in ORDERS.values():
                self._tell(f"{order.usage:<{WIDTH}} {order.what}")
        elif words:
            entry = entry_for(speech, words[0])
            if entry is None:
                raise Unsuitable(f"{speech.protocol} has no {words[0]}")
            self._tell(str(entry))
        else:
            allowed = [entry for verb, entry in manual_of(speech).items() if verb in speech.verbs]
            self._tell(f"in {speech.state} there may be said:" if allowed else f"nothing may be said in {speech.state}")
            for entry in allowed:
                self._tell(f"  {entry}")
            self._tell("and to us: .help .")

    async def _login(self, words: list[str], rest: str) -> None:
        await self._enter(words[0] if words else None, words[1].upper() if len(words) > 1 else None)

    async def _apop(self, words: list[str], rest: str) -> None:
        await self._enter(words[0] if words else None, APOP)

    async def _enter(self, name: str | None, wanted: str | None) -> None:
        """Log in as `name`, or whom the URL names, or who is asked for; by what is `wanted`, or the strongest means."""
        conversation, tools = self._conversation, self.tools
        name = name or tools.user or await tools.ask("Name: ", is_secret=False)
        if not name:
            raise Unsuitable(f"whose account: {ORDERS['.login'].usage}")
        means = [wanted] if wanted else await choose_means(conversation, tools.host)
        speech = conversation.speech
        if isinstance(speech, SmtpSpeech) and speech.extensions is None:
            await ask_abilities(conversation, tools.host)
        secret = "" if means[0] == OUTSIDE else await self._secret(name, means[0])
        done = await log_in(conversation, name, secret, means)
        conversation.note(f"logged in by {done}")

    async def _secret(self, name: str, means: str) -> str:
        what = "Access token" if is_token(means) else "Password"
        secret = await self.tools.ask(f"{what} of {name}: ", is_secret=True)
        if not secret:
            kind = Unanswered if secret is None else Unsuitable
            raise kind("without a password there is no login")
        return secret

    async def _starttls(self, words: list[str], rest: str) -> None:
        speech = self._conversation.speech
        if isinstance(speech, CountedSpeech):
            raise Unsuitable(f"{speech.protocol} has no word that begins TLS")
        if isinstance(speech, SmtpSpeech) and speech.extensions is None:
            await ask_abilities(self._conversation, self.tools.host)
        answered = await self._conversation.say("STLS" if isinstance(speech, Pop3Speech) else "STARTTLS")
        if answered is None or answered.outcome is not Outcome.ACCEPTED:
            raise Unsuitable("the server does not begin TLS")

    async def _tls(self, words: list[str], rest: str) -> None:
        link = self._conversation.link
        facts, shown = link.tls, link.certificate
        if facts is None or shown is None:
            near = ", which does not leave this machine" if link.is_private else ": whoever listens can read it"
            self._tell(f"there is no TLS on this connection{near}")
            return
        self._tell(f"version:  {facts.version}")
        self._tell(f"cipher:   {facts.cipher}")
        self._tell(f"bindings: {', '.join(facts.bindings) or 'none'}")
        self._tell(f"subject:  {shown.subject or '(none)'}")
        self._tell(f"issuer:   {shown.issuer or '(none)'}")
        self._tell(f"names:    {', '.join(shown.names) or '(none)'}")
        self._tell(f"until:    {datetime.fromtimestamp(shown.expires, UTC):%Y-%m-%d %H:%M} UTC")
        self._tell(f"pin:      {format_pin(shown.digest)}")

    async def _capa(self, words: list[str], rest: str) -> None:
        await ask_abilities(self._conversation, self.tools.host)

    async def _show(self, words: list[str], rest: str) -> None:
        for line in readable(await fetch_message(self._conversation, _number(words, ".show"))):
            self._tell(line)

    async def _raw(self, words: list[str], rest: str) -> None:
        octets = await fetch_message(self._conversation, _number(words, ".raw"))
        for line in octets.decode("utf-8", "replace").removesuffix("\r\n").split("\r\n"):
            self._tell(line)

    async def _save(self, words: list[str], rest: str) -> None:
        if not words:
            raise Unsuitable(f"into which file: {ORDERS['.save'].usage}")
        if len(words) > 1:
            await fetch_message(self._conversation, _number(words[1:], ".save"))
        octets = self._conversation.speech.body
        if not octets:
            raise Unsuitable("no message was fetched yet" if octets == b"" else "the message is too large to be kept")
        with _files():
            self.tools.write_new(words[0], octets)
        self._tell(f"{len(octets)} octets are in {words[0]}")

    async def _send(self, words: list[str], rest: str) -> None:
        speech = self._conversation.speech
        if not isinstance(speech, SmtpSpeech):
            raise Unsuitable(f"{speech.protocol} takes no messages")
        if not rest:
            raise Unsuitable(f"which file: {ORDERS['.send'].usage}")
        mender = Mender()
        with _files():
            octets = self.tools.read_file(rest)
        octets = mender.feed(octets) + mender.finish()
        answered = await self._conversation.say("DATA")
        if answered is None or answered.outcome is not Outcome.CONTINUED:
            raise Unsuitable("the server does not take a message now")
        self._conversation.note(f"{len(octets)} octets of {rest} follow")
        await self._conversation.send(speech.say_message(stuff(octets)))

    async def _respond(self, words: list[str], rest: str) -> None:
        if not self._conversation.speech.wants_response:
            raise Unsuitable("there is no challenge to respond to")
        text = rest or await self.tools.ask("Response: ", is_secret=True)
        if text is None:
            raise Unsuitable("nothing was said")
        await self._conversation.say(format_base64(text.encode("utf-8", "surrogateescape")).decode("ascii"))

    async def _say(self, words: list[str], rest: str) -> None:
        await self._conversation.say(rest)

    async def _lines(self, words: list[str], rest: str) -> None:
        self.tools.limit_bodies(_number(words, ".lines") if words else None)

    async def _transcript(self, words: list[str], rest: str) -> None:
        with _files():
            self.tools.set_transcript(rest or None)

    async def _wait(self, words: list[str], rest: str) -> None:
        try:
            seconds = float(words[0])
        except (IndexError, ValueError):
            seconds = -1.0
        if not 0 <= seconds <= LONGEST_WAIT:
            raise Unsuitable(f"how long: {ORDERS['.wait'].usage}")
        await self._conversation.listen_for(seconds)

    async def _quit(self, words: list[str], rest: str) -> None:
        self.is_leaving = True
        if not self._conversation.is_over and "QUIT" in self._conversation.speech.verbs:
            await self._conversation.say("QUIT")


@contextmanager
def _files() -> Iterator[None]:
    """Raises Unsuitable where a file cannot be had. What is printed meanwhile may fail in its own way."""
    try:
        yield
    except OSError as error:
        raise Unsuitable(f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")) from None


def _number(words: list[str], order: str) -> int:
    if not words or not words[0].isascii() or not words[0].isdigit() or len(words[0]) > 9 or not int(words[0]):
        raise Unsuitable(f"which number: {ORDERS[order].usage}")
    return int(words[0])
