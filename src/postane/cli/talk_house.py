"""Where somebody talks from: the connection that was asked for, files, passwords, and what a command ends with."""

import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from postane.net.asked import TlsWords, read_policy
from postane.net.base import NetError, Target, TlsMode, TlsPolicy, TooSlow, Unreachable, Untrusted
from postane.net.client_tls import client_context
from postane.net.dial import dial
from postane.net.distrust import as_options
from postane.net.proxies import split_proxy
from postane.smtp.states import Dialect
from postane.talk.base import RESPONSE, Answered, LoginFailed, Mood, Remark, Spoilt, Told, Unsuitable
from postane.talk.conversation import Conversation
from postane.talk.counted_speech import CountedSpeech, Pop1Speech, Pop2Speech
from postane.talk.entering import ask_abilities
from postane.talk.orders import Orders
from postane.talk.pop3_speech import Pop3Speech
from postane.talk.smtp_speech import SmtpSpeech
from postane.talk.speech import Speech
from postane.talk.urls import TalkUrl, parse_talk_url
from postane.wire.chart import Outcome

from .talk_options import TalkOptions
from .talk_show import Tee, Transcript, new_file
from .words import Exit, Failure

UNCHECKED = "the certificate is NOT CHECKED: whoever is in between can read and change everything"

LOGINS = frozenset({"PASS", "APOP", "AUTH", RESPONSE})

NET_CODES: Mapping[type[NetError], Exit] = {
    TooSlow: Exit.TEMP_FAIL,
    Untrusted: Exit.PROTOCOL,
    Unreachable: Exit.UNAVAILABLE,
}
FILE_LIMIT = 256 * 1024 * 1024
"""Octets of a file that is sent by hand."""


def failure_of(error: NetError) -> Failure:
    """What a command ends with after this."""
    text = as_options(error.text, "--tls-{}", "--tls required")
    return Failure(text, NET_CODES.get(type(error), Exit.UNAVAILABLE))


class Verdict:
    """What the command will end with, from what passes: a listener."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech
        self._is_senseless = False
        self._is_login_refused = False
        self.refusals = 0
        self.mistakes = 0  # of whoever types

    def __call__(self, told: Told) -> None:
        """Look at it."""
        if not isinstance(told, Answered):
            return
        self._is_senseless = self._is_senseless or told.outcome is None
        self.refusals += told.outcome is Outcome.REFUSED
        is_login = told.verb in LOGINS or (told.verb == "HELO" and isinstance(self._speech, Pop2Speech))
        if is_login and told.outcome in (Outcome.ACCEPTED, Outcome.REFUSED):
            self._is_login_refused = told.outcome is Outcome.REFUSED

    @property
    def code(self) -> int:
        """The exit code."""
        if self._is_senseless:
            return Exit.PROTOCOL
        if self._is_login_refused and not self._speech.is_logged_in:
            return Exit.NO_PERMISSION
        return Exit.USAGE if self.mistakes else Exit.OK


class Place:
    """Where somebody talks from: `Tools` for all but questions."""

    def __init__(self, options: TalkOptions, password: str | None = None) -> None:
        """Raises Failure."""
        self.options = options
        self.url = _url(options)
        self.target = _target(options, self.url)
        self.tee = Tee()
        self.tee.limit = options.lines
        self.user = options.user or self.url.user
        self.is_plain = options.plain or bool(os.environ.get("NO_COLOR"))  # https://no-color.org
        self.host = socket.gethostname() or "localhost"
        self._password = password or _password(options) or self.url.password
        self._transcript: Transcript | None = None

    def __str__(self) -> str:
        return f"{self.url.protocol} with {self.target}"

    def read_file(self, name: str) -> bytes:
        """See Tools."""
        path = Path(name).expanduser()
        if path.stat().st_size > FILE_LIMIT:
            raise Unsuitable(f"{name} is too large")
        return path.read_bytes()

    def write_new(self, name: str, octets: bytes) -> None:
        """See Tools."""
        with open(new_file(name), "wb") as file:
            file.write(octets)

    def set_transcript(self, name: str | None) -> None:
        """See Tools."""
        new = Transcript(name, str(self)) if name is not None else None
        if self._transcript is not None:
            self.tee.listeners.remove(self._transcript)
            self._transcript.close()
        self._transcript = new
        if new is not None:
            self.tee.listeners.append(new)

    def limit_bodies(self, lines: int | None) -> None:
        """See Tools."""
        self.tee.limit = lines

    def take_password(self) -> str | None:
        """The password that was given with the command; it is for the first who asks."""
        password, self._password = self._password, None
        return password

    def begin(self) -> None:
        """Write down what passes from now on. Raises Failure."""
        if self.options.transcript is None:
            return
        try:
            self.set_transcript(str(self.options.transcript))
        except OSError as error:
            raise Failure(f"cannot write {self.options.transcript}: {error.strerror}", Exit.CANNOT_CREATE) from None

    def end(self) -> None:
        """Close what is open."""
        self.set_transcript(None)


def _url(options: TalkOptions) -> TalkUrl:
    try:
        return parse_talk_url(options.url)
    except ValueError as error:
        raise Failure(str(error), Exit.USAGE) from None


def _target(options: TalkOptions, url: TalkUrl) -> Target:
    words: TlsWords = {"tls_check": not options.insecure}
    if options.starttls or options.tls is not None:
        words["tls"] = options.tls or TlsMode.REQUIRED
    if options.tls_ca is not None:
        words["tls_ca"] = str(options.tls_ca.expanduser())
    if options.tls_pin is not None:
        words["tls_pin"] = options.tls_pin
    try:
        policy = read_policy(words, TlsMode.IMPLICIT if url.is_tls else TlsMode.NONE)
    except ValueError as error:
        raise Failure(str(error), Exit.USAGE) from None
    if url.is_tls and policy.mode is not TlsMode.IMPLICIT:
        raise Failure("this URL begins with TLS, so there is nothing else to choose", Exit.USAGE)
    if policy.pin is not None and policy.mode is TlsMode.NONE:
        raise Failure("--tls-pin is for TLS: add --starttls, or use a URL that begins with TLS", Exit.USAGE)
    if url.protocol in ("pop2", "pop1") and policy.mode is TlsMode.REQUIRED:
        raise Failure(f"{url.protocol} has no word that begins TLS: use {url.protocol}s://", Exit.USAGE)
    _check(options, policy)
    return Target(url.host, url.port, policy, options.proxy, options.timeout, url.path)


def _check(options: TalkOptions, policy: TlsPolicy) -> None:
    """What nobody needs to be connected to for being told that it is wrong."""
    if options.proxy is not None:
        try:
            split_proxy(options.proxy)
        except Unreachable as error:
            raise Failure(error.text, Exit.USAGE) from None
    if options.tls_ca is not None:
        try:
            client_context(TlsPolicy(authority=policy.authority))
        except Untrusted as error:
            raise Failure(f"--tls-ca: {error.text}", Exit.NO_INPUT) from None


def _password(options: TalkOptions) -> str | None:
    if options.password_env is None:
        return None
    if options.password_env not in os.environ:
        raise Failure(f"there is no {options.password_env} in the environment", Exit.USAGE)
    return os.environ[options.password_env]


def make_speech(protocol: str) -> Speech:
    """How a URL's protocol is spoken."""
    match protocol:
        case "pop3":
            return Pop3Speech()
        case "pop2":
            return Pop2Speech()
        case "pop1":
            return Pop1Speech()
        case _:
            return SmtpSpeech(Dialect.LMTP if protocol == "lmtp" else Dialect.SMTP)


