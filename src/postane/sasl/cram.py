"""CRAM-MD5: a keyed digest of the server's challenge crosses, the secret does not.

RFC 2195. Whoever checks the digest must know the secret itself.

Must not know: the secret; the clock, by which challenges differ.
"""

import re

from .base import Challenge, CramClaim, Step, decode_name, refuse

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
