"""Other servers as destinations: SMTP, LMTP, IMAP.

Must not know: where the mail comes from.
"""

import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from postane.client.login import Plaintext
from postane.config.fetching import Account, Deliver, FetchConfig
from postane.config.problems import ConfigError
from postane.config.units import Endpoint
from postane.credentials.base import NoSecret, SecretKind, SecretSource
from postane.net.base import Target, TlsMode, TlsPolicy
from postane.net.dial import dial
from postane.sinks.base import Fault, Sink, SinkError
from postane.sinks.smtp import SenderChoice, SenderKind, SmtpSink
from postane.sinks.smtp_session import SmtpLogin, SmtpServerAt
from postane.smtp.states import Dialect

from .late_sink import LateSink
from .places import parse_place
from .secrets import Owner, open_secret

if TYPE_CHECKING:
    from postane.sinks.imap import ImapSink

SUBMISSIONS = 465
"""RFC 8314 s7.3: the port at which submission begins with TLS."""


def open_smtp(config: FetchConfig, account: Account, table: Deliver) -> Sink:
    """An SMTP or LMTP server; nothing is connected before it is used. Raises ConfigError."""
    endpoint = table.smtp or table.lmtp
    assert endpoint is not None, "the configuration says so"
    owner = Owner(account.name, table.user or "", endpoint.host)
    password = None if table.user is None else _secret(config, account, table, owner)
    srs = None if table.srs_secret is None else open_secret(config, table.srs_secret, owner)
    dialect = Dialect.SMTP if table.smtp is not None else Dialect.LMTP
    target, hostname = _target(table, endpoint), config.hostname or socket.gethostname()
    recipients = _recipients(account, table)

    async def opened(login: SmtpLogin | None) -> Sink:
        sender = _sender(table, "" if srs is None else (await srs.get()).text)
        sink = SmtpSink(dial, SmtpServerAt(target, dialect, hostname, login), recipients, sender)
        await sink.open()
        return sink

    async def make() -> Sink:
        if target.tls.authority is not None:
            from .pem_files import check_sink_files

            await check_sink_files(target)
        try:
            if password is None:
                return await opened(None)
            login = await _login(table, password)
            try:
                return await opened(login)
            except SinkError as error:
                if error.fault is not Fault.LOGIN or error.may_pass:
                    raise
                await password.refuse()
                if not login.is_token:
                    raise
                return await opened(await _login(table, password))  # it may have been revoked; the next one is new
        except NoSecret as error:
            raise SinkError(f"{target}: {error.text}", may_pass=error.may_pass, fault=Fault.LOGIN) from error

    name = " ".join((f"{dialect.lower()}:{target}", *(["for", *recipients] if recipients else [])))
    return LateSink(make, name, can_tell=SmtpSink.can_tell, group=SmtpSink.group)


async def _login(table: Deliver, password: SecretSource) -> SmtpLogin:
    secret = await password.get()
    is_token = secret.kind is SecretKind.TOKEN
    is_clear_allowed, needs_tls = table.plaintext == "always", table.plaintext == "never"
    return SmtpLogin(table.user or "", secret.text, is_token, is_clear_allowed, needs_tls)


def open_imap(config: FetchConfig, account: Account, table: Deliver) -> "ImapSink":
    """An IMAP folder; nothing is connected before it is used. Raises ConfigError."""
    from .imap_folder import imap_sink

    assert table.imap is not None, "the configuration says so"
    try:
        place = parse_place(table.imap)
    except ValueError as error:
        raise ConfigError(f"account {account.name}: imap: {error}") from error
    user = table.user or place.user
    if not user:
        raise ConfigError(f'account {account.name}: imap: write "imaps://USER@{place.host}/{place.folder}"')
    secret = _secret(config, account, table, Owner(account.name, user, place.host))
    mode = TlsMode.IMPLICIT if place.is_tls else TlsMode.OFFERED
    target = Target(place.host, place.port, _tls(table, mode), timeout=table.timeout)
    return imap_sink(target, user, Plaintext(table.plaintext), secret, place.folder)


def _secret(config: FetchConfig, account: Account, table: Deliver, owner: Owner) -> SecretSource:
    if table.password is None:
        raise ConfigError(
            f"account {account.name}: {table.kind}: where is the password of {owner.user}? password = ..."
        )
    return open_secret(config, table.password, owner)


def _target(table: Deliver, endpoint: Endpoint) -> Target:
    is_implicit = table.smtp is not None and endpoint.port == SUBMISSIONS
    is_private = endpoint.is_loopback and table.tls_pin is None
    mode = TlsMode.IMPLICIT if is_implicit else TlsMode.NONE if is_private else TlsMode.OFFERED
    tls = _tls(table, mode)
    if endpoint.is_unix:
        return Target("localhost", 0, tls, timeout=table.timeout, path=endpoint.path)
    return Target(endpoint.host, endpoint.port, tls, timeout=table.timeout)


def _tls(table: Deliver, usual: TlsMode) -> TlsPolicy:
    mode = usual if table.tls is None else TlsMode(table.tls)
    return TlsPolicy(mode=mode, authority=table.tls_ca, pin=table.tls_pin)


def _recipients(account: Account, table: Deliver) -> Sequence[str]:
    """A mailbox for many says itself whom a message is for; the named ones get what it does not say of."""
    if table.recipients or account.multidrop is not None:
        return table.recipients
    user = account.user or parse_place(account.url).user or ""
    return (user,) if user else ()


def _sender(table: Deliver, srs_secret: str) -> SenderChoice:
    kinds = {each.value: each for each in (SenderKind.ORIGINAL, SenderKind.NULL)}
    if table.sender == SenderKind.SRS:
        return SenderChoice(SenderKind.SRS, domain=table.srs_domain or "", secret=srs_secret.encode())
    if table.sender in kinds:
        return SenderChoice(kinds[table.sender])
    return SenderChoice(SenderKind.FIXED, address=table.sender)
