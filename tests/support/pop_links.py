"""A client's connection in memory, and a POP3 server behind it that does as it is told."""

import asyncio
import hashlib
import hmac
import random
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from postane.client.pop3 import Pop3
from postane.client.session import Manner
from postane.net.base import Certificate, LinkLost, TooSlow, Untrusted
from postane.net.stream import Peer, TlsFacts
from postane.pop3.commands import Pass, User
from postane.sasl.base import (
    Challenge,
    CramClaim,
    KeysWanted,
    OutsideClaim,
    PasswordClaim,
    ServerMechanism,
    Step,
    Surroundings,
    TokenClaim,
    Verdict,
)
from postane.sasl.registry import SERVER_MECHANISMS
from postane.sasl.scram import derive_keys
from support.scripted import Play

Answer = Callable[[bytes], bytes]
"""From a line that a client said, without its end, to what the server says to it."""


class MemoryLink:
    """A Link whose other side is a function, asked for each line that is written.

    `cuts` are the sizes of the pieces in which the answers come, over and over; empty: all that there is at once.
    """

    def __init__(self, greeting: bytes, answer: Answer, *, cuts: Iterable[int] = (), is_private: bool = True) -> None:
        self._answer = answer
        self._incoming = bytearray(greeting)
        self._line = bytearray()
        self._cuts = list(cuts)
        self._reads = 0
        self._news = asyncio.Event()
        self.peer = Peer("192.0.2.1", 110)
        self.tls: TlsFacts | None = None
        self.offers_tls: TlsFacts | Untrusted = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384")
        self.certificate: Certificate | None = None
        self._is_private = is_private
        self.is_writable = True
        self.lines: list[bytes] = []  # all that the client has said
        self.writes: list[bytes] = []
        self.is_closed = False
        self.is_aborted = False
        self.is_ended = False  # the server has closed its side
        self.is_stuck = False  # the next wait takes too long

    @property
    def is_private(self) -> bool:
        return self._is_private or self.tls is not None

    def give(self, octets: bytes) -> None:
        """The server says something of its own accord."""
        self._incoming += octets
        self._news.set()

    def end(self) -> None:
        """The server closes its side."""
        self.is_ended = True
        self._news.set()

    async def read(self) -> bytes:
        while (octets := self.read_now()) is None:
            if self.is_stuck:
                raise TooSlow("the server took too long")
            self._news.clear()
            await self._news.wait()
        return octets

    def read_now(self) -> bytes | None:
        if self.is_closed:
            raise LinkLost("the connection is closed")
        if not self._incoming:
            return b"" if self.is_ended else None
        count = self._cuts[self._reads % len(self._cuts)] if self._cuts else len(self._incoming)
        self._reads += 1
        octets = bytes(self._incoming[:count])
        del self._incoming[:count]
        return octets

    def write(self, octets: bytes) -> None:
        self.writes.append(octets)
        self._line += octets
        while (end := self._line.find(b"\r\n")) >= 0:
            line = bytes(self._line[:end])
            del self._line[: end + 2]
            self.lines.append(line)
            self.give(self._answer(line))

    async def drain(self) -> None:
        raise AssertionError("a client of POP3 writes small commands: it need not wait for room")

    async def start_tls(self) -> None:
        if isinstance(self.offers_tls, Untrusted):
            raise self.offers_tls
        assert not self._incoming
        self.tls = self.offers_tls

    async def close(self) -> None:
        self.is_closed = True
        self._news.set()

    def abort(self) -> None:
        self.is_closed = self.is_aborted = True
        self._news.set()


CAPA = (b"TOP", b"UIDL", b"USER", b"SASL PLAIN", b"RESP-CODES", b"PIPELINING", b"IMPLEMENTATION Fake")


