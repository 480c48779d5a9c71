"""The configuration as values: one class a section, one field a key.

The classes are the reference: `docs/reference/configuration.md` is made from them. Every key is optional.
"""

import math
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from .access import Auth, Proxy, Tls
from .backends import Backends, LocalBackend
from .section import Count, Duration, HostName, Listener, Network, Retention, Section, Size
from .units import Endpoint, parse_endpoint

Lock = Literal["refuse", "wait", "takeover", "share"]

IDLE_MINIMUM = 600.0
"""RFC 1939 s3: an autologout timer is of at least 10 minutes; a shorter one is for tests, and warned of."""


def parse_workers(value: object) -> object:
    """A number of worker processes, or "auto"."""
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1024):
        return value
    raise ValueError(f'{value!r} is not a number of workers; write "auto" or a number from 1 to 1024')


Workers = Annotated[Literal["auto"] | int, BeforeValidator(parse_workers)]


class Storage(Section):
    """Where maildrops and accounts are kept."""

    path: Path = Field(Path("/var/lib/postane"), description="folder of the embedded store, and of the accounts")
    index: str | None = Field(None, description="a database for many machines; not in this version")
    blobs: str | None = Field(None, description="an object store for many machines; not in this version")
    maildir: str | None = Field(None, description="existing Maildirs; not in this version")
    inline: Size = Field(64 * 1024, description="messages up to this size are kept in the index, larger ones in files")
    handles: Count = Field(512, ge=1, description="drops that one worker keeps open for quick use")

    @field_validator("index", "blobs", "maildir")
    @classmethod
    def _not_yet(cls, value: str | None) -> str | None:
        if value is not None:
            raise ValueError('this store is not in this version; the embedded one is storage.path = "/var/lib/postane"')
        return value


class PlainListener(Listener):
    """A service of the days before encryption; other machines reach it only where somebody said that they know."""

    i_know_this_is_plaintext: bool = Field(
        False, strict=True, description="may other machines reach it; auth.plaintext_without_tls still guards passwords"
    )

    @model_validator(mode="after")
    def _others_reach_it_knowingly(self) -> Self:
        for endpoint in self.listen or ():
            if not endpoint.is_loopback and not self.i_know_this_is_plaintext:
                raise ValueError(
                    f"{endpoint} can be reached by other machines, and everything crosses in clear text; "
                    "listen on 127.0.0.1, or write i_know_this_is_plaintext = true"
                )
        return self


class Pop3(Listener):
    """Mail goes out by POP3; what is said here holds for pop3s too."""

    language: Literal["en", "de", "es", "fr", "ja", "tr"] = Field(
        "en", description='the language that a client gets for "LANG *"; until it asks, English is spoken'
    )
    legacy: bool = Field(False, strict=True, description="answer LAST, which POP3 had until 1994, for clients that old")


class Smtp(Listener):
    """Mail comes in by SMTP."""

    domains: tuple[HostName, ...] = Field((), description="domains whose mail belongs to accounts without a domain")
    bare_newlines: Literal["refuse", "convert"] = Field("refuse", description="a CR or LF alone in a message")
    auth: Literal["off", "optional", "required"] = Field(
        "optional", description="may clients log in (AUTH); required: who has not logged in sends nothing"
    )
    xclient: tuple[Network, ...] = Field((), description="networks of mail servers that may say who the client is")


class Lmtp(Listener):
    """Mail comes in by LMTP."""

    bare_newlines: Literal["refuse", "convert"] = Field("refuse", description="a CR or LF alone in a message")


class Maildrop(Section):
    """How a maildrop behaves."""

    lock: Lock = Field(
        "refuse", description="what happens when a drop is in use already, unless its account says other"
    )
    lock_wait: Duration = Field(10.0, description='how long "wait" waits')
    retention: Retention = Field(math.inf, description='how long messages are kept: "30d" or "never"; see EXPIRE')
    expire_warning: Duration = Field(0.0, description="how long before old mail goes a message warns of it; 0: never")
    restore_window: Duration = Field(0.0, description="how long what a client deleted can be restored; 0: not at all")
    housekeeping: Duration = Field(3600.0, gt=0, description="how often what is older than its retention is removed")
    login_delay: Duration = Field(0.0, description="time between two logins of an account, a second at once is allowed")


