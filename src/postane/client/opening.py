"""The library's front door: from a URL and a password to a maildrop.

RFC 2384, RFC 8314 s3. What it is made of is joined here: an address, a policy for TLS, one for the login.

Must not know: what is done with the mail.
"""

import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Generic, NoReturn, Protocol, TextIO, TypeVar, Unpack

from postane.credentials.base import Secret, SecretKind
from postane.net.asked import TlsWords, read_policy
from postane.net.base import TIMEOUT, Link, NetError, Target, TlsMode

from .entry import Entrance, enter_pop3
from .errors import net_error
from .login import LoginPolicy, Plaintext
from .messages import Maildrop
from .pipeline import WINDOW
from .protocol_log import WriteLine
from .session import Manner
from .urls import PopUrl, Version, parse_url

Given = Link | socket.socket | tuple[StreamReader, StreamWriter]
"""A connection that somebody has already."""


class Options(TlsWords, total=False):
    """What can be said beside the URL.

    `tls` is "implicit", "required" (by STLS), "if-offered" or "none"; `tls_ca` a PEM file of whom to believe; `tls_pin`
    the SHA-256 of the server's certificate; `tls_minimum` "1.2" or "1.3". `plaintext`: where a password may cross
    without TLS, "never", "loopback" or "always". `mechanisms` narrows the choice of how to log in. `timeout` is in
    seconds, for each wait. `proxy` is a socks5:// or http:// URL. `log` is called with each line of the dialogue, or
    is a text file; secrets are hidden in it. `utf8` asks for headers in UTF-8, `language` for replies in a language, of
    a server that has that. `stream` is a connection that stands already.
    """

    user: str
    password: str
    token: str
    mechanisms: Sequence[str]
    plaintext: str
    timeout: float
    proxy: str
    window: int
    pipelining: bool
    utf8: bool
    language: str
    log: Callable[[str], object] | TextIO
    stream: Given


class _Closing(Protocol):
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


SessionT = TypeVar("SessionT", bound=_Closing)


class Connecting(Generic[SessionT]):
    """A session to be: `async with` it, or await it. When it was left it may be entered anew."""

    def __init__(self, name: str, enter: Callable[[], Coroutine[Any, Any, SessionT]]) -> None:
        self._name = name
        self._enter = enter
        self._session: SessionT | None = None
        self._is_entered = False

    def __repr__(self) -> str:
        return f"<session to be with {self._name}, not connected yet>"

    def __enter__(self) -> NoReturn:
        raise TypeError("this is for async with: without an event loop take connect of postane.client.blocking")

    def __exit__(self, *_: object) -> None: ...

    def __await__(self) -> Generator[Any, None, SessionT]:
        return self._enter().__await__()

    async def __aenter__(self) -> SessionT:
        if self._is_entered:
            raise RuntimeError("this session is entered already: call connect for another one")
        self._is_entered = True
        try:
            self._session = await self._enter()
        except BaseException:
            self._is_entered = False
            raise
        return self._session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        assert session is not None, "it was entered"
        try:
            await session.__aexit__(kind, error, trace)
        finally:
            self._is_entered = False


def connect(url: str, **options: Unpack[Options]) -> Connecting[Maildrop]:
    """A maildrop of POP3: pop3s://user@host, pop3://user@host or pop://user;AUTH=mechanism@host.

    Raises ValueError at once where that cannot be read, or something is missing; PopError comes when it is entered or
    awaited.
    """
    plan = make_plan(url, options, Version.POP3)

    async def enter() -> Maildrop:
        return Maildrop(await enter_pop3(await reach(plan), plan.target.tls.mode, plan.entrance))

    return Connecting(plan.name, enter)


_FRONT_DOORS = {Version.POP3: "connect", Version.POP2: "connect_pop2", Version.POP1: "connect_pop1"}

