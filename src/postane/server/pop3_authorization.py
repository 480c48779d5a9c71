"""POP3's verbs before login: who is it, and what can this server do.

RFC 1939 s4 and s7 (USER, PASS, APOP), RFC 5034 s4 (AUTH), RFC 3206 s4, RFC 6856 s2 (UTF8).

Must not know: grammar, hashes, maildrops.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from postane.accounts.base import Proof
from postane.net.stream import Stream
from postane.pop3.commands import Apop, Auth, AuthResponse, Pass, User, Utf8, Verb
from postane.pop3.replies import Challenge, Code, Listing, err, ok
from postane.wire.phrases import Phrase, phrase

from .desk import Outbox
from .exchange import Exchange, begin
from .gate import Gate
from .login import Login
from .office import PostOffice

_SEND_PASS = ok("send PASS")


class Authorization:
    """The verbs of the AUTHORIZATION state. A login that was right opens `login`, and is left to be answered.

    `is_utf8`: the client wants messages as they are, UTF-8 in their header parts included.
    """

    __slots__ = ("_exchange", "_gate", "_login", "_office", "_stamp", "_stream", "_user", "is_utf8", "offer")

    def __init__(self, office: PostOffice, stream: Stream, gate: Gate, login: Login, stamp: str) -> None:
        self._office = office
        self._stream = stream
        self._gate = gate
        self._login = login
        self._stamp = stamp
        self.offer = office.offers(stream).pop3
        self.is_utf8 = False
        self._user = ""
        self._exchange: Exchange  # since AUTH; the chart lets no response in before it

    def _user_(self, event: User, out: Outbox) -> bool:
        """RFC 1939 s7, USER. The reply never tells whether there is such a name."""
        if self.offer.is_login_possible:
            self._user = event.name
            out.send(_SEND_PASS)
        else:
            out.send(err(self._refusal(), Code.AUTH))
        return True

    def _pass_now(self, event: Pass, out: Outbox) -> bool:
        """RFC 1939 s7, PASS."""
        del out
        proof = self._gate.recall(self._user, event.secret)
        return proof is not None and self._login.enter_now(proof, "USER")

    async def _pass(self, event: Pass, out: Outbox) -> None:
        """The same where somebody has to be waited for."""
        del out
        await self._login.enter(self._gate.password(self._user, event.secret), "USER")

    def _apop_now(self, event: Apop, out: Outbox) -> bool:
        """RFC 1939 s7, APOP."""
        del out
        proof = self._gate.recall_apop(event.name, self._stamp, event.digest)
        return proof is not None and self._login.enter_now(proof, "APOP")

    async def _apop(self, event: Apop, out: Outbox) -> None:
        """The same where somebody has to be waited for."""
        await self._login.enter(self._gate.by("APOP").apop(event.name, self._stamp, event.digest), "APOP")

    def _utf8(self, event: Utf8, out: Outbox) -> bool:
        """RFC 6856 s2.1."""
        del event
        self.is_utf8 = True
        out.send(ok("UTF-8 from now on"))
        return True

    def _auth_now(self, event: Auth, out: Outbox) -> bool:
        """RFC 5034 s4. Some clients ask for the list of mechanisms by AUTH alone."""
        if event.mechanism is None:
            out.send(
                Listing("mechanisms follow", "".join(f"{name}\r\n" for name in self.offer.mechanisms).encode("ascii"))
            )
        elif event.mechanism in self._office.offers(self._stream).possible:
            self._exchange = begin(self._office, self._stream, self._gate, event.mechanism)
            return self._go_on(self._exchange.start_now(event.initial), out)
        elif self._would_be_offered(event.mechanism):
            out.send(err(self._refusal(), Code.AUTH))
        else:
            out.send(err(phrase("mechanism {name} is not offered here", name=event.mechanism)))
        return True

    def _response_now(self, event: AuthResponse, out: Outbox) -> bool:
        """RFC 5034 s4: the exchange goes on, or the client has cancelled it."""
        if event.octets is None:
            self._exchange.cancel()
            out.send(err("cancelled"))
            return True
        return self._go_on(self._exchange.respond_now(event.octets), out)

    def _go_on(self, step: bytes | Proof | None, out: Outbox) -> bool:
        if isinstance(step, bytes):
            out.send(Challenge(step))
            return True
        return step is not None and self._login.enter_now(step, self._exchange.name)

    async def _finish(self, event: Auth | AuthResponse, out: Outbox) -> None:
        """The rest of both where somebody has to be waited for."""
        del event
        step = await self._exchange.finish()
        if isinstance(step, bytes):
            out.send(Challenge(step))
        else:
            await self._login.enter(_given(step), self._exchange.name)

    def _would_be_offered(self, name: str) -> bool:
        """Whether it is only the lack of TLS that keeps a mechanism away."""
        return name in self._office.mechanisms and not self.offer.is_login_possible

    def _refusal(self) -> Phrase:
        """RFC 2595 s2.1: what a client is told that would send its password in clear."""
        if self._stream.can_start_tls:
            return phrase("passwords may not cross this connection in clear text, say STLS first")
        return phrase("passwords may not cross this connection in clear text, use TLS (POP3S) or APOP")

    NOW: ClassVar[Mapping[Verb, Callable[..., bool]]] = {
        Verb.APOP: _apop_now,
        Verb.AUTH: _auth_now,
        Verb.PASS: _pass_now,
        Verb.RESPONSE: _response_now,
        Verb.USER: _user_,
        Verb.UTF8: _utf8,
    }
    """What can be answered without waiting; False: nothing was answered, await the one in `VERBS`."""

    VERBS: ClassVar[Mapping[Verb, Callable[..., Awaitable[None]]]] = {
        Verb.APOP: _apop,
        Verb.AUTH: _finish,
        Verb.PASS: _pass,
        Verb.RESPONSE: _finish,
    }


async def _given(proof: Proof) -> Proof:
    return proof
