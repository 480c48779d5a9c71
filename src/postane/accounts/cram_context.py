"""CRAM-MD5 without the secret: checked with the two halves of HMAC-MD5 that are ready before the challenge comes.

RFC 2195 s2: the states of MD5 after the padded key, inner and outer. Other servers keep those two, so that a stolen
file gives no password away (though it gives CRAM-MD5 logins). Python's hashlib cannot go on from a state, so MD5's step
is written out here, in the letters of its inventor's description, for challenges of some hundred octets.

Must not know: accounts, files.
"""

import hashlib
import struct
from dataclasses import dataclass
from typing import Self

State = tuple[int, int, int, int]

CONTEXT_OCTETS = 32
"""Both states: four words of 32 bits each, little-endian, the outer one first, as Dovecot writes them."""

_BLOCK = 64
_START: State = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
_SHIFTS = ((7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21))
_SINES = struct.unpack(  # the integer part of 4294967296 times abs(sin(i)), for i from 1
    "<64I",
    bytes.fromhex(
        "78a46ad756b7c7e8db702024eecebdc1af0f7cf52ac68747134630a8019546fdd8988069aff7448bb15bffffbed75c892211906b9371"
        "98fd8e4379a62108b44962251ef640b340c0515a5e26aac7b6e95d102fd65314440281e6a1d8c8fbd3e7e6cde121d60737c3870dd5f4"
        "ed145a4505e9e3a9f8a3effcd9026f678a4c2a8d4239faff81f6718722619d6d0c38e5fd44eabea4a9cfde4b604bbbf670bcbfbec67e"
        "9b28fa27a1ea8530efd4051d880439d0d4d9e599dbe6f87ca21f6556acc4442229f497ff2a43a72394ab39a093fcc3595b6592cc0c8f"
        "7df4efffd15d84854f7ea86fe0e62cfe144301a3a111084e827e53f735f23abdbbd2d72a91d386eb"
    ),
)


@dataclass(frozen=True, slots=True, repr=False)
class CramContext:
    """What is kept of a secret for CRAM-MD5."""

    outer: State
    inner: State

    @classmethod
    def of(cls, secret: bytes) -> Self:
        """The context of a secret."""
        key = hashlib.md5(secret, usedforsecurity=False).digest() if len(secret) > _BLOCK else secret
        padded = key.ljust(_BLOCK, b"\0")
        return cls(*(_step(_START, bytes(octet ^ pad for octet in padded)) for pad in (0x5C, 0x36)))

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Read CONTEXT_OCTETS octets. Raises ValueError."""
        if len(octets) != CONTEXT_OCTETS:
            raise ValueError(f"a CRAM-MD5 context has {CONTEXT_OCTETS} octets")
        a, b, c, d, e, f, g, h = struct.unpack("<8I", octets)
        return cls((a, b, c, d), (e, f, g, h))

    def octets(self) -> bytes:
        """The inverse of `parse`."""
        return struct.pack("<8I", *self.outer, *self.inner)

    def digest(self, challenge: bytes) -> bytes:
        """What a client that knows the secret answers, in lower-case hexadecimal."""
        inner = struct.pack("<4I", *_finish(self.inner, challenge))
        return struct.pack("<4I", *_finish(self.outer, inner)).hex().encode()


def _finish(state: State, octets: bytes) -> State:
    """Go on from a state that one block has led to, to the end."""
    length = struct.pack("<Q", 8 * (_BLOCK + len(octets)))
    padded = octets + b"\x80" + bytes(-(len(octets) + 9) % _BLOCK) + length
    for start in range(0, len(padded), _BLOCK):
        state = _step(state, padded[start : start + _BLOCK])
    return state


def _step(state: State, block: bytes) -> State:
    """The state after one more block."""
    words = struct.unpack("<16I", block)
    a, b, c, d = state
    for number, sine in enumerate(_SINES):
        turn = number // 16
        if turn == 0:
            mixed, word = (b & c) | (~b & d), number
        elif turn == 1:
            mixed, word = (b & d) | (c & ~d), 5 * number + 1
        elif turn == 2:
            mixed, word = b ^ c ^ d, 3 * number + 5
        else:
            mixed, word = c ^ (b | ~d), 7 * number
        total = (a + mixed + sine + words[word % 16]) & 0xFFFFFFFF
        shift = _SHIFTS[turn][number % 4]
        a, d, c = d, c, b
        b = (b + (total << shift | total >> 32 - shift)) & 0xFFFFFFFF
    first, second, third, fourth = ((old + new) & 0xFFFFFFFF for old, new in zip(state, (a, b, c, d), strict=True))
    return first, second, third, fourth
