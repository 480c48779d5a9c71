"""Where the parts are chosen and joined: from a configuration to stores that work.

Nothing else in the house names a concrete store.
"""

import functools
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import postane
from postane.accounts.base import AccountStore
from postane.accounts.failures import Slate
from postane.accounts.logins import FileLogins
from postane.accounts.names import LOOPBACK_LITERALS, fold_domain
from postane.accounts.registry import Registry
from postane.accounts.throttle import Patience, Throttle
from postane.backends import accounts_place, open_backends
from postane.config.model import Config
from postane.languages.catalogues import load_tongues
from postane.maildrop.base import Lock, LockPolicy, MaildropStore
from postane.maildrop.drop import JoinedStore
from postane.maildrop.embedded import embedded_store
from postane.maildrop.notes import FileNotes
from postane.maildrop.schedule import Schedule
from postane.net.networks import parse_networks
from postane.net.stream import Stream
from postane.net.tls import ServerTls
from postane.pop1.server import Pop1Server
from postane.pop2.server import Pop2Server
from postane.pop3.languages import Languages
from postane.pop3.server import Pop3Server
from postane.sasl.registry import SERVER_MECHANISMS
from postane.server.delivery import DeliveryLimits
from postane.server.guest import MakeDesk
from postane.server.housekeeping import Housekeeper
from postane.server.limits import Limits, Tally
from postane.server.office import PostOffice
from postane.server.pop1 import Pop1Desk
from postane.server.pop2 import Pop2Desk
from postane.server.pop3 import Pop3Desk
from postane.server.record import SessionRecord
from postane.server.rules import Rules
from postane.server.smtp import SmtpDesk
from postane.server.smtp_settings import AuthPolicy, SmtpSettings
from postane.server.tokens import Tokens
from postane.server.warnings import Warner
from postane.smtp.body import BareNewlines, BodyLimits
from postane.smtp.server import SmtpServer
from postane.smtp.states import Dialect


def host_name(config: Config) -> str:
    """The name that greetings and header fields carry."""
    return config.hostname or socket.getfqdn() or "localhost"


def open_maildrops(config: Config) -> JoinedStore:
    """The maildrop store that the configuration names; nothing is opened before it is used."""
    storage = config.storage
    return embedded_store(storage.path, inline=storage.inline, handles=storage.handles)


def open_accounts(config: Config) -> AccountStore:
    """The account store that the configuration names; nothing is opened before it is asked. Raises ConfigError."""
    return open_backends(config, (host_name(config), *LOOPBACK_LITERALS, *config.smtp.domains))


def open_registry(config: Config) -> Registry:
    """The administrator's side of the accounts that the configuration names; nothing is opened before it is used."""
    return Registry(accounts_place(config))


def open_housekeeper(config: Config, maildrops: MaildropStore, accounts: AccountStore) -> Housekeeper:
    """Who removes what has outlived its time, in these stores, and warns of it."""
    before, notes = config.maildrop.expire_warning, FileNotes(config.storage.path, "warnings")
    warner = Warner(maildrops, rules(config), before, host_name(config), notes, time.time)
    return Housekeeper(maildrops, accounts, rules(config), time.time, warner)


def open_schedule(config: Config) -> Schedule:
    """When that is done, in one process at a time."""
    return Schedule(config.storage.path / "housekeeping", config.maildrop.housekeeping)


def rules(config: Config) -> Rules:
    """What holds where an account has nothing of its own."""
    maildrop = config.maildrop
    return Rules(maildrop.retention, maildrop.login_delay, maildrop.restore_window)


@dataclass(frozen=True, slots=True)
class Services:
    """A post office that is open: what a worker needs to serve."""

    office: PostOffice
    desks: Mapping[str, MakeDesk]
    tls: ServerTls | None

    async def close(self) -> None:
        """Let go of the stores."""
        await self.office.maildrops.close()
        await self.office.accounts.close()


