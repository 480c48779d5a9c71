"""Access tokens and sets of keys as targets of fuzzing: whatever somebody sends is refused, and only that.

The first octet of an input that chooses says what the rest is: a token as it crosses; its parts before they are
encoded, a line each; or a header and claims that the right key signs.
"""

import json
from collections.abc import Coroutine
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from drive import read_case
from postane.accounts.claims import BadToken, Demands
from postane.accounts.jwks import KINDS, KeyRing, parse_keys
from postane.accounts.jwt import JwtChecker
from support.authorization import AUDIENCE, CLAIMS, ISSUER, NOW, encode

_HEADERS = [
    {"alg": "EdDSA", "kid": "first", "typ": "at+jwt"},
    {"alg": "EdDSA"},
    {"alg": "EdDSA", "kid": "../../etc/passwd", "jku": "http://h/", "jwk": {"kty": "oct", "k": ""}},
    {"alg": "EdDSA", "crit": ["b64"], "b64": False},
]
_CLAIMS = [CLAIMS, {**CLAIMS, "aud": [AUDIENCE, "x"], "nbf": 1e3, "email_verified": True}, {"exp": None, "cnf": {}}]


class _Keys:
    """A KeySource of one key, always the same."""

    def __init__(self) -> None:
        self.signer = Ed25519PrivateKey.from_private_bytes(bytes(32))
        x = encode(self.signer.public_key().public_bytes_raw())
        self.octets = json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "first", "x": x}]}).encode()
        self._ring = parse_keys(self.octets)

    async def current(self) -> KeyRing:
        return self._ring

    async def renewed(self) -> KeyRing:
        return self._ring

    async def close(self) -> None:
        pass

    def sign(self, header: bytes, claims: bytes) -> str:
        signed = f"{encode(header)}.{encode(claims)}"
        return f"{signed}.{encode(self.signer.sign(signed.encode()))}"


def token_seeds() -> list[bytes]:
    """Right tokens whole and in parts; and some that are wrong in one thing."""
    pairs = [(_octets(header), _octets(claims)) for header in _HEADERS for claims in _CLAIMS]
    whole = [_keys().sign(*pair).encode() for pair in pairs]
    return [octet for pair, token in zip(pairs, whole, strict=True) for octet in (token, b"\n".join(pair))]


def key_seeds() -> list[bytes]:
    """Sets of keys, of which some can be used."""
    odd = [{"kty": "RSA", "n": "_" * 342, "e": "AQAB"}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, {}]
    return [_keys().octets, _octets({"keys": odd}), b'{"keys": []}']


def fuzz_token(data: bytes) -> None:
    """A token that the right key has not signed is refused; one that it has gives a name or is refused."""
    case = read_case(data)
    token = case.octets.decode("utf-8", "surrogateescape")
    match case.variant % 3:
        case 1:
            token = ".".join(map(encode, case.octets.split(b"\n", 2)))
        case 2:
            header, _, claims = case.octets.partition(b"\n")
            token = _keys().sign(header, claims)
    checker = JwtChecker(_keys(), Demands("email", ISSUER, AUDIENCE), ["EdDSA"], lambda: NOW)
    try:
        name = _run(checker.check(token))
    except BadToken:
        return
    assert name
    assert case.variant % 3 == 2 or token.encode() in token_seeds()


def fuzz_jwks(data: bytes) -> None:
    """Any octets are a set of keys that can be used, or none."""
    octets = read_case(data).octets
    try:
        ring = parse_keys(octets)
    except ValueError:
        return
    found = [key for algorithm in KINDS for key in ring.fitting(algorithm, None)]
    assert found
    assert not any(key.is_private for key in found)


@cache
def _keys() -> _Keys:
    return _Keys()


def _octets(value: object) -> bytes:
    return json.dumps(value).encode()


def _run(coroutine: Coroutine[object, object, str]) -> str:
    """What comes of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return str(stop.value)
    raise AssertionError("it waits for something")
