"""Envelope senders rewritten for mail that is sent on (the Sender Rewriting Scheme, SRS0 and SRS1).

A receiver asks the sender's domain whether this host may send for it (SPF), which it may not. The rewritten
address is one of our domain; a bounce to it can be led back, as the address bears the old one, and a keyed digest of it
so that nobody can make us send what we did not.

Must not know: the clock, and who the sender is.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from postane.mail.address import Address

DIGITS = 6
"""Of the digest, in base32: 30 bits, for an address that lives three weeks."""

DAYS_VALID = 21
"""For so long a bounce may come back."""

_DAY = 86400
_CYCLE = 1024
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class BadRewriting(ValueError):
    """It is none of our rewritten addresses, or too old."""


def rewrite(sender: Address, domain: str, secret: bytes, now: float) -> Address:
    """The sender as an address of `domain`. One that was rewritten by somebody before keeps that part (SRS1), so that
    it does not grow with each host. One of our own domain stays."""
    if sender.domain is None or sender.domain.lower() == domain.lower():
        return sender
    kind, _, rest = sender.local_part.partition("=")
    if kind.upper() == "SRS0" and rest:
        host, tail = sender.domain, f"={rest}"
    elif kind.upper() == "SRS1" and rest.count("=") >= 2:
        _, host, tail = rest.split("=", 2)
    else:
        stamp = _stamp(now)
        parts = (stamp, sender.domain, sender.local_part)
        return Address("=".join(("SRS0", _digest(secret, parts), *parts)), domain)
    return Address("=".join(("SRS1", _digest(secret, (host, tail)), host, tail)), domain)


def restore(address: Address, secret: bytes, now: float) -> Address:
    """The inverse, one host back. Raises BadRewriting."""
    kind, _, rest = address.local_part.partition("=")
    parts = rest.split("=", 3) if kind.upper() == "SRS0" else rest.split("=", 2)
    if kind.upper() == "SRS0" and len(parts) == 4:
        digest, stamp, domain, local_part = parts
        _check(secret, digest, (stamp, domain, local_part))
        if not _is_recent(stamp, now):
            raise BadRewriting("the address is too old")
        return Address(local_part, domain)
    if kind.upper() == "SRS1" and len(parts) == 3:
        digest, host, tail = parts
        _check(secret, digest, (host, tail))
        return Address(f"SRS0{tail}", host)
    raise BadRewriting("the address is not a rewritten one")


def _check(secret: bytes, digest: str, parts: Sequence[str]) -> None:
    # Some hosts change the case of what stands before the @.
    if not hmac.compare_digest(digest.lower().encode(), _digest(secret, parts).lower().encode()):
        raise BadRewriting("the address was not made here")


def _digest(secret: bytes, parts: Sequence[str]) -> str:
    keyed = hmac.new(secret, "=".join(parts).lower().encode("utf-8", "surrogateescape"), hashlib.sha256).digest()
    # Letters that an address may have everywhere: neither "+", which parts details, nor "/".
    return base64.b32encode(keyed).decode("ascii")[:DIGITS]


def _stamp(now: float) -> str:
    days = int(now // _DAY) % _CYCLE
    return _BASE32[days >> 5] + _BASE32[days & 31]


def _is_recent(stamp: str, now: float) -> bool:
    digits = [_BASE32.find(letter) for letter in stamp.upper()]
    if len(digits) != 2 or min(digits) < 0:
        return False
    return (int(now // _DAY) - (digits[0] << 5 | digits[1])) % _CYCLE <= DAYS_VALID
