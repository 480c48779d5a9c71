"""POP3's verbs before login: who is it, and what can this server do.

RFC 1939 s4 and s7 (USER, PASS, APOP), RFC 5034 s4 (AUTH), RFC 3206 s4, RFC 6856 s2 (UTF8).

Must not know: grammar, hashes, maildrops.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from postane.accounts.base import LoginRefused, Proof
from postane.net.stream import Stream
from postane.pop3.capabilities import Offer
from postane.pop3.commands import Apop, Auth, AuthResponse, Pass, User, Utf8, Verb
from postane.pop3.replies import Challenge, Code, Listing, err, ok
from postane.sasl import base as sasl
from postane.sasl.registry import CLEAR_TEXT, SERVER_MECHANISMS
from postane.wire.phrases import phrase
from postane.wire.saslprep import Unprepared, saslprep

from .login import Login
from .loop import Outbox
from .office import PostOffice


class Authorization:
    """The verbs of the AUTHORIZATION state. A login that was right opens `login`, and is left to be answered.

    `is_utf8`: the client wants messages as they are, UTF-8 in their header parts included.
    """

    def __init__(self, office: PostOffice, stream: Stream, login: Login) -> None:
        self._office = office
        self._login = login
        self.offer = _make_offer(office, is_clear_text_possible=office.allows_password(stream))
        # RFC 1939 s7, APOP: a msg-id that is never given twice; no "=" in it, which some clients refuse.
        self.stamp = f"<{office.token()}.{int(office.clock())}@{office.hostname}>"
        self.is_utf8 = False
        self._user = ""
        self._exchange: sasl.ServerMechanism  # since AUTH; the chart lets no response in before it

    async def _user_(self, event: User, out: Outbox) -> None:
        """RFC 1939 s7, USER. The reply never tells whether there is such a name."""
        if self.offer.is_login_possible:
            self._user = event.name
            out.send(ok("send PASS"))
        else:
            out.send(err("passwords may not cross this connection in clear text, use TLS (POP3S) or APOP", Code.AUTH))

    async def _pass(self, event: Pass, out: Outbox) -> None:
        """RFC 1939 s7, PASS."""
        await self._login.enter(self._prove(self._user, event.secret))

    async def _apop(self, event: Apop, out: Outbox) -> None:
        """RFC 1939 s7, APOP."""
        await self._login.enter(self._prove_apop(event))

    async def _utf8(self, event: Utf8, out: Outbox) -> None:
        """RFC 6856 s2.1."""
        del event
        self.is_utf8 = True
        out.send(ok("UTF-8 from now on"))

    async def _auth(self, event: Auth, out: Outbox) -> None:
        """RFC 5034 s4. Some clients ask for the list of mechanisms by AUTH alone."""
        offered = self.offer.mechanisms
        if event.mechanism is None:
            out.send(Listing("mechanisms follow", "".join(f"{name}\r\n" for name in offered).encode("ascii")))
        elif event.mechanism in offered:
            self._exchange = SERVER_MECHANISMS[event.mechanism].make(sasl.Surroundings(self.stamp.encode(), self._office.token()))
            await self._go_on(self._exchange.start(event.initial), out)
        else:
            out.send(err(phrase("mechanism {name} is not offered here", name=event.mechanism)))

    async def _response(self, event: AuthResponse, out: Outbox) -> None:
        """RFC 5034 s4: the exchange goes on, or the client has cancelled it."""
        if event.octets is None:
            out.send(err("cancelled"))
        else:
            await self._go_on(self._exchange.step(event.octets), out)

    async def _go_on(self, step: sasl.Step, out: Outbox) -> None:
        match step:
            case sasl.Challenge(octets):
                out.send(Challenge(octets))
            case sasl.PasswordClaim(name, password):
                await self._login.enter(self._prove(name, password))

    async def _prove(self, name: str, password: str) -> Proof:
        """RFC 6856 s2.2, RFC 4616 s2: both in the form of SASLprep; as they came too, for what was set otherwise."""
        verify = self._office.accounts.verify_password
        prepared = _prepared(name), _prepared(password)
        try:
            return await verify(*prepared)
        except LoginRefused:
            if prepared == (name, password):
                raise
        return await verify(name, password)

    async def _prove_apop(self, event: Apop) -> Proof:
        """RFC 6856 s2.2: the secret was prepared when it was set."""
        verify, name = self._office.accounts.verify_apop, _prepared(event.name)
        try:
            return await verify(name, self.stamp, event.digest)
        except LoginRefused:
            if name == event.name:
                raise
        return await verify(event.name, self.stamp, event.digest)

    VERBS: ClassVar[Mapping[Verb, Callable[..., Awaitable[None]]]] = {
        Verb.APOP: _apop,
        Verb.AUTH: _auth,
        Verb.PASS: _pass,
        Verb.RESPONSE: _response,
        Verb.USER: _user_,
        Verb.UTF8: _utf8,
    }


def _make_offer(office: PostOffice, *, is_clear_text_possible: bool) -> Offer:
    mechanisms = tuple(name for name in office.mechanisms if is_clear_text_possible or SERVER_MECHANISMS[name].means not in CLEAR_TEXT)
    return Offer(
        office.implementation,
        is_clear_text_possible,
        mechanisms=mechanisms,
        is_lang_possible=bool(office.languages),
    )


def _prepared(text: str) -> str:
    """The form of SASLprep. Raises LoginRefused, where it has none or is no UTF-8 (RFC 6856 s2.2)."""
    try:
        return saslprep(text)
    except Unprepared:
        raise LoginRefused("invalid user name or password", "not UTF-8, or SASLprep forbids it") from None