@dataclass
class FakeServer:
    """A POP3 server in a function. `replies` go before all that it would say itself: by line, or by verb."""

    messages: list[bytes] = field(default_factory=list)
    offers: tuple[bytes, ...] | None = CAPA
    replies: Mapping[bytes, bytes] = field(default_factory=dict)
    uidls: list[bytes] | None = None
    refused: frozenset[int] = frozenset()
    password: bytes = b"secret"
    deleted: set[int] = field(default_factory=set)
    is_committed: bool = False

    surroundings: Surroundings = field(default_factory=lambda: Surroundings(b"<7@fake>", "fakes"))
    exchange: Callable[[bytes], bytes] | None = None  # what takes the next line, inside AUTH
    is_apop: bool = True

    def __call__(self, line: bytes) -> bytes:
        if self.exchange is not None:
            take, self.exchange = self.exchange, None
            return b"-ERR given up\r\n" if line == b"*" else take(b64decode(line))
        verb, *words = line.split(b" ")
        if (said := self.replies.get(line, self.replies.get(verb))) is not None:
            return said
        name = verb.decode("ascii", "replace").lower()
        known = getattr(self, "pass_" if name == "pass" else name, None)
        return known(*words) if known else b"-ERR what\r\n"

    def capa(self) -> bytes:
        if self.offers is None:
            return b"-ERR what\r\n"
        return b"+OK\r\n" + b"".join(each + b"\r\n" for each in self.offers) + b".\r\n"

    def user(self, name: bytes) -> bytes:
        return b"+OK\r\n"

    def pass_(self, word: bytes) -> bytes:
        return b"+OK\r\n" if word == self.password else b"-ERR [AUTH] no\r\n"

    def apop(self, name: bytes, digest: bytes) -> bytes:
        right = hashlib.md5(b"<1.2@example.org>" + self.password).hexdigest().encode()
        return b"+OK\r\n" if self.is_apop and digest == right else b"-ERR [AUTH] no\r\n"

    def auth(self, mechanism: bytes, initial: bytes | None = None) -> bytes:
        side = SERVER_MECHANISMS[mechanism.decode()].make(self.surroundings)
        return self.take_step(
            side, side.start(None if initial is None else b64decode(b"" if initial == b"=" else initial))
        )

    def take_step(self, side: ServerMechanism, step: Step) -> bytes:
        match step:
            case Challenge(octets):
                return self.challenge(octets, lambda said: self.take_step(side, side.step(said)))
            case PasswordClaim(_, password):
                return self.pass_(password.encode())
            case CramClaim(_, challenge, digest):
                return self.judge(hmac.digest(self.password, challenge, "md5").hex() == digest)
            case TokenClaim(_, token, refusal):
                if token.encode() == self.password:
                    return b"+OK\r\n"
                return self.challenge(refusal, lambda _: b"-ERR [AUTH] no\r\n")
            case OutsideClaim(name):
                return self.judge(name in (None, "mrose"))
            case KeysWanted(_, digest, proceed):
                return self.take_step(side, proceed(derive_keys(self.password, b"salt of sixteen.", 4096, digest)))
            case Verdict(pair, final):
                return self.judge(False) if pair is None else self.challenge(final, lambda _: b"+OK\r\n")

    def challenge(self, octets: bytes, take: Callable[[bytes], bytes]) -> bytes:
        self.exchange = take
        return b"+ " + b64encode(octets) + b"\r\n"

    def judge(self, is_right: bool) -> bytes:
        return b"+OK\r\n" if is_right else b"-ERR [AUTH] no\r\n"

    def stat(self) -> bytes:
        return b"+OK %d %d\r\n" % (len(self.messages), sum(map(len, self.messages)))

    def noop(self) -> bytes:
        return b"+OK\r\n"

    def stls(self) -> bytes:
        return b"+OK\r\n"

    def list(self) -> bytes:
        lines = b"".join(b"%d %d\r\n" % (number, len(each)) for number, each in enumerate(self.messages, 1))
        return b"+OK\r\n" + lines + b".\r\n"

    def uidl(self) -> bytes:
        uidls = (
            self.uidls if self.uidls is not None else [b"u%d" % number for number in range(1, len(self.messages) + 1)]
        )
        return b"+OK\r\n" + b"".join(b"%d %b\r\n" % pair for pair in enumerate(uidls, 1)) + b".\r\n"

    def retr(self, word: bytes) -> bytes:
        number = int(word)
        if number in self.refused or not 0 < number <= len(self.messages):
            return b"-ERR no such message\r\n"
        return b"+OK\r\n" + stuffed(self.messages[number - 1])

    def top(self, word: bytes, lines: bytes) -> bytes:
        said = self.retr(word)
        if said.startswith(b"-"):
            return said
        head, _, body = self.messages[int(word) - 1].partition(b"\r\n\r\n")
        kept = b"".join(body.splitlines(keepends=True)[: int(lines)])
        return b"+OK\r\n" + stuffed(head + b"\r\n\r\n" + kept)

    def dele(self, word: bytes) -> bytes:
        if int(word) in self.refused:
            return b"-ERR no such message\r\n"
        self.deleted.add(int(word))
        return b"+OK\r\n"

    def rset(self) -> bytes:
        self.deleted.clear()
        return b"+OK\r\n"

    def quit(self) -> bytes:
        self.is_committed = True
        return b"+OK bye\r\n"


def stuffed(message: bytes) -> bytes:
    """As it is sent, by other means than ours."""
    lines = message.split(b"\r\n")
    if lines[-1] == b"":
        lines.pop()
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + b".\r\n"


async def entered(server: FakeServer, **how: object) -> tuple[Pop3, MemoryLink]:
    """A session that is logged in, and its link. `how` is for the link, or for the Manner."""
    for_link = {name: how.pop(name) for name in ("cuts", "is_private") if name in how}
    link = MemoryLink(b"+OK ready <1.2@example.org>\r\n", server, **for_link)  # type: ignore[arg-type]
    pop = Pop3(link, Manner(**how))  # type: ignore[arg-type]
    await pop.greet()
    pop.exchange.say((User("mrose"), Pass("secret")))
    for _ in range(2):
        assert (await pop.exchange.answer()).reply.is_ok
    pop.enter()
    return pop, link


def made_messages(count: int, seed: int = 1) -> list[bytes]:
    """Messages of many sizes, with dots where they hurt."""
    dice = random.Random(seed)
    lines = (b".", b"..", b".x", b"", b"plain text", b"x" * 70, b"a\nb", b"a\n.\nb")
    return [
        b"Subject: %d\r\n\r\n" % number + b"".join(dice.choice(lines) + b"\r\n" for _ in range(dice.randint(0, 30)))
        for number in range(1, count + 1)
    ]


def playing(server: FakeServer, greeting: bytes = b"+OK ready <1.2@example.org>\r\n") -> Play:
    """The same server over a socket."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while line := await reader.readline():
            writer.write(server(line.removesuffix(b"\r\n")))
            await writer.drain()
            if line == b"QUIT\r\n":
                return

    return play
