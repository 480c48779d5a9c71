"""EXTERNAL: the layer below, a TLS certificate for one, has said who the client is.

RFC 4422 sA.1.

Must not know: what the layer below has said, and whether that suffices.
"""

from .base import Challenge, Identity, OutsideClaim, Step, decode_name, encode_name, refuse


class ExternalServer:
    """One message: whom the client wants to act as; empty: as whoever it is known to be."""

    def start(self, initial: bytes | None) -> Step:
        """See ServerMechanism."""
        return Challenge(b"") if initial is None else self.step(initial)

    def step(self, response: bytes) -> OutsideClaim:
        """See ServerMechanism."""
        return OutsideClaim(decode_name(response) if response else None)


class ExternalClient:
    """Acts as the identity's name; empty: as whoever the server knows it to be."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def start(self) -> bytes:
        """See ClientMechanism."""
        return encode_name(self._identity.name) if self._identity.name else b""

    def step(self, challenge: bytes) -> bytes:
        """See ClientMechanism."""
        raise refuse("EXTERNAL has no challenge")

    def finish(self) -> None:
        """See ClientMechanism."""
