"""SCRAM with SHA-1 and SHA-256, with and without channel binding: neither side learns what it did not know.

RFC 5802, RFC 7677; the bindings are those of RFC 5929 s3 and s4, and of RFC 9266 s2. Why this is not a library's:
docs/decisions/0009-scram.md.

Must not know: where keys are kept; randomness, which is given.
"""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from postane.wire.errors import LocalProtocolError
from postane.wire.saslprep import Unprepared, saslprep

from .base import (
    Challenge,
    Identity,
    KeyPair,
    KeysWanted,
    ScramDigest,
    ScramKeys,
    Step,
    Surroundings,
    Verdict,
    encode_name,
    encode_password,
    refuse,
)
from .gs2 import BindingFlag, Gs2Header, decode_saslname, encode_saslname, split_gs2

_NONCE = re.compile(rb"[!-+\--~]+")  # RFC 5802 s7: printable, without a comma
_EXTENSION = re.compile(rb"[A-Zbdf-hj-loqtuw-z]=[^\0,]+")  # by a letter that RFC 5802 s5.1 does not use
_COUNT = re.compile(rb"[1-9][0-9]{0,9}")

_ITERATIONS = range(4096, 5_000_001)
"""RFC 7677 s4: for fewer, whoever plays the server could guess the password from the proof; for more, it could keep a
client busy for as long as it likes."""

_PREFERRED = ("tls-exporter", "tls-unique", "tls-server-end-point")
"""RFC 9266 s3, RFC 5802 s6.1: what a server must have under TLS 1.3, what it must have before that, then the rest."""


@dataclass(frozen=True, slots=True)
class _Opening:
    """What the client's proof will be about: its first message without the header, both nonces, the cbind-input."""

    bare: bytes
    nonce: bytes
    binding: bytes = field(repr=False)


class ScramServer:
    """RFC 5802 s5: the client's first message, then the keys are wanted, the client's proof, and at last our own.

    The binding that the client names must be one of this connection's, and what it then proves must be about that
    very binding: the octets are compared with what they must be, never taken from the client. RFC 5802 s6.
    """

    def __init__(self, digest: ScramDigest, surroundings: Surroundings, *, is_plus: bool) -> None:
        self._digest = digest
        self._surroundings = surroundings
        self._is_plus = is_plus
        self._next: Callable[[bytes], Step] = self._take_first

    def start(self, initial: bytes | None) -> Step:
        """See ServerMechanism."""
        return Challenge(b"") if initial is None else self.step(initial)

    def step(self, response: bytes) -> Step:
        """See ServerMechanism."""
        take, self._next = self._next, _refuse_step
        return take(response)

    def _take_first(self, message: bytes) -> KeysWanted:
        header, bare = split_gs2(message)
        binding = message.removesuffix(bare) + self._binding(header)
        user, nonce = _attributes(bare, b"n=", b"r=")
        name = decode_saslname(user)
        if not _NONCE.fullmatch(nonce):
            raise refuse("the nonce has characters that no nonce may have")
        if header.acts_as not in (None, name):  # RFC 5802 s5.1: to act as another is a right that nobody has here
            raise refuse("acting for another user is not possible here")
        opening = _Opening(bare, nonce + self._surroundings.nonce.encode("ascii"), binding)
        return KeysWanted(name, self._digest, partial(self._proceed, opening))

    def _binding(self, header: Gs2Header) -> bytes:
        """The octets of the binding that the client has named; none without -PLUS."""
        if not self._is_plus:
            if header.flag is BindingFlag.USED:
                raise refuse("channel binding needs the mechanism whose name ends in -PLUS")
            if header.flag is BindingFlag.UNOFFERED and self._surroundings.is_plus_offered:  # RFC 5802 s6
                raise refuse("channel binding is offered here, somebody has hidden that on the way")
            return b""
        if header.flag is not BindingFlag.USED:
            raise refuse("a mechanism whose name ends in -PLUS needs channel binding")
        if not (binding := self._surroundings.bindings.get(header.binding)):  # RFC 5802 s6: refused, never replaced
            raise refuse("this connection does not have that kind of channel binding")
        return binding

    def _proceed(self, opening: _Opening, keys: ScramKeys) -> Challenge:
        first = b"r=%b,s=%b,i=%d" % (opening.nonce, b64encode(keys.salt), keys.iterations)
        self._next = partial(self._take_final, opening, keys, first)
        return Challenge(first)

    def _take_final(self, opening: _Opening, keys: ScramKeys, first: bytes, message: bytes) -> Verdict:
        claimed, _, text = message.rpartition(b",p=")
        binding, nonce = _attributes(claimed, b"c=", b"r=")
        proof = _decode(text)
        if not hmac.compare_digest(binding, b64encode(opening.binding)):  # RFC 5802 s6: always validated
            return Verdict(None, b"e=channel-bindings-dont-match")
        if not hmac.compare_digest(nonce, opening.nonce):
            return Verdict(None, b"e=other-error")
        about = b",".join((opening.bare, first, claimed))
        fitting = _fitting(self._digest, proof, keys.pairs, about)
        if fitting is None:
            return Verdict(None, b"e=invalid-proof")
        return Verdict(fitting, b"v=" + b64encode(_keyed(self._digest, keys.pairs[fitting].server_key, about)))


