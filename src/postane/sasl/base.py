"""What every SASL mechanism offers on either side (RFC 4422 s3).

A server's mechanism is told what the client said and answers with the next step: a Challenge, a claim that somebody
must check, keys that it needs to check a proof itself, or the outcome of that check; or it raises RemoteProtocolError.
It knows no account and no protocol. Names and secrets come out as they crossed: whoever checks a claim prepares them
(SASLprep). A client's mechanism answers challenges, and says at the end whether the server is to be believed.

Must not know: base64, which is the protocol's (`pop3/grammar`, `smtp/grammar`); the clock, randomness.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from postane.wire.errors import Fault, LocalProtocolError, RemoteProtocolError

NAME_LIMIT = 1024
PASSWORD_LIMIT = 4096
"""Octets at most of what is prepared and compared: Unicode's normal forms take a time that grows with the square of the
length, and one message has room for 48 KiB. No account's name, and no password that a hash is made of, is as long."""


class Means(StrEnum):
    """By what a client proves who it is: what must be known of an account to check it."""

    PASSWORD = "password"  # noqa: S105 - a kind; the password itself crosses: a hash will do
    SECRET = "secret"  # noqa: S105 - a digest of the secret crosses: the secret itself must be known
    SCRAM_SHA_1 = "scram-sha-1"  # keys derived from the password
    SCRAM_SHA_256 = "scram-sha-256"
    TOKEN = "token"  # noqa: S105 - somebody who gives out tokens vouches for it
    OUTSIDE = "outside"  # the layer below has checked it


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an exchange is given by the connection that it runs on.

    `stamp` is a msg-id in angle brackets that is never given twice (CRAM-MD5's challenge), `nonce` a random word of
    printable ASCII without a comma (SCRAM's). `bindings` are the channel bindings that this connection has, by their
    registered names (RFC 5929, RFC 9266): empty without TLS. `is_plus_offered`: the client could see that a mechanism
    with channel binding is offered, so that one which "thinks that the server does not" has been deceived.
    """

    stamp: bytes
    nonce: str
    bindings: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    is_plus_offered: bool = False


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the client is to be asked next."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasswordClaim:
    """The client says that it is `name`, and that this is the password. Octets that are not UTF-8 are escaped."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CramClaim:
    """The client says that it is `name`, and proves it by a keyed digest (lower-case hex) of `challenge`."""

    name: str
    challenge: bytes
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenClaim:
    """The client shows an access token, and may say whose it is; a refusal is preceded by the challenge `refusal`,
    to which the client answers with something that means nothing (RFC 7628 s3.2.3)."""

    name: str | None
    token: str = field(repr=False)
    refusal: bytes


@dataclass(frozen=True, slots=True)
class OutsideClaim:
    """The client says that the layer below knows it (a TLS certificate): as `name`, None: as whoever that says."""

    name: str | None


class ScramDigest(StrEnum):
    """The hash functions that SCRAM is spoken with, by their names in Python's hashlib."""

    SHA_1 = "sha1"
    SHA_256 = "sha256"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """What is kept of one password for SCRAM (RFC 5802 s3)."""

    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """What a SCRAM exchange is held with: a pair of keys for each password that would do, all derived with this salt
    and count, since the client is told one of each before it shows which password it has (RFC 5802 s5).

    There is at least one pair, be it one that fits no password, so that every proof is compared with something.
    """

    salt: bytes
    iterations: int
    pairs: tuple[KeyPair, ...]


@dataclass(frozen=True, slots=True)
class KeysWanted:
    """The client says that it is `name`; `proceed` takes the keys of that name and makes the challenge."""

    name: str
    digest: ScramDigest
    proceed: Callable[[ScramKeys], Challenge] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The client's proof has been checked against the keys: it fits the pair number `pair`, from 0; None: none of them.

    `final` is the server's own proof, which the client is to be told before success (RFC 5802 s7), or the error
    (`e=...`). That one is better not sent but written down: RFC 4422 s3.6 lets a refusal carry nothing, and clients on
    GNU SASL take it for something that they cannot read.
    """

    pair: int | None
    final: bytes


Step = Challenge | PasswordClaim | CramClaim | TokenClaim | OutsideClaim | KeysWanted | Verdict
"""What comes of what the client said."""


class ServerMechanism(Protocol):
    """One exchange."""

    def start(self, initial: bytes | None) -> Step:
        """Begin; `initial` is the initial response, None where there was none. Raises RemoteProtocolError."""
        ...

    def step(self, response: bytes) -> Step:
        """The client's response to the last challenge. Raises RemoteProtocolError."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a client wants to log in as, and by what: `secret` is the password or the access token.

    `nonce`, `bindings` and `is_plus_offered` are those of Surroundings, as the client sees them: the last one says that
    the server's list had a mechanism with channel binding.
    """

    name: str
    secret: str = field(repr=False)
    nonce: str = ""
    bindings: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    is_plus_offered: bool = False


class ClientMechanism(Protocol):
    """One exchange on the client's side, made for an Identity.

    Where a protocol cannot carry an initial response, or a server wants none on that line, it is what answers the
    server's first challenge, which is then empty (RFC 4422 s3.3).
    """

    def start(self) -> bytes | None:
        """The initial response, None where the server speaks first.

        Raises LocalProtocolError, as does step, where the mechanism cannot say that identity.
        """
        ...

    def step(self, challenge: bytes) -> bytes:
        """The response to a challenge. Raises RemoteProtocolError where it must not be answered: the client cancels."""
        ...

    def finish(self) -> None:
        """The server has said that the login succeeded. Raises RemoteProtocolError where it should have proven itself
        and has not: nothing that it says may be trusted."""
        ...


def refuse(text: str) -> RemoteProtocolError:
    """The error for what the other side said and should not have."""
    return RemoteProtocolError(text, Fault.BAD_ARGUMENT)


def decode_name(octets: bytes) -> str:
    """A name: UTF-8 without control characters. Raises RemoteProtocolError."""
    if len(octets) > NAME_LIMIT:
        raise refuse("the name is too long")
    try:
        name = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise refuse("the name is not UTF-8 text") from None
    if not name or any(letter < " " or letter == "\x7f" for letter in name):
        raise refuse("the name is empty or has control characters")
    return name


def encode_name(name: str) -> bytes:
    """The inverse of decode_name. Raises LocalProtocolError."""
    if not name or any(letter < " " or letter == "\x7f" for letter in name):
        raise LocalProtocolError("the name is empty or has control characters")
    return _encode(name, "strict")


def decode_password(octets: bytes) -> str:
    """A password: whatever octets it has. Raises RemoteProtocolError where it is empty or too long."""
    if not octets or len(octets) > PASSWORD_LIMIT:
        raise refuse("the password is too long" if octets else "the password is empty")
    return octets.decode("utf-8", "surrogateescape")


def encode_password(password: str) -> bytes:
    """The inverse of decode_password. Raises LocalProtocolError."""
    if not password or "\0" in password:
        raise LocalProtocolError("the password is empty or has a NUL")
    return _encode(password, "surrogateescape")


def _encode(text: str, errors: str) -> bytes:
    try:
        return text.encode("utf-8", errors)
    except UnicodeEncodeError:
        raise LocalProtocolError("the name or the password is not text") from None