async def connect(place: Place, speech: Speech) -> Conversation:
    """The connection, with what the server says first. Raises NetError, and Failure where that is no welcome."""
    if not place.target.tls.is_checked:
        place.tee(Remark(UNCHECKED, Mood.TROUBLE))
    link = await dial(_implicit_or_none(place.target))
    conversation = Conversation(link, speech, place.tee)
    if link.tls is not None:
        speech.is_secured = True
        conversation.note(f"TLS stands: {link.tls.version}, {link.tls.cipher}")
    try:
        outcome = (await conversation.greet()).outcome
        if outcome is None:
            raise Failure(f"{place.target} does not greet as a server of {speech.protocol} does", Exit.PROTOCOL)
        if outcome is Outcome.REFUSED:
            raise Failure(f"{place.target} does not want to talk", Exit.UNAVAILABLE)
    except TooSlow as error:
        link.abort()
        if link.tls is None and not place.target.path and place.url.protocol != "lmtp":
            raise TooSlow(f"{error.text}; on a port where TLS comes first it is {place.url.protocol}s://") from error
        raise
    except BaseException:
        link.abort()
        raise
    return conversation


async def prepare(conversation: Conversation, place: Place, orders: Orders) -> None:
    """What the command line asks for at once: TLS, a login. Raises Unsuitable, NetError."""
    match place.target.tls.mode:
        case TlsMode.REQUIRED:
            await _insist_on_tls(orders)
        case TlsMode.OFFERED if not isinstance(conversation.speech, CountedSpeech):
            await ask_abilities(conversation, place.host)
            if _offers_tls(conversation.speech):
                await orders.obey(".starttls")
    if place.options.login:
        words = [place.user or "", *([place.url.mechanism] if place.user and place.url.mechanism else [])]
        await orders.obey(" ".join([".login", *words]).strip())


async def _insist_on_tls(orders: Orders) -> None:
    try:
        await orders.obey(".starttls")
    except Unsuitable as error:
        raise Untrusted(f"{error.text}, and it was asked for") from None


def _offers_tls(speech: Speech) -> bool:
    if isinstance(speech, Pop3Speech):
        return speech.capabilities is not None and speech.capabilities.has("STLS")
    return isinstance(speech, SmtpSpeech) and speech.extensions is not None and "STARTTLS" in speech.extensions


def _implicit_or_none(target: Target) -> Target:
    """A dialler begins TLS with the connection or not at all."""
    if target.tls.mode is TlsMode.IMPLICIT:
        return target
    return replace(target, tls=replace(target.tls, mode=TlsMode.NONE))


def failure_code(error: Unsuitable) -> Exit:
    """What a command ends with where this stopped it."""
    if isinstance(error, LoginFailed):
        return Exit.NO_PERMISSION
    return Exit.PROTOCOL if isinstance(error, Spoilt) else Exit.UNAVAILABLE
