"""What a POP3 server can say of itself (RFC 2449 s5 and s6, RFC 3206 s5, RFC 2595 s4, RFC 5034 s3,
RFC 6856 s2 and s3).

A capability is a name with its parameters; the set is made from facts about the server and the session, in one place.

Must not know: how the facts came to be.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bound:
    """A number that holds for everybody who may be asking, None where it is "never"; for some it may be milder."""

    value: int | None
    may_differ: bool = False

    def __str__(self) -> str:
        """As RFC 2449 s6.5 and s6.7 write it."""
        number = "NEVER" if self.value is None else str(self.value)
        return f"{number} USER" if self.may_differ else number


@dataclass(frozen=True, slots=True)
class Offer:
    """The facts from which the list is made; `expire` is in days, `login_delay` in seconds.

    `implementation` is said after login too; `mechanisms` are SASL's; `is_login_possible` tells whether USER and
    PASS may be used on this connection, `is_lang_possible` whether there is a choice of languages.
    """

    implementation: str
    is_login_possible: bool = True
    is_stls_possible: bool = False
    mechanisms: tuple[str, ...] = ()
    expire: Bound | None = None
    login_delay: Bound | None = None
    is_lang_possible: bool = False


def capabilities(offer: Offer) -> Iterator[str]:
    """The lines of a CAPA reply, one a capability.

    TOP and UIDL are told before login too (RFC 2449 s5 lets them): JavaMail asks only then.
    """
    yield "TOP"  # RFC 2449 s6.1
    if offer.is_login_possible:
        yield "USER"  # RFC 2449 s6.2
    if offer.mechanisms:
        yield "SASL " + " ".join(offer.mechanisms)  # RFC 5034 s3
    yield "RESP-CODES"  # RFC 2449 s6.4
    yield "AUTH-RESP-CODE"  # RFC 3206 s5
    if offer.login_delay is not None:
        yield f"LOGIN-DELAY {offer.login_delay}"  # RFC 2449 s6.5
    yield "PIPELINING"  # RFC 2449 s6.6
    if offer.expire is not None:
        yield f"EXPIRE {offer.expire}"  # RFC 2449 s6.7
    yield "UIDL"  # RFC 2449 s6.8
    yield "UTF8 USER"  # RFC 6856 s2 and s2.2
    if offer.is_lang_possible:
        yield "LANG"  # RFC 6856 s3.1
    if offer.is_stls_possible:
        yield "STLS"  # RFC 2595 s4
    yield f"IMPLEMENTATION {offer.implementation}"  # RFC 2449 s6.9


def format_capabilities(offer: Offer) -> bytes:
    """The lines of a CAPA reply as they are sent."""
    return b"".join(line.encode("utf-8") + b"\r\n" for line in capabilities(offer))
