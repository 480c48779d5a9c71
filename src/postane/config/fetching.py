"""fetch.toml as values: which accounts are fetched, and where their mail goes. One class a table, one field a key.

The classes are the reference: `docs/reference/fetch.md` is made from them.

Must not know: how anything of it works.
"""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from .fetch_words import (
    SCHEMES,
    Command,
    FieldName,
    Keep,
    Mechanism,
    Pattern,
    Pin,
    Server,
    Tls,
    UserPath,
    check_pin,
    check_place,
    check_tls,
)
from .problems import ConfigError, Misplaced
from .secrets import OauthProvider, SecretPlace
from .section import Count, Duration, HostName, Section, Size, When
from .units import expand_user

COMMANDS = ("add", "check", "login", "run", "state")
"""What stands where the names of accounts do: `postane fetch NAME`."""


def state_path() -> Path:
    """Where the state is kept where nobody says otherwise. Raises ConfigError."""
    try:
        return expand_user("~/.local/state/postane/fetch.db")
    except ValueError as error:
        raise ConfigError(f'{error}: write state = "/a/path/fetch.db"') from None


KINDS = ("maildir", "mbox", "command", "lmtp", "smtp", "imap", "maildrop")
"""Where mail can go: a table has exactly one of these keys."""


class Deliver(Section):
    """One destination. Each table has exactly one of: maildir, mbox, command, lmtp, smtp, imap, maildrop."""

    maildir: UserPath | None = Field(None, description="a Maildir; made where there is none")
    mbox: UserPath | None = Field(None, description="an mbox file (mboxrd), locked while it is written")
    command: Command | None = Field(None, description="a program that reads the message; exit codes of sysexits.h")
    lmtp: Server | None = Field(None, description='an LMTP server: "127.0.0.1:24" or "unix:/run/lmtp.sock"')
    smtp: Server | None = Field(None, description='an SMTP server: "mail.example.org:587"')
    imap: str | None = Field(None, repr=False, description='an IMAP folder: "imaps://you@imap.example.org/INBOX"')
    maildrop: str | None = Field(None, description="an account of the post office on this machine")

    config: UserPath | None = Field(None, description="maildrop: the post office's configuration file")
    recipients: tuple[str, ...] = Field((), description="lmtp, smtp: to whom; for lmtp the account's user if empty")
    sender: str = Field(
        "original", description='smtp, lmtp: the envelope sender: "original", "null", "srs", or an address'
    )
    srs_domain: HostName | None = Field(None, description='sender = "srs": the domain of the rewritten addresses')
    srs_secret: SecretPlace | None = Field(None, repr=False, description='sender = "srs": the secret that signs them')
    user: str | None = Field(None, description="smtp: log in as this user")
    password: SecretPlace | None = Field(
        None, repr=False, description="smtp, imap: the password; as that of an account"
    )
    tls: Tls | None = Field(None, description="smtp, lmtp, imap: when TLS begins; smtp: implicit for port 465")
    tls_ca: UserPath | None = Field(None, description="PEM file: whom to believe, instead of those the system believes")
    tls_pin: Pin | None = Field(None, description='"sha256:...": the one certificate to believe')
    plaintext: When = Field("loopback", description="may a password cross without TLS")
    timeout: Duration = Field(60.0, gt=0, description="how long any one wait may take; command: how long it may run")
    line_ends: Literal["lf", "crlf"] = Field("lf", description="maildir: how lines end in its files")

    @field_validator("imap")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        return None if value is None else check_place(value, ("imaps", "imap"))

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        named = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(named) != 1:
            said = "it has " + " and ".join(named) if named else "it has none"
            raise ValueError(f'one of {", ".join(KINDS)} says where mail goes, {said}; write maildir = "~/Mail"')
        if self.smtp is not None and not self.recipients:
            raise ValueError('smtp needs to know to whom: write recipients = ["you@example.org"]')
        if self.sender == "srs" and (self.srs_domain is None or self.srs_secret is None):
            raise ValueError('sender = "srs" needs srs_domain and srs_secret')
        if self.imap is not None:
            check_tls(self.imap, self.tls, self.tls_pin)
        check_pin(self.tls, self.tls_pin)
        return self

    @property
    def kind(self) -> str:
        """Which of KINDS it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)


class Filter(Section):
    """A message with this in its header is treated so; the first that fits counts."""

    header: FieldName = Field(description="name of a header field", examples=["Subject"])
    matches: Pattern = Field(description="regular expression, looked for in the field", examples=["(?i)newsletter"])
    do: Literal["fetch", "skip", "delete"] = Field(
        "skip", description="delete: at the server, without fetching it; nothing brings it back"
    )


class Multidrop(Section):
    """A mailbox that holds mail for many."""

    header: FieldName = Field(description="the field that says whom a message is for", examples=["X-Original-To"])
    domains: tuple[HostName, ...] = Field((), description="domains whose addresses count; empty: all")
    prefix: str = Field("", description="what is cut off their local parts")


class Account(Section):
    """One mailbox somewhere else."""

    name: str = Field(description="what it is called in messages and in the state", examples=["work"])
    url: str = Field(
        repr=False,
        description="pop3s://, pop3://, pop2s://, pop2://, pop1s://, pop1://, imaps:// or imap://",
        examples=["pop3s://you@pop.example.org"],
    )
    user: str | None = Field(None, description="the login name, where it does not stand in the URL")
    password: SecretPlace | None = Field(
        None, repr=False, description="where the password is, or what gives an access token"
    )
    keep: Keep = Field(
        True, description='does fetched mail stay at the server: true, false, "30d", or "until-deleted-here"'
    )
    enabled: bool = Field(True, strict=True, description="false: only fetched when named")
    every: Duration = Field(300.0, gt=0, description="how often, with --watch")
    plaintext: When = Field("loopback", description="may a password cross without TLS")
    tls: Tls | None = Field(None, description="when TLS begins; unset: as the URL says, STLS where it is offered")
    tls_ca: UserPath | None = Field(None, description="PEM file: whom to believe, instead of those the system believes")
    tls_pin: Pin | None = Field(None, description='"sha256:...": the one certificate to believe')
    tls_minimum: Literal["1.2", "1.3"] = Field("1.2", description="oldest TLS version that is spoken")
    client_certificate: UserPath | None = Field(None, description="PEM file: a certificate to show")
    client_key: UserPath | None = Field(None, description="PEM file: its private key")
    mechanisms: tuple[Mechanism, ...] = Field((), description="logins that may be used; empty: the best there is")
    timeout: Duration = Field(60.0, gt=0, description="how long any one wait may take")
    proxy: str | None = Field(None, repr=False, description='"socks5://..." or "http://..."')
    window: Count = Field(100, ge=1, le=100, description="commands sent ahead, where the server allows it")
    expunge_every: Count | None = Field(
        None, ge=1, description="messages after which the session ends and deletions stand; for lines that break"
    )
    max_size: Size | None = Field(None, description="messages above this size are not fetched whole")
    oversize: Literal["headers", "skip"] = Field(
        "headers", description="of a message above max_size: fetch its header part, or nothing"
    )
    limit: Count | None = Field(None, ge=1, description="messages at most in one run")
    filters: tuple[Filter, ...] = Field((), description="[[account.filters]]: what to fetch, by header fields")
    multidrop: Multidrop | None = Field(None, description="[account.multidrop]: the mailbox holds mail for many")
    received: bool = Field(True, strict=True, description="put a Received field before each message")
    delivered_to: str = Field("", description="put a Delivered-To field with this before each message")
    deliver: tuple[Deliver, ...] = Field((), description="[[account.deliver]]: where its mail goes, one or several")

    @field_validator("name")
    @classmethod
    def _callable(cls, value: str) -> str:
        if not value.strip():
            raise ValueError('an account needs a name: write for example "work"')
        if value.startswith("-") or value in COMMANDS:
            raise ValueError(f"{value!r} means something else after `postane fetch`: choose another name")
        return value

    @field_validator("url")
    @classmethod
    def _known(cls, value: str) -> str:
        return check_place(value, SCHEMES)

    @field_validator("proxy")
    @classmethod
    def _passable(cls, value: str | None) -> str | None:
        if value is not None:
            from postane.net.base import Unreachable  # few have a proxy
            from postane.net.proxies import split_proxy

            try:
                split_proxy(value)
            except Unreachable as error:
                raise ValueError(error.text) from None
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.deliver:
            raise ValueError('nobody said where its mail goes: add [[account.deliver]] and maildir = "~/Mail"')
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key belong together: give both")
        check_tls(self.url, self.tls, self.tls_pin)
        is_imap = urlsplit(self.url).scheme in ("imaps", "imap")
        for key in ("proxy", "mechanisms") if is_imap else ():
            if getattr(self, key):
                raise ValueError(f"{key} is for POP alone, and would not be heeded with IMAP: leave it out")
        return self


class FetchConfig(Section):
    """The whole file."""

    state: UserPath = Field(default_factory=state_path, description="what was fetched is kept in this file")
    hostname: HostName | None = Field(None, description="name in Received fields; unset: this machine's")
    at_once: Count = Field(8, ge=1, description="accounts that are fetched at the same time")
    per_host: Count = Field(2, ge=1, description="the same with one server")
    account: tuple[Account, ...] = Field((), description="[[account]]: a mailbox to fetch")
    oauth: dict[str, OauthProvider] = Field({}, description="[oauth.NAME]: who gives out access tokens")

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [account.name for account in self.account]
        if second := next((at for at, name in enumerate(names) if name in names[:at]), None):
            words = f'several accounts are called "{names[second]}": give each a name of its own'
            raise Misplaced(words, ("account", second, "name"))
        return self
