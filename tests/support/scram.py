"""A SCRAM client that can lie, for what a right one never says.

Written from RFC 5802 s3 and s5 alone: it shares nothing with the code under test.
"""

import hashlib
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace

from postane.sasl.base import Challenge, KeysWanted, ScramDigest, ScramKeys, Step, Surroundings
from postane.sasl.registry import SERVER_MECHANISMS
from postane.sasl.scram import derive_keys

SALT = b"salt of sixteen."
ITERATIONS = 4096
EXPORTER, END_POINT = b"exported keying material", b"digest of a certificate"
BINDINGS = {"tls-exporter": EXPORTER, "tls-server-end-point": END_POINT}
NONCE = "servers"
SURROUNDINGS = Surroundings(b"<1@h>", NONCE, BINDINGS)


@dataclass(frozen=True, slots=True)
class Client:
    """What it says, and what it would say if it were right. `echo` is the header that `c=` repeats."""

    header: bytes = b"n,,"
    name: bytes = b"user"
    nonce: bytes = b"clients"
    password: bytes = b"pencil"
    digest: ScramDigest = ScramDigest.SHA_256
    echo: bytes | None = None
    binding: bytes = b""

    @property
    def bare(self) -> bytes:
        return b"n=" + self.name + b",r=" + self.nonce

    @property
    def first(self) -> bytes:
        return self.header + self.bare

    def claim(self, server_first: bytes) -> bytes:
        """The last message without its proof."""
        echo = self.header if self.echo is None else self.echo
        return b"c=" + b64encode(echo + self.binding) + b"," + server_first.split(b",")[0]

    def proof(self, server_first: bytes, claim: bytes) -> tuple[bytes, bytes]:
        """The proof, and what the server is to answer."""
        fields = dict(part.split(b"=", 1) for part in server_first.split(b","))
        name = self.digest.value
        salted = hashlib.pbkdf2_hmac(name, self.password, b64decode(fields[b"s"]), int(fields[b"i"]))
        key = hmac.new(salted, b"Client Key", name).digest()
        about = self.bare + b"," + server_first + b"," + claim
        mask = hmac.new(hashlib.new(name, key).digest(), about, name).digest()
        proof = bytes(a ^ b for a, b in zip(key, mask, strict=True))
        own = hmac.new(hmac.new(salted, b"Server Key", name).digest(), about, name).digest()
        return b64encode(proof), b"v=" + b64encode(own)

    def final(self, server_first: bytes) -> bytes:
        claim = self.claim(server_first)
        return claim + b",p=" + self.proof(server_first, claim)[0]

    def expected(self, server_first: bytes) -> bytes:
        return self.proof(server_first, self.claim(server_first))[1]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A server that has been told the first message of a client and awaits the last."""

    server: object
    wanted: KeysWanted
    server_first: bytes

    def end(self, final: bytes) -> Step:
        return self.server.step(final)  # type: ignore[attr-defined]


def keys_of(password: bytes, digest: ScramDigest) -> ScramKeys:
    return derive_keys(password, SALT, ITERATIONS, digest)


def mechanism_name(client: Client, *, is_plus: bool) -> str:
    return ("SCRAM-SHA-1" if client.digest is ScramDigest.SHA_1 else "SCRAM-SHA-256") + ("-PLUS" if is_plus else "")


def begin(client: Client, *, is_plus: bool = False, keys: ScramKeys | None = None, **changes: object) -> Exchange:
    """Up to the server's challenge; the keys are those of `pencil`. `changes` are of the surroundings."""
    surroundings = replace(SURROUNDINGS, **changes)  # type: ignore[arg-type]
    server = SERVER_MECHANISMS[mechanism_name(client, is_plus=is_plus)].make(surroundings)
    wanted = server.start(client.first)
    assert isinstance(wanted, KeysWanted)
    challenge = wanted.proceed(keys or keys_of(b"pencil", client.digest))
    assert isinstance(challenge, Challenge)
    return Exchange(server, wanted, challenge.octets)


def log_in(client: Client, *, is_plus: bool = False, **changes: object) -> Step:
    """What comes of the whole exchange."""
    exchange = begin(client, is_plus=is_plus, **changes)
    return exchange.end(client.final(exchange.server_first))