class ScramClient:
    """RFC 5802 s5: believes a server only that has proven to know the keys.

    To answer the server's first challenge takes as long as the iteration count in it asks for.
    """

    def __init__(self, digest: ScramDigest, identity: Identity, *, is_plus: bool) -> None:
        self._digest = digest
        self._identity = identity
        self._is_plus = is_plus
        self._next: Callable[[bytes], bytes] = _refuse_challenge
        self._is_server_proven = False

    def start(self) -> bytes:
        """See ClientMechanism."""
        nonce = self._identity.nonce.encode("utf-8", "replace")
        if not _NONCE.fullmatch(nonce):
            raise LocalProtocolError("a nonce is printable ASCII without a comma")
        header = self._header()
        gs2, name = header.encode(), _normalize(encode_name(self._identity.name)).decode("utf-8")
        binding = self._identity.bindings[header.binding] if header.binding else b""
        opening = _Opening(b"n=" + encode_saslname(name) + b",r=" + nonce, nonce, gs2 + binding)
        self._next = partial(self._take_first, opening)
        return gs2 + opening.bare

    def step(self, challenge: bytes) -> bytes:
        """See ClientMechanism."""
        take, self._next = self._next, _refuse_challenge
        return take(challenge)

    def finish(self) -> None:
        """See ClientMechanism."""
        if not self._is_server_proven:  # RFC 5802 s5: anybody can say that a login succeeded
            raise refuse("the server has not proven that it knows the account")

    def _header(self) -> Gs2Header:
        """RFC 5802 s6: `y` lets the server see that somebody has hidden its offer."""
        bindings = self._identity.bindings
        if not self._is_plus:
            is_unoffered = bool(bindings) and not self._identity.is_plus_offered
            return Gs2Header(BindingFlag.UNOFFERED if is_unoffered else BindingFlag.ABSENT)
        for kind in _PREFERRED:
            if bindings.get(kind):
                return Gs2Header(BindingFlag.USED, kind)
        raise LocalProtocolError("this connection has no channel binding")

    def _take_first(self, opening: _Opening, challenge: bytes) -> bytes:
        nonce, salt, count = _attributes(challenge, b"r=", b"s=", b"i=")
        is_ours = nonce.startswith(opening.nonce) and len(nonce) > len(opening.nonce)
        if not is_ours or not _NONCE.fullmatch(nonce):  # RFC 5802 s5.1
            raise refuse("the server's nonce does not continue ours")
        if not _COUNT.fullmatch(count) or int(count) not in _ITERATIONS:
            raise refuse("the server's iteration count is too small or too large")
        password = encode_password(self._identity.secret)
        client_key, server_key = _raw_keys(password, _decode(salt), int(count), self._digest)
        claimed = b"c=" + b64encode(opening.binding) + b",r=" + nonce
        about = b",".join((opening.bare, challenge, claimed))
        proof = _xor(client_key, _keyed(self._digest, _hash(self._digest, client_key), about))
        self._next = partial(self._take_final, _keyed(self._digest, server_key, about))
        return claimed + b",p=" + b64encode(proof)

    def _take_final(self, signature: bytes, challenge: bytes) -> bytes:
        if challenge.startswith(b"e="):
            raise refuse("the server refuses the proof")
        (verifier,) = _attributes(challenge, b"v=")
        if not hmac.compare_digest(_decode(verifier), signature):
            raise refuse("the server does not know the account, and only pretends to")
        self._is_server_proven = True
        return b""


