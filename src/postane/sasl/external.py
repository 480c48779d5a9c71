"""EXTERNAL: the layer below, a TLS certificate for one, has said who the client is.

RFC 4422 sA.1.

Must not know: what the layer below has said, and whether that suffices.
"""

from .base import Challenge, OutsideClaim, Step, decode_name


class ExternalServer:
    """One message: whom the client wants to act as; empty: as whoever it is known to be."""

    def start(self, initial: bytes | None) -> Step:
        """See ServerMechanism."""
        return Challenge(b"") if initial is None else self.step(initial)

    def step(self, response: bytes) -> OutsideClaim:
        """See ServerMechanism."""
        return OutsideClaim(decode_name(response) if response else None)