_TEXTS = {"user", "password", "token", "proxy", "language", "tls_pin"}
_TRUTHS = {"pipelining", "utf8", "tls_check"}


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to, and as whom; `name` is the URL without the password."""

    target: Target
    entrance: Entrance
    given: Given | None
    name: str


def make_plan(text: str, options: Options, version: Version) -> Plan:
    """What a URL and options come to. Raises ValueError, or TypeError where something is of another kind."""
    if not isinstance(text, str):
        raise TypeError(f"the URL is text, not {type(text).__name__}")
    url = parse_url(text)
    if url.version is not version:
        other = _FRONT_DOORS[url.version]
        raise ValueError(f"this is for URLs that begin with {version}, not {url.version}: take {other}")
    _check_words(options)
    usual = TlsMode.IMPLICIT if url.is_tls else TlsMode.OFFERED if version is Version.POP3 else TlsMode.NONE
    policy = read_policy(options, usual)
    if url.is_tls and policy.mode is not TlsMode.IMPLICIT:
        raise ValueError(f'{version}s:// begins with TLS, which tls="{policy.mode}" contradicts: leave one of them out')
    if policy.mode is TlsMode.NONE and policy.pin is not None:
        raise ValueError("tls_pin is for TLS, which does not begin here: leave it out, or begin TLS")
    target = Target(url.host, url.port, policy, options.get("proxy"), options.get("timeout", TIMEOUT))
    return Plan(target, _entrance(url, options), options.get("stream"), str(url))


def _check_words(options: Options) -> None:
    """Raise ValueError or TypeError where an option cannot be what it is for."""
    known = Options.__annotations__
    if unknown := options.keys() - known.keys():
        raise ValueError(f"there is no option {min(unknown)}: there are {', '.join(sorted(known))}")
    for name, value in options.items():
        if name in _TEXTS and not isinstance(value, str | None):
            raise TypeError(f"{name} is text, not {type(value).__name__}")
        if name in _TRUTHS and not isinstance(value, bool | None):  # "no" would be taken for yes
            raise TypeError(f"{name} is True or False, not {value!r}")
    if not isinstance(window := options.get("window", WINDOW), int):
        raise TypeError(f"window is a number of commands, not {window!r}")
    stream = options.get("stream")
    if stream is not None and not isinstance(stream, tuple) and not hasattr(stream, "close"):
        raise TypeError(f"stream is a socket, or asyncio's reader and writer: not {type(stream).__name__}")
    timeout = options.get("timeout", TIMEOUT)
    if not isinstance(timeout, int | float) or not timeout > 0:
        raise ValueError(f"timeout is a number of seconds above 0, not {timeout!r}")
    if (proxy := options.get("proxy")) is not None:
        from postane.net.proxies import split_proxy  # few go through one

        try:
            split_proxy(proxy)
        except NetError as error:
            raise ValueError(error.text) from None


def _entrance(url: PopUrl, options: Options) -> Entrance:
    name = options.get("user", url.user)
    mechanisms = options.get("mechanisms", (url.mechanism,) if url.mechanism else None)
    if isinstance(mechanisms, str):
        raise ValueError(f'mechanisms are several: give a list, ["{mechanisms}"]')
    policy = LoginPolicy(
        _plaintext(options.get("plaintext", Plaintext.LOOPBACK)),
        None if mechanisms is None else tuple(each.upper() for each in mechanisms),
    )
    if name is None and "EXTERNAL" in (policy.mechanisms or ()):
        name = ""  # as whoever the certificate says
    manner = Manner(options.get("window", WINDOW), options.get("pipelining"), _line_writer(options.get("log")))
    secret = _secret(url, options)
    return Entrance(name, secret, policy, manner, options.get("utf8", False), options.get("language"))


def _plaintext(word: str) -> Plaintext:
    if word not in list(Plaintext):
        raise ValueError(f'plaintext is "never", "loopback" or "always", not {word!r}')
    return Plaintext(word)


def _secret(url: PopUrl, options: Options) -> Secret | None:
    password, token = options.get("password", url.password), options.get("token")
    if options.get("user", url.user) is None and (password, token) != (None, None):
        named = replace(url, user="NAME")
        raise ValueError(f"there is a password or a token, and no name to go with it: write {named}, or give user=")
    if token is not None:
        return Secret(SecretKind.TOKEN, token)
    if password is not None:
        return Secret(SecretKind.PASSWORD, password)
    if options.get("user", url.user) is not None and "tls_certificate" not in options:
        raise ValueError("there is a name and neither a password nor a token: give password= or token=")
    return None


def _line_writer(log: Callable[[str], object] | TextIO | None) -> WriteLine | None:
    if log is None or callable(log):
        return log
    if not hasattr(log, "write"):
        raise TypeError(f"log is called with each line, or is a text file: not {type(log).__name__}")
    file = log
    return lambda line: file.write(f"{line}\n")


async def reach(plan: Plan) -> Link:
    """The connection, made or taken over. Raises PopError."""
    from postane.net.dial import adopt, dial  # so that an import of the library stays a light one

    given = plan.given
    try:
        if given is None:
            return await dial(plan.target)
        if isinstance(given, socket.socket | tuple):
            return await adopt(given, plan.target)
        if plan.target.tls.mode is TlsMode.IMPLICIT and given.tls is None:
            await given.start_tls()
    except NetError as error:
        raise net_error(error) from error.__cause__  # a NetError has the same words
    return given
