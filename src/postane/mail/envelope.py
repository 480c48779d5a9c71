"""The envelope: what a sending host says about a message before the message itself.

RFC 5321 s2.3.1, with what extensions add: RFC 1870 s3 (SIZE), RFC 6152 s2 (BODY), RFC 6531 s3.4 (SMTPUTF8).

Must not know: accounts, maildrops.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from .address import Address


class BodyType(StrEnum):
    """What the sender says of the octets (RFC 6152 s2)."""

    SEVEN_BIT = "7BIT"
    EIGHT_BIT = "8BITMIME"


@dataclass(frozen=True, slots=True)
class Envelope:
    """`sender` is None for the null path `<>`; `size` is what was declared, None where nothing was."""

    sender: Address | None
    recipients: tuple[Address, ...] = ()
    size: int | None = None
    body: BodyType = BodyType.SEVEN_BIT
    is_utf8: bool = False

    def with_recipient(self, address: Address) -> Self:
        """The same envelope with one recipient more."""
        return self.with_recipients((address,))

    def with_recipients(self, addresses: Iterable[Address]) -> Self:
        """The same envelope with more recipients."""
        return type(self)(self.sender, (*self.recipients, *addresses), self.size, self.body, self.is_utf8)