def open_services(config: Config, sessions: Tally, failures: Slate, tls: ServerTls | None = None) -> Services:
    """Open the stores and lay out the desks; called in each worker, after it has been forked."""
    lock = Lock(LockPolicy(config.maildrop.lock), config.maildrop.lock_wait)
    limits = Limits(
        connections=config.limits.connections,
        per_address=config.limits.per_address,
        per_account=config.limits.per_account,
        idle=config.limits.idle,
        login=config.limits.login,
    )
    office = PostOffice(
        hostname=host_name(config),
        implementation=f"Postane-{postane.__version__}",
        accounts=open_accounts(config),
        maildrops=open_maildrops(config),
        limits=limits,
        lock=lock,
        throttle=_throttle(config, failures),
        sessions_by_account=sessions,
        clock=time.time,
        token=Tokens(),
        mechanisms=_mechanisms(config),
        shy=SHY if config.auth.mechanisms is None else frozenset(),
        plaintext_on_loopback=config.auth.plaintext_without_tls != "never",
        plaintext_elsewhere=config.auth.plaintext_without_tls == "always",
        languages=_languages(config),
        is_legacy=config.pop3.legacy,
        rules=rules(config),
        logins=FileLogins(config.storage.path / "logins"),
    )
    spoken = _smtp_settings(config, Dialect.SMTP, config.smtp.bare_newlines, config.smtp.auth)
    smtp = functools.partial(_smtp, replace(spoken, xclient=parse_networks(config.smtp.xclient)))
    lmtp = functools.partial(_smtp, _smtp_settings(config, Dialect.LMTP, config.lmtp.bare_newlines, "optional"))
    desks: dict[str, MakeDesk] = {
        **dict.fromkeys(("pop3", "pop3s"), _pop3),
        **dict.fromkeys(("pop2", "pop2s"), _pop2),
        **dict.fromkeys(("pop1", "pop1s"), _pop1),
        **dict.fromkeys(("smtp", "smtps"), smtp),
        "lmtp": lmtp,
    }
    return Services(office, desks, tls)


def _throttle(config: Config, failures: Slate) -> Throttle:
    """On what all workers remember of failed logins. CLOCK_MONOTONIC is the machine's: the same in each of them."""
    auth = config.auth
    patience = Patience(auth.failure_delay, auth.lockout_after, auth.lockout)
    own_domains = map(fold_domain, (host_name(config), *LOOPBACK_LITERALS, *config.smtp.domains))
    return Throttle(failures, patience, time.monotonic, frozenset(own_domains))


SHY = frozenset({"CRAM-MD5"})
"""Only device passwords can answer it, and curl and others take it for better than PLAIN: where PLAIN may be used they
would fail with the password that people know. Who names it in `auth.mechanisms` has it announced everywhere."""


def _mechanisms(config: Config) -> tuple[str, ...]:
    wanted = config.auth.mechanisms
    return tuple(name for name in SERVER_MECHANISMS if wanted is None or name in {word.upper() for word in wanted})


def _languages(config: Config) -> Languages:
    tongues = load_tongues()
    return Languages(tongues, next(each for each in tongues if each.tag == config.pop3.language))


def _smtp_settings(config: Config, dialect: Dialect, bare_newlines: str, auth: str) -> SmtpSettings:
    limits = config.limits
    body = BodyLimits(limits.message, limits.line, BareNewlines(bare_newlines))
    delivery = DeliveryLimits(recipients=limits.recipients, hops=limits.hops)
    return SmtpSettings(dialect, body, delivery, AuthPolicy(auth))


def _smtp(
    settings: SmtpSettings, office: PostOffice, stream: Stream, record: SessionRecord
) -> tuple[SmtpServer, SmtpDesk]:
    return SmtpServer(settings.dialect, settings.body), SmtpDesk(office, stream, record, settings)


def _pop3(office: PostOffice, stream: Stream, record: SessionRecord) -> tuple[Pop3Server, Pop3Desk]:
    return Pop3Server(), Pop3Desk(office, stream, record)


def _pop2(office: PostOffice, stream: Stream, record: SessionRecord) -> tuple[Pop2Server, Pop2Desk]:
    return Pop2Server(), Pop2Desk(office, stream, record)


def _pop1(office: PostOffice, stream: Stream, record: SessionRecord) -> tuple[Pop1Server, Pop1Desk]:
    return Pop1Server(), Pop1Desk(office, stream, record)
