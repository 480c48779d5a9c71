"""One SASL exchange, whichever protocol carries it: drives a mechanism, and asks the gate what it claims.

RFC 4422 s3, RFC 5034 s4, RFC 4954 s4. Neither protocol lets success carry data, so what a server has to say with it is
a challenge of its own, which the client answers with an empty response.

Must not know: base64, replies, any mechanism's messages.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from postane.accounts.base import LoginRefused, Proof
from postane.net.stream import Stream
from postane.sasl import base as sasl
from postane.sasl.registry import SERVER_MECHANISMS

from .gate import Gate
from .office import PostOffice


class Exchange:
    """One exchange from AUTH to its end. All methods give the next challenge, or the proof that ends it; all raise
    RemoteProtocolError, LoginRefused, LoginThrottled and AccountsUnavailable, after which it is over too. Those that
    need no waiting give None where it is needed: await `finish` then."""

    def __init__(self, gate: Gate, name: str, mechanism: sasl.ServerMechanism) -> None:
        self.name = name
        self._gate = gate
        self._mechanism = mechanism
        self._settle: Callable[[int | None], Awaitable[Proof]] | None = None  # SCRAM, once it has keys
        self._granted: Proof | None = None  # waits for the client's last, empty response
        self._refused: LoginRefused | None = None  # waits for the client to acknowledge it
        self._step: sasl.Step  # since `start_now`

    async def start(self, initial: bytes | None) -> bytes | Proof:
        """Begin; `initial` is None where the client gave no initial response."""
        given = self.start_now(initial)
        return await self.finish() if given is None else given

    async def respond(self, response: bytes) -> bytes | Proof:
        """The client's answer to the last challenge."""
        given = self.respond_now(response)
        return await self.finish() if given is None else given

    async def finish(self) -> bytes | Proof:
        """What comes of what the client said last."""
        return self._granted or await self._take(self._step)

    def start_now(self, initial: bytes | None) -> bytes | Proof | None:
        """As `start`."""
        self._step = self._mechanism.start(initial)
        return self._take_now(self._step)

    def respond_now(self, response: bytes) -> bytes | Proof | None:
        """As `respond`."""
        if self._refused is not None:
            raise self._refused
        if self._granted is not None:
            if response:
                raise sasl.refuse("nothing more was asked")
            return self._granted
        self._step = self._mechanism.step(response)
        return self._take_now(self._step)

    def cancel(self) -> None:
        """The client has given it up."""
        if SERVER_MECHANISMS[self.name].needs_binding:
            self._gate.tell_unbound(self.name)

    def _take_now(self, step: sasl.Step) -> bytes | Proof | None:
        match step:
            case sasl.Challenge(octets):
                return octets
            case sasl.PasswordClaim(name, password):
                return self._gate.recall(name, password)
            case sasl.CramClaim(name, challenge, digest):
                return self._gate.recall_cram(name, challenge, digest)
        return None

    async def _take(self, step: sasl.Step) -> bytes | Proof:
        match step:
            case sasl.Challenge(octets):
                return octets
            case sasl.PasswordClaim(name, password):
                return await self._gate.password(name, password)
            case sasl.CramClaim(name, challenge, digest):
                return await self._gate.cram(name, challenge, digest)
            case sasl.OutsideClaim(name):
                return await self._gate.outside(name)
            case sasl.TokenClaim():
                return await self._take_token(step)
            case sasl.KeysWanted():
                return await self._take_keys(step)
            case sasl.Verdict(pair, final):
                assert self._settle is not None, "keys are wanted before anything can be proven by them"
                self._granted = await self._settle(pair)
                return final  # RFC 5802 s7: the server proves itself before the client believes it

    async def _take_token(self, claim: sasl.TokenClaim) -> bytes | Proof:
        """RFC 7628 s3.2.3: a refusal is explained in a challenge, and said once the client has answered that."""
        try:
            return await self._gate.token(claim.name, claim.token)
        except LoginRefused as error:
            self._refused = error
            return claim.refusal

    async def _take_keys(self, wanted: sasl.KeysWanted) -> bytes | Proof:
        entry = await self._gate.keys(wanted.name, wanted.digest)
        self._settle = partial(self._gate.settle, wanted.name, wanted.digest, entry)
        return wanted.proceed(entry.keys).octets


def begin(office: PostOffice, stream: Stream, gate: Gate, name: str) -> Exchange:
    """An exchange by the mechanism `name`, which must be possible."""
    is_plus_offered = f"{name}-PLUS" in office.offers(stream).announced  # RFC 5802 s6
    bindings: Mapping[str, bytes] = stream.tls.bindings if stream.tls is not None else {}
    stamp = f"<{office.token()}.{int(office.clock())}@{office.hostname}>".encode("ascii", "replace")
    surroundings = sasl.Surroundings(stamp, office.token() + office.token(), bindings, is_plus_offered)
    return Exchange(gate.by(name), name, SERVER_MECHANISMS[name].make(surroundings))
