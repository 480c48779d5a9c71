"""What clients will see of a certificate: for whom it is, how long it is good, and what is amiss with it.

RFC 5280 s4.1.2.5 (validity).

Must not know: configuration files, who is told.
"""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .tls import BadCertificate, Certificate, names_of, read_certificate

KEY_FOR_OTHERS = 0o027
"""Bits of a key's mode that let others at it; a group may read it, as Debian's ssl-cert does."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate's file, the DNS names that it is for, and its last moment."""

    chain: Path
    names: tuple[str, ...]
    until: datetime

    def __str__(self) -> str:
        return f"{self.chain}, for {', '.join(self.names) or 'no host name'}, until {format_day(self.until)}"


def shown(certificate: Certificate) -> Shown:
    """What clients will see. Raises BadCertificate."""
    end = read_certificate(certificate.chain).not_valid_after_utc
    return Shown(certificate.chain, tuple(names_of(certificate.chain)), end)


def complaints(certificate: Certificate, now: datetime) -> Iterator[str]:
    """Why clients will refuse it, or why it is no secret, with what to do. Raises BadCertificate."""
    read = read_certificate(certificate.chain)
    start, end = read.not_valid_before_utc, read.not_valid_after_utc
    if end <= now:
        yield f"{certificate.chain} expired on {format_day(end)}, clients refuse it: renew it"
    elif start > now:
        yield f"{certificate.chain} is not good before {format_day(start)}, clients refuse it: see the clock"
    try:
        mode = stat.S_IMODE(certificate.key.stat().st_mode)
    except OSError as error:
        raise BadCertificate(f"cannot look at the key {certificate.key}: {error.strerror}") from error
    if mode & KEY_FOR_OTHERS:
        yield f"{certificate.key} is open to others (mode {mode:04o}): chmod 600 {certificate.key}"


def format_day(moment: datetime) -> str:
    """A day, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"