def derive_pair(password: bytes, salt: bytes, iterations: int, digest: ScramDigest) -> KeyPair:
    """What is to be kept of a password, in the form of SASLprep where it has one (RFC 5802 s2.2), else as it is.

    RFC 5802 s3. Takes as long as `iterations` ask for.
    """
    client_key, server_key = _raw_keys(password, salt, iterations, digest)
    return KeyPair(_hash(digest, client_key), server_key)


def derive_keys(password: bytes, salt: bytes, iterations: int, digest: ScramDigest) -> ScramKeys:
    """What to hold an exchange with where that one password alone would do."""
    return ScramKeys(salt, iterations, (derive_pair(password, salt, iterations, digest),))


def _raw_keys(password: bytes, salt: bytes, iterations: int, digest: ScramDigest) -> tuple[bytes, bytes]:
    """The client's and the server's. RFC 5802 s3."""
    salted = hashlib.pbkdf2_hmac(digest.value, _normalize(password), salt, iterations)
    return _keyed(digest, salted, b"Client Key"), _keyed(digest, salted, b"Server Key")


def _normalize(password: bytes) -> bytes:
    try:
        return saslprep(password.decode("utf-8")).encode("utf-8")
    except (UnicodeDecodeError, Unprepared):
        return password


def _fitting(digest: ScramDigest, proof: bytes, pairs: Sequence[KeyPair], about: bytes) -> int | None:
    """The first pair that a proof fits; all are compared, so that the time does not tell which it was."""
    fitting = [number for number, pair in enumerate(pairs) if _is_proof(digest, proof, pair.stored_key, about)]
    return fitting[0] if fitting else None


def _is_proof(digest: ScramDigest, proof: bytes, stored_key: bytes, about: bytes) -> bool:
    """Whether it is the client's key, masked by what only somebody with that key could make. RFC 5802 s3."""
    signature = _keyed(digest, stored_key, about)
    if len(proof) != len(signature):
        return False
    return hmac.compare_digest(_hash(digest, _xor(proof, signature)), stored_key)


def _keyed(digest: ScramDigest, key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, digest.value)


def _hash(digest: ScramDigest, octets: bytes) -> bytes:
    return hashlib.new(digest.value, octets).digest()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=True))


def _attributes(message: bytes, *names: bytes) -> list[bytes]:
    """The values of the attributes that a message begins with.

    What follows them is optional and means nothing here (RFC 5802 s5.1), except that a mandatory extension (`m=`) is
    refused, as is anything that stands where it must not. Raises RemoteProtocolError.
    """
    parts = message.split(b",")
    found = [part.removeprefix(name) for part, name in zip(parts, names, strict=False) if part.startswith(name)]
    if len(found) != len(names):
        raise refuse("the message cannot be read as SCRAM")
    if not all(map(_EXTENSION.fullmatch, parts[len(names) :])):
        raise refuse("the message has an extension that cannot be read, or that is not supported here")
    return found


def _decode(text: bytes) -> bytes:
    """Base64 of which there is no other form. Raises RemoteProtocolError."""
    try:
        octets = b64decode(text, validate=True)
    except ValueError:
        octets = b""
    if not octets or b64encode(octets) != text:
        raise refuse("what must be base64 is not")
    return octets


def _refuse_challenge(_: bytes) -> bytes:
    raise refuse("the exchange has no further challenge")


def _refuse_step(_: bytes) -> Step:
    raise LocalProtocolError("the exchange is over, or waits for keys")
