"""Logging in: the strongest means that the server offers, that the caller allows, and that the connection is fit for.

RFC 1939 s7 (APOP, USER, PASS), RFC 5034 (AUTH), RFC 2449 s6.3. A password or a token that whoever listens could use
again crosses only where nobody can listen, or where the caller says so. What is refused is tried once more at most,
by means of another kind: an account may be locked after a few wrong passwords.

Must not know: how to connect, where secrets are kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from secrets import token_urlsafe

from postane.credentials.base import Secret, SecretKind
from postane.net.base import Link
from postane.sasl.base import Identity, encode_name, encode_password
from postane.wire.errors import LocalProtocolError

from .authentication import APOP, USER, authenticate, say_digest, say_password
from .errors import ClearTextRefused, ConnectionLost, LoginRefused, NotOffered, PopError, Refused, login_refusal
from .session import Session

NONCE_OCTETS = 18
"""Of randomness, for SCRAM (RFC 5802 s5.1)."""

SCRAM_PLUS = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS")
SCRAM = (*SCRAM_PLUS, "SCRAM-SHA-256", "SCRAM-SHA-1")
DIGESTS = ("CRAM-MD5", APOP)
PASSWORDS = ("PLAIN", "LOGIN", USER)
TOKENS = ("OAUTHBEARER", "XOAUTH2")
OUTSIDE = ("EXTERNAL",)

MECHANISMS = (*SCRAM, *DIGESTS, *PASSWORDS, *TOKENS, *OUTSIDE)
"""All that are known, APOP and USER among them, those for passwords from the strongest to the weakest."""

IN_CLEAR = frozenset((*PASSWORDS, *TOKENS))


class Plaintext(StrEnum):
    """Where what can be used again may cross without TLS."""

    NEVER = "never"
    LOOPBACK = "loopback"  # where it does not leave this machine
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class LoginPolicy:
    """What the caller allows. `mechanisms` narrows the choice to these (of MECHANISMS), in this order; None: to any
    but EXTERNAL, which is only for whoever has shown a certificate, in the order of strength."""

    plaintext: Plaintext = Plaintext.LOOPBACK
    mechanisms: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if unknown := [name for name in self.mechanisms or () if name not in MECHANISMS]:
            raise ValueError(f"{unknown[0]} is no mechanism; there are {', '.join(MECHANISMS)}")

    def may_cross(self, link: Link) -> bool:
        """Whether a password may cross this connection."""
        match self.plaintext:
            case Plaintext.NEVER:
                return link.tls is not None
            case Plaintext.LOOPBACK:
                return link.is_private
            case Plaintext.ALWAYS:
                return True


async def log_in(session: Session, name: str, secret: Secret | None, policy: LoginPolicy | None = None) -> str:
    """Log in; gives what it was done by. `secret` is None where a certificate says all.

    Raises LoginRefused, or what else the server gave for a reason; ClearTextRefused; NotOffered; NotSecured where the
    server has not proven that it knows the account.
    """
    policy = policy or LoginPolicy()
    offered = await _offered(session, secret, policy)
    wanted = [each for each in _fitting(secret, policy) if each in offered]
    allowed = [each for each in wanted if each not in IN_CLEAR or policy.may_cross(session.link)]
    if not allowed:
        raise _nothing(offered, wanted)
    text = secret.text if secret else ""
    first = await _try(session, allowed[0], name, text)
    if first is None:
        return allowed[0]
    second = _another(first, allowed)
    if second is None:
        raise first
    try:
        refused = await _try(session, second, name, text)
    except ConnectionLost:  # it does not want to hear another word
        raise first from None
    if refused:
        raise refused
    return second


async def _try(session: Session, mechanism: str, name: str, secret: str) -> Refused | None:
    """None: the login stands."""
    capabilities = await session.capabilities()
    is_plus_offered = capabilities is not None and not set(SCRAM_PLUS).isdisjoint(capabilities.mechanisms)
    bindings = session.link.tls.bindings if session.link.tls else {}
    identity = Identity(name, secret, token_urlsafe(NONCE_OCTETS), bindings, is_plus_offered)
    try:
        if mechanism not in OUTSIDE:
            encode_name(name)
            encode_password(secret)
        if mechanism == USER:
            is_pipelining = await session.window() > 1
            refusal = await say_password(session.exchange, identity, is_pipelining=is_pipelining)
        elif mechanism == APOP:
            refusal = await say_digest(session.exchange, identity, session.stamp or "")
        else:
            is_one_line = capabilities is not None and capabilities.has("SASL")
            refusal = await authenticate(session.exchange, mechanism, identity, is_one_line=is_one_line)
    except (LocalProtocolError, ValueError):
        return LoginRefused("the login", "the name or the secret has characters that it cannot have", "", mechanism)
    if refusal is None:
        session.enter()
        return None
    return login_refusal(refusal.verb, refusal.text, refusal.code, mechanism)


async def _offered(session: Session, secret: Secret | None, policy: LoginPolicy) -> frozenset[str]:
    """What may be tried, since the server says so, or since there is no telling."""
    capabilities = await session.capabilities()
    apop = {APOP} if session.stamp else set()
    if capabilities is None:
        offered = {USER, "XOAUTH2", *(policy.mechanisms or ())} - {APOP} | apop
    else:
        offered = set(capabilities.mechanisms) | apop
        if secret is not None and secret.kind is SecretKind.TOKEN:
            offered.add("XOAUTH2")  # servers leave it out
        if capabilities.has("USER") or offered.isdisjoint(MECHANISMS):
            offered.add(USER)
    if not session.link.tls or not session.link.tls.bindings:
        offered.difference_update(SCRAM_PLUS)
    return frozenset(offered)


def _fitting(secret: Secret | None, policy: LoginPolicy) -> Iterable[str]:
    """The mechanisms that can be spoken with such a secret, the best first."""
    if secret is None:
        fitting: tuple[str, ...] = OUTSIDE
    elif secret.kind is SecretKind.TOKEN:
        fitting = TOKENS
    else:
        fitting = (*SCRAM, *DIGESTS, *PASSWORDS)
    if policy.mechanisms is None:
        return fitting
    return [each for each in policy.mechanisms if each in fitting or each in OUTSIDE]


def _nothing(offered: frozenset[str], wanted: list[str]) -> PopError:
    if wanted:
        means = ", ".join(wanted)
        return ClearTextRefused(
            f"a password would cross in clear text: without TLS the server takes it by {means} only; "
            "use TLS, or allow it with plaintext = always"
        )
    known = ", ".join(sorted(offered)) or "nothing"
    return NotOffered(f"there is no way to log in: the server offers {known}, and none of it is allowed here")


def _another(refused: Refused, allowed: list[str]) -> str | None:
    """What to try after a refusal, if the secret may be right all the same.

    RFC 1939 s7: a server with APOP may not have it for this account. RFC 3206 s4: AUTH says that the credentials are
    wrong, which is true of all mechanisms unless it was a digest, for which the server must know more of an account;
    any other code says that it is not them.
    """
    if not isinstance(refused, LoginRefused):
        return None
    kind = next(kind for kind in _KINDS if refused.mechanism in kind)
    if refused.code and kind is not DIGESTS:
        return None
    others = [each for each in allowed if each not in kind]
    return min(others, key=lambda each: each not in PASSWORDS, default=None)  # a password is good for every account


_KINDS = (SCRAM, DIGESTS, PASSWORDS, TOKENS[:1], TOKENS[1:], OUTSIDE)
