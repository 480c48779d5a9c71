"""How one of SMTP's two dialects is spoken here, as values.

Must not know: configuration files.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from postane.net.networks import Networks
from postane.smtp.body import BodyLimits
from postane.smtp.states import Dialect

from .delivery import DeliveryLimits


class AuthPolicy(StrEnum):
    """Whether clients may or must log in."""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """How one of the two dialects is spoken here; in the networks `xclient` are mail servers that speak for others."""

    dialect: Dialect = Dialect.SMTP
    body: BodyLimits = field(default_factory=BodyLimits)
    delivery: DeliveryLimits = field(default_factory=DeliveryLimits)
    auth: AuthPolicy = AuthPolicy.OPTIONAL
    xclient: Networks = field(default_factory=Networks)

    def extensions(self) -> tuple[str, ...]:
        """What EHLO is answered with, whoever asks."""
        return (
            "PIPELINING",  # RFC 2920 s3
            f"SIZE {self.body.message}",  # RFC 1870 s3
            "8BITMIME",  # RFC 6152 s2
            "SMTPUTF8",  # RFC 6531 s3.1
            "ENHANCEDSTATUSCODES",  # RFC 2034 s3
            "CHUNKING",  # RFC 3030 s2
            "HELP",
        )
