"""CRAM-MD5: a keyed digest of the server's challenge crosses, the secret does not.

RFC 2195. Whoever checks the digest must know the secret itself.

Must not know: where secrets are kept; the clock, by which challenges differ.
"""

import hmac
import re

from .base import Challenge, CramClaim, Identity, Step, decode_name, encode_name, encode_password, refuse

_DIGEST = re.compile(rb"[0-9a-f]{32}", re.IGNORECASE)


class CramServer:
    """RFC 2195 s2: the server begins, and the client answers `name digest`."""

    def __init__(self, stamp: bytes) -> None:
        self._stamp = stamp

    def start(self, initial: bytes | None) -> Step:
        """See ServerMechanism."""
        if initial is not None:  # RFC 4422 s5, item 2a: the server goes first, so there is nothing to say before
            raise refuse("CRAM-MD5 takes no initial response")
        return Challenge(self._stamp)

    def step(self, response: bytes) -> CramClaim:
        """See ServerMechanism."""
        name, _, digest = response.rpartition(b" ")  # a name may have spaces, a digest never
        if not _DIGEST.fullmatch(digest):
            raise refuse("CRAM-MD5 takes a name and a digest of 32 hexadecimal digits")
        return CramClaim(decode_name(name), self._stamp, digest.decode("ascii").lower())


class CramClient:
    """RFC 2195 s2: one challenge, one answer."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._is_answered = False

    def start(self) -> None:
        """See ClientMechanism."""

    def step(self, challenge: bytes) -> bytes:
        """See ClientMechanism."""
        if self._is_answered or not challenge:  # the digest of nothing is the same each time
            raise refuse("CRAM-MD5 has one challenge")
        self._is_answered = True
        digest = hmac.digest(encode_password(self._identity.secret), challenge, "md5").hex()
        return encode_name(self._identity.name) + b" " + digest.encode("ascii")

    def finish(self) -> None:
        """See ClientMechanism."""
