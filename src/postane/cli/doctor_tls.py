"""`postane doctor` and certificates: do they load, how long are they good, for whom, and will a client trust them?

RFC 5280 s6.1 (a chain, each link of which has signed the one before).

Must not know: how the findings are printed.
"""

import contextlib
import itertools
import ssl
import warnings
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from postane.app import host_name
from postane.config.model import Config
from postane.net.pem import explain_certificates
from postane.net.tls import BadCertificate, Certificate, names_of, server_tls
from postane.supervisor.plan import FOLDER, configured

from .doctor_storage import examine_secret
from .findings import Finding, error, fine, warning

ABOUT = "certificate"
SOON = timedelta(days=21)
"""A certificate that ends within so long is warned of: whatever renews it should have done so a week ago."""

RENEW = "renew it; the running server takes the new file by itself"
_BUNDLES = ("ca-certificates.crt", "ca-bundle.crt", "cert.pem")


def examine_tls(config: Config, now: datetime) -> Iterator[Finding]:
    """Every certificate that a client may be shown, and the authorities of clients' own."""
    own = configured(config)
    if own is None:
        yield from _examine_self_made(config, now)
    else:
        yield from _examine(own, now, host_name(config))
    for more in config.tls.sni:
        yield from _examine(Certificate(more.certificate, more.key), now, None)
    if config.tls.client_ca is not None:
        yield from _examine_authorities(config.tls.client_ca, now)


def _examine_self_made(config: Config, now: datetime) -> Iterator[Finding]:
    remedy = "name a certificate that clients trust with tls.certificate and tls.key"
    made = Certificate(*(config.storage.path / FOLDER / name for name in ("certificate.pem", "key.pem")))
    if not made.chain.exists():
        yield warning(ABOUT, "none is configured: postane serve will make one that no client trusts", remedy)
        return
    yield warning(ABOUT, f"none is configured: {made.chain} was made, which no client trusts", remedy)
    try:
        yield from _examine_dates(made.chain, _read_all(made.chain)[0], now)
    except BadCertificate as trouble:
        yield error(ABOUT, str(trouble), "remove it: postane serve makes another one")
    yield from examine_secret(made.key)


def _examine(certificate: Certificate, now: datetime, host: str | None) -> Iterator[Finding]:
    try:
        server_tls([certificate])
        chain = _read_all(certificate.chain)
        names = names_of(certificate.chain)
    except BadCertificate as trouble:
        yield error(ABOUT, str(trouble), "see that both are PEM files, and that the key is the certificate's")
        return
    yield from _examine_dates(certificate.chain, chain[0], now)
    yield from _examine_chain(certificate.chain, chain)
    yield from examine_secret(certificate.key, is_group_allowed=True)
    if host is not None and not _covers(names, host.lower()):
        yield warning(
            ABOUT,
            f"{certificate.chain} is not for {host}, but for {', '.join(names) or 'no host name'}",
            "set hostname to the name by which clients know this server, or get a certificate for it",
        )


def _examine_dates(path: Path, certificate: x509.Certificate, now: datetime) -> Iterator[Finding]:
    end = certificate.not_valid_after_utc
    if end <= now:
        yield error(ABOUT, f"{path} expired on {end:%Y-%m-%d}", RENEW)
    elif certificate.not_valid_before_utc > now:
        yield error(ABOUT, f"{path} is not good before {certificate.not_valid_before_utc:%Y-%m-%d}", "see the clock")
    elif end - now < SOON:
        yield warning(ABOUT, f"{path} expires in {(end - now).days} days, on {end:%Y-%m-%d}", RENEW)
    else:
        yield fine(ABOUT, f"{path} is good until {end:%Y-%m-%d}")


def _examine_chain(path: Path, chain: Sequence[x509.Certificate]) -> Iterator[Finding]:
    for number, (below, above) in enumerate(itertools.pairwise(chain), 2):
        if not _has_signed(above, below):
            yield error(
                ABOUT,
                f"{path}: certificate {number} has not signed the one before it",
                "put the server's own first, then each that has signed the one before",
            )
            return
    last = chain[-1]
    if last.issuer != last.subject:
        yield from _examine_issuer(path, last)
    elif len(chain) == 1:
        yield warning(ABOUT, f"{path} is signed by itself: no client trusts it", "get one from an authority")


def _examine_issuer(path: Path, last: x509.Certificate) -> Iterator[Finding]:
    """The one above the last link. Public authorities say where their certificate is found (RFC 5280 s4.2.2.1), private
    ones hardly ever: without that it is no mistake that this system does not know them."""
    trusted = _trusted()
    if not trusted or last.issuer in trusted:
        return
    words = f"{path} ends below {_name(last.issuer)}, which this system does not know"
    if _is_found(last):
        remedy = "use the file with the whole chain (fullchain.pem); with an authority of your own all is well"
        yield warning(ABOUT, words, remedy)
    else:
        yield fine(ABOUT, f"{words}: clients must")


def _is_found(certificate: x509.Certificate) -> bool:
    """Whether it says where that of its issuer is."""
    try:
        told = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return any(each.access_method == AuthorityInformationAccessOID.CA_ISSUERS for each in told)


def _examine_authorities(path: Path, now: datetime) -> Iterator[Finding]:
    try:
        authorities = _read_all(path)
    except BadCertificate as trouble:
        yield error("client_ca", str(trouble), "name a PEM file with the authorities of clients' certificates")
        return
    for each in authorities:
        if each.not_valid_after_utc <= now:
            words = f"{path}: {_name(each.subject)} expired on {each.not_valid_after_utc:%Y-%m-%d}"
            yield error("client_ca", words, "replace it: whoever it has signed for is refused")
    yield fine("client_ca", f"{path} has {len(authorities)} authorities of clients' certificates")


def _read_all(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as trouble:
        raise BadCertificate(explain_certificates(path, trouble), path) from trouble


def _has_signed(above: x509.Certificate, below: x509.Certificate) -> bool:
    try:
        below.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _covers(names: Sequence[str], host: str) -> bool:
    return host in names or f"*.{host.partition('.')[2]}" in names


def _trusted() -> set[x509.Name]:
    """The authorities that this system trusts; none where they are not found."""
    paths = ssl.get_default_verify_paths()
    folder = Path(paths.capath or paths.openssl_capath)
    files = [Path(paths.cafile or paths.openssl_cafile), *(folder / name for name in _BUNDLES)]
    for file in files:
        if file.is_file():
            store = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            store.load_verify_locations(cafile=file)
            return set(_subjects(store.get_ca_certs(binary_form=True)))
    return set()


def _subjects(certificates: Sequence[bytes]) -> Iterator[x509.Name]:
    """Among so many there are some which are not quite as they should be: those are nobody's issuer here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for each in certificates:
            with contextlib.suppress(ValueError):
                yield x509.load_der_x509_certificate(each).subject


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()