class Limits(Section):
    """How much of anything is allowed."""

    connections: Count = Field(20000, ge=1, description="connections at once, over all workers")
    per_address: Count = Field(
        50, ge=1, description="connections at once from one address (IPv6: one /64), over all workers"
    )
    per_account: Count = Field(10, ge=1, description="sessions at once of one account, over all workers")
    idle: Duration = Field(600.0, description="silence after which a session is ended (RFC 1939: at least 10m)")
    login: Duration = Field(60.0, description="time to log in")
    message: Size = Field(50 * 1024**2, description="largest message that is accepted")
    line: Size = Field(64 * 1024, description="longest line of a message that is accepted")
    recipients: Count = Field(1000, ge=100, description="recipients of one message (RFC 5321: at least 100)")
    hops: Count = Field(100, ge=1, description="Received fields after which a message is taken to be looping")


class Server(Section):
    """Processes."""

    workers: Workers = Field("auto", description="worker processes; auto: one for each processor")
    user: str | None = Field(None, description="user that workers run as, when started as root")
    drain: Duration = Field(30.0, description="how long sessions may go on after SIGTERM; a reload ends none")


class Log(Section):
    """What is told to whom."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least important line logged")
    format: Literal["auto", "json", "text"] = Field("auto", description="auto: text on a terminal, JSON elsewhere")


ENCRYPTED = ("pop3s", "pop2s", "pop1s", "smtps")
"""Services that speak TLS from the first octet."""


class Config(Section):
    """The whole file."""

    hostname: HostName | None = Field(None, description="name in greetings and headers; unset: this machine's")
    storage: Storage = Storage()
    pop3: Pop3 = Pop3()
    pop3s: Listener = Listener()
    pop2: PlainListener = PlainListener()
    pop2s: Listener = Listener()
    pop1: PlainListener = PlainListener()
    pop1s: Listener = Listener()
    smtp: Smtp = Smtp()
    smtps: Listener = Listener()
    lmtp: Lmtp = Lmtp()
    tls: Tls = Tls()
    auth: Auth = Auth()
    accounts: Backends = Field((LocalBackend(),), description="[[accounts]]: where accounts come from, in this order")
    proxy: Proxy = Proxy()
    maildrop: Maildrop = Maildrop()
    limits: Limits = Limits()
    server: Server = Server()
    log: Log = Log()
    web: Listener = Listener()
    metrics: Listener = Listener()


DEFAULT_LISTENERS: dict[str, tuple[str, ...]] = {
    "pop3": ("0.0.0.0:110",),
    "pop3s": ("0.0.0.0:995",),
    "smtp": ("0.0.0.0:25",),
    "lmtp": ("unix:/run/postane/lmtp.sock", "127.0.0.1:24"),
}
"""What listens where no section says anything about it."""

SERVICES = ("pop3", "pop3s", "pop2", "pop2s", "pop1", "pop1s", "smtp", "smtps", "lmtp")


def listeners(config: Config) -> dict[str, tuple[Endpoint, ...]]:
    """The addresses of every service that is to be started.

    A section with `listen` gets what it says. Where at least one section names an address, the services that say
    nothing stay off, so that a file which opens one port opens no other; where none does, the defaults hold.
    """
    named = {name: getattr(config, name).listen for name in SERVICES}
    if any(named.values()):
        return {name: listen for name, listen in named.items() if listen}
    chosen = {name: listen for name, listen in DEFAULT_LISTENERS.items() if named[name] is None}
    return {name: tuple(parse_endpoint(text) for text in listen) for name, listen in chosen.items()}
