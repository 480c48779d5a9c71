"""The one gate that every claim goes through, whichever protocol carries it: throttled, checked, told of in the log.

RFC 6856 s2.2, RFC 4616 s2: names and passwords are compared in the form of SASLprep, and as they came too, for what was
set otherwise. A refusal is held back a while, longer each time; after many of them nothing is looked at for a while.

Must not know: how a protocol carries the claim, or what it answers.
"""

import asyncio
import math
import unicodedata
from collections.abc import Awaitable, Callable

import structlog
from structlog.typing import FilteringBoundLogger

from postane.accounts.base import AccountsUnavailable, LoginRefused, LoginThrottled, Proof, ScramEntry
from postane.accounts.names import show_name
from postane.sasl.base import ScramDigest
from postane.wire.saslprep import Unprepared, saslprep

from .office import PostOffice
from .record import SessionRecord

REFUSED = "invalid user name or password"
"""All that a client is told of a failed login."""


class Gate:
    """One connection's tries to prove who it is. Every method raises LoginRefused, LoginThrottled, AccountsUnavailable.

    `certificate` is the account name that a client's certificate bears, None where there is none; `mechanism` is what
    the log says that they are made by.
    """

    __slots__ = ("_certificate", "_mechanism", "_office", "_record")

    def __init__(
        self, office: PostOffice, record: SessionRecord, certificate: str | None = None, *, mechanism: str = "USER"
    ) -> None:
        self._office = office
        self._record = record
        self._certificate = certificate
        self._mechanism = mechanism

    def by(self, mechanism: str) -> "Gate":
        """The same gate, for a try by another mechanism."""
        return Gate(self._office, self._record, self._certificate, mechanism=mechanism)

    async def password(self, name: str, password: str, *, prepares: bool = True) -> Proof:
        """A name and a password; `prepares`: the protocol wants SASLprep (the oldest ones know nothing of it)."""
        accounts = self._office.accounts

        async def check() -> Proof:
            given = (name, password)
            prepared = (_prepared(name), _prepared(password)) if prepares else given
            return accounts.recall(*prepared) or await _either(accounts.verify_password, prepared, given)

        return await self._try(name, _octets(password), check)

    def recall(self, name: str, password: str) -> Proof | None:
        """The same for what was right a moment ago, as it nearly always was where a client polls; None: nothing was
        looked at, await `password`. Raises nothing."""
        try:
            name, password = saslprep(name), saslprep(password)
        except Unprepared:
            return None
        accounts = self._office.accounts
        return self._recall(name, lambda: accounts.recall(name, password))

    async def apop(self, name: str, stamp: str, digest: str) -> Proof:
        """RFC 1939 s7, APOP. RFC 6856 s2.2: the secret was prepared when it was set."""
        verify = self._office.accounts.verify_apop
        return await self._try(
            name, b"", lambda: _either(lambda who: verify(who, stamp, digest), (_prepared(name),), (name,))
        )

    def recall_apop(self, name: str, stamp: str, digest: str) -> Proof | None:
        """The same where the name was right before; None: nothing was found out, await `apop`. Raises nothing."""
        accounts, name = self._office.accounts, _counted(name)
        return self._recall(name, lambda: accounts.recall_apop(name, stamp, digest))

    def recall_cram(self, name: str, challenge: bytes, digest: str) -> Proof | None:
        """The same for `cram`."""
        accounts, name = self._office.accounts, _counted(name)
        return self._recall(name, lambda: accounts.recall_cram(name, challenge, digest))

    async def cram(self, name: str, challenge: bytes, digest: str) -> Proof:
        """RFC 2195 s2."""
        verify = self._office.accounts.verify_cram
        return await self._try(
            name, b"", lambda: _either(lambda who: verify(who, challenge, digest), (_prepared(name),), (name,))
        )

    async def token(self, name: str | None, token: str) -> Proof:
        """RFC 7628 s3.1: an access token, and perhaps whose it is."""
        return await self._try(name or "", _octets(token), lambda: self._office.accounts.verify_token(name, token))

    async def outside(self, name: str | None) -> Proof:
        """RFC 4422 sA.1: what the TLS handshake has proven; `name` must be what it said, None: whatever it said.

        A certificate without the expected name proves nobody, whatever the client says that it is.
        """

        async def check() -> Proof:
            if self._certificate is None or not unicodedata.is_normalized("NFKC", self._certificate):
                # What folds to another's name only by normalization (U+212A for K) was not meant to be that name.
                shown = "" if name is None else f"{show_name(name)}: "
                raise LoginRefused(REFUSED, f"{shown}EXTERNAL without a client certificate that bears a name")
            proof = await self._office.accounts.admit(self._certificate, "certificate")
            if name is not None and (await self._office.accounts.admit(name, "certificate")).account != proof.account:
                words = f"EXTERNAL: the certificate is that of {show_name(self._certificate)}"
                raise LoginRefused(REFUSED, f"{show_name(name)}: {words}")
            return proof

        return await self._try(self._certificate or "", b"", check)

    async def keys(self, name: str, digest: ScramDigest) -> ScramEntry:
        """The keys for a SCRAM exchange; what comes of it is told to `settle`."""
        await self._check(_counted(name))
        try:
            return await self._office.accounts.scram(_prepared(name), digest)
        except AccountsUnavailable as error:
            raise self._placed(error, name) from error

    async def settle(self, name: str, digest: ScramDigest, entry: ScramEntry, pair: int | None) -> Proof:
        """A SCRAM exchange is over: the client has proven to know the password of a pair of these keys, None: of none.

        The account may be disabled by now, the device revoked, and the password another one.
        """

        async def check() -> Proof:
            proof = entry.proof_of(pair)
            if pair is None or proof is None:
                raise LoginRefused(REFUSED, f"{show_name(name)}: SCRAM: wrong password, or no such keys")
            if not (await self._office.accounts.scram(_prepared(name), digest)).stands(entry, pair):
                words = "SCRAM: the password is no longer the one that it was at the beginning"
                raise LoginRefused(REFUSED, f"{show_name(name)}: {words}")
            return await self._office.accounts.admit(proof.account.name, proof.credential)

        return await self._try(name, b"", check)

    async def _try(self, name: str, secret: bytes, check: Callable[[], Awaitable[Proof]]) -> Proof:
        """Once too many have failed while this one was looked at, nothing is told of it, not even that it was right:
        else many guesses at the same moment would count for one."""
        name = _counted(name)
        await self._check(name)
        throttle, address = self._office.throttle, str(self._record.peer)
        began = self._office.clock()
        try:
            proof = await check()
        except LoginRefused as error:
            await self._check(name)
            self._tell(error.log)
            await self._hold_back(throttle.failed(address, name, secret), began)
            raise
        except AccountsUnavailable as error:  # the log has a line of each: nobody fills it by trying on
            await self._hold_back(throttle.delay, began)
            raise self._placed(error, name) from error
        await self._check(name)
        throttle.succeeded(address, name or proof.account.name)
        return proof

    def _recall(self, name: str, ask: Callable[[], Proof | None]) -> Proof | None:
        """Without a word to anybody who is throttled: that is told where it is waited for."""
        throttle, address = self._office.throttle, self._record.peer.host
        if throttle.check(address, name) > 0:
            return None
        proof = ask()
        if proof is not None:
            throttle.succeeded(address, name or proof.account.name)
        return proof

    def _placed(self, error: AccountsUnavailable, name: str) -> AccountsUnavailable:
        """With whose login it was in the words for the log, where the account store told of itself alone."""
        whose = f"login of {show_name(name)} by {self._mechanism} from {self._record.peer} ({self._record.service})"
        return AccountsUnavailable(error.text, f"{whose}: {error.log}")

    async def _hold_back(self, seconds: float, began: float) -> None:
        """Until so long after the beginning: what the check took does not show, which is another time in each account
        store, so that nobody learns which of them knows a name."""
        await asyncio.sleep(seconds - (self._office.clock() - began) % seconds if seconds > 0 else 0.0)

    async def _check(self, name: str) -> None:
        """What is not looked at is held back too: else a client that goes on trying fills the log as fast as it can."""
        wait = self._office.throttle.check(str(self._record.peer), name)
        if wait > 0:
            self._tell("too many failed logins")
            await asyncio.sleep(min(wait, self._office.throttle.delay))
            raise LoginThrottled(math.ceil(wait))

    def tell_unbound(self, mechanism: str) -> None:
        """A client began what it cannot finish: GNU SASL under TLS 1.3, and with it Debian's mutt (decision 0016)."""
        hint = "it may lack the channel binding; auth.mechanisms without -PLUS helps such clients"
        _log().info("login given up", session=self._record.session, mechanism=mechanism, hint=hint)

    def _tell(self, why: str) -> None:
        """The order of the words is what packaging/fail2ban reads."""
        peer, service = str(self._record.peer), self._record.service
        words = {"service": service, "peer": peer, "why": why, "mechanism": self._mechanism}
        _log().info("login refused", session=self._record.session, **words)


async def _either(verify: Callable[..., Awaitable[Proof]], prepared: tuple[str, ...], given: tuple[str, ...]) -> Proof:
    try:
        return await verify(*prepared)
    except LoginRefused:
        if prepared == given:
            raise
    return await verify(*given)


def _prepared(text: str) -> str:
    """The form of SASLprep. Raises LoginRefused, where it has none or is no UTF-8 (RFC 6856 s2.2)."""
    try:
        return saslprep(text)
    except Unprepared:
        raise LoginRefused(REFUSED, "not UTF-8, or SASLprep forbids it") from None


def _counted(name: str) -> str:
    """The name that failures count for: what SASLprep makes one is one, however many spellings it has."""
    try:
        return saslprep(name)
    except Unprepared:
        return name


def _log() -> FilteringBoundLogger:
    log: FilteringBoundLogger = structlog.get_logger("postane")
    return log


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
