"""What a generation of workers serves by: the configuration, and its certificates, loaded.

They are loaded by the parent, before it forks: as root, where it is root, for keys are often readable by nobody else;
and once for all workers, who share the keys of session tickets in this way.

Must not know: processes.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from postane.app import host_name
from postane.config.file import ConfigError
from postane.config.model import Config
from postane.config.problems import Place
from postane.net.client_names import NameKind
from postane.net.self_signed import RENEWED, self_signed
from postane.net.shown import Shown, complaints, shown
from postane.net.tls import (
    BadCertificate,
    Certificate,
    ClientCertificates,
    ServerTls,
    Spoken,
    read_certificate,
    server_tls,
)

TICKET_KEYS = timedelta(days=7)
"""For so long the keys of session tickets are the same (RFC 9325 s3.4); each plan has its own."""

FOLDER = "tls"
"""Where in `storage.path` a certificate of our own making is kept."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`files` are what all of it was read from. `self_made` is the certificate that was made because none is
    configured. At `renewal`, in seconds since the epoch, another plan is due, also where no file has changed. `shown`
    is what clients see of the certificates, `warnings` why they will refuse some of them."""

    config: Config
    tls: ServerTls
    files: tuple[Path, ...]
    self_made: Certificate | None
    renewal: float
    shown: tuple[Shown, ...] = ()
    warnings: tuple[str, ...] = ()


def make_plan(config: Config, path: Path | None) -> Plan:
    """Load the certificates that a configuration names, or make one; `path` is the configuration's own file.

    Raises ConfigError.
    """
    now = datetime.now(UTC)
    try:
        own, self_made, renewal = configured(config), None, now + TICKET_KEYS
        if own is None:
            own = self_made = self_signed(config.storage.path / FOLDER, host_name(config), now)
            renewal = min(renewal, read_certificate(own.chain).not_valid_after_utc - RENEWED)
        certificates = [own, *(Certificate(more.certificate, more.key) for more in config.tls.sni)]
        tls = server_tls(certificates, Spoken(config.tls.minimum == "1.3", _clients(config)))
        seen = tuple(shown(certificate) for certificate in certificates)
        warnings = tuple(f"tls: {words}" for certificate in certificates for words in complaints(certificate, now))
    except BadCertificate as error:
        place = _place(config, error.file)
        raise ConfigError(str(error) if place else f"tls: {error}", place=place) from error
    named = [] if path is None else [path]
    named += [file for certificate in certificates for file in (certificate.chain, certificate.key)]
    named += [config.tls.client_ca] if config.tls.client_ca is not None else []
    return Plan(config, tls, tuple(named), self_made, renewal.timestamp(), seen, warnings)


def worker_count(config: Config) -> int:
    """How many workers a configuration wants."""
    workers = config.server.workers
    return (os.cpu_count() or 1) if workers == "auto" else workers


def configured(config: Config) -> Certificate | None:
    """The certificate that is shown where no name is asked for; None: none is configured."""
    tls = config.tls
    return None if tls.certificate is None or tls.key is None else Certificate(tls.certificate, tls.key)


def _place(config: Config, file: Path | None) -> Place:
    """Which key names a file."""
    tls = config.tls
    keys: dict[Place, Path | None] = {("tls", name): getattr(tls, name) for name in ("certificate", "key", "client_ca")}
    for number, more in enumerate(tls.sni):
        keys |= {("tls", "sni", number, name): getattr(more, name) for name in ("certificate", "key")}
    return next((place for place, path in keys.items() if file is not None and path == file), ())


def _clients(config: Config) -> ClientCertificates | None:
    tls = config.tls
    if tls.client_ca is None:
        return None
    return ClientCertificates(tls.client_ca, NameKind(tls.client_name), tls.client_certificates == "required")
