"""One attempt to log in, by one mechanism.

RFC 1939 s7 (APOP, USER, PASS), RFC 5034 s4 (AUTH).

Must not know: which mechanism is to be tried (`login`).
"""

import asyncio
import hashlib
from dataclasses import dataclass

from postane.pop3.client import Answer, Challenged
from postane.pop3.commands import Apop, Auth, AuthResponse, Pass, User
from postane.pop3.grammar import LINE_LIMIT, format_command
from postane.sasl.base import ClientMechanism, Identity
from postane.wire.errors import LocalProtocolError, RemoteProtocolError

from .errors import Misbehaved, NotSecured
from .exchange import Exchange
from .protocol_log import secrets_of, without

APOP, USER = "APOP", "USER"

CHALLENGES = 10
"""Challenges of one exchange that are answered; no mechanism has more than three."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server's no to `verb`. `is_about_form`: it came at once, so that the same may be said in another form."""

    verb: str
    text: str
    code: str
    is_about_form: bool = False


async def authenticate(exchange: Exchange, mechanism: str, identity: Identity, *, is_one_line: bool) -> Refusal | None:
    """AUTH. None: the login stands. `is_one_line`: the server takes an initial response (RFC 5034 s3).

    Raises PopError where the session has ended; LocalProtocolError or ValueError where the mechanism cannot say that
    name or secret.
    """
    refusal = await _sasl(exchange, mechanism, identity, is_one_line=is_one_line)
    if mechanism == "XOAUTH2" and refusal and refusal.is_about_form and not refusal.code:
        return await _sasl(exchange, mechanism, identity, is_one_line=False)  # as Office 365 wants it
    return refusal


async def say_digest(exchange: Exchange, identity: Identity, stamp: str) -> Refusal | None:
    """APOP: the digest of the stamp with the secret (RFC 1939 s7). Raises the same."""
    octets = stamp.encode() + identity.secret.encode("utf-8", "surrogateescape")
    digest = hashlib.md5(octets, usedforsecurity=False).hexdigest()
    await exchange.begin()
    return _judge(await exchange.ask(Apop(identity.name, digest)))


async def say_password(exchange: Exchange, identity: Identity, *, is_pipelining: bool) -> Refusal | None:
    """USER and PASS (RFC 1939 s7), in one piece where the server bears it (RFC 2449 s6.6). Raises the same."""
    await exchange.begin()
    name, secret = User(identity.name), Pass(identity.secret)
    format_command(secret)  # what cannot be said is found before anything is
    exchange.say((name, secret) if is_pipelining else (name,))
    refusal = _judge(await exchange.answer())
    if is_pipelining:
        second = _judge(await exchange.answer())
        return second and (refusal or second)
    return refusal or _judge(await exchange.ask(secret))


async def _sasl(exchange: Exchange, name: str, identity: Identity, *, is_one_line: bool) -> Refusal | None:
    mechanism = _mechanism(name, identity)
    initial = mechanism.start()
    opening = Auth(name, initial)
    if not is_one_line or len(format_command(opening)) > LINE_LIMIT:  # RFC 5034 s4: a line has its limit
        opening = Auth(name)
    await exchange.begin()
    exchange.say((opening,))
    answer = await exchange.answer_or_challenge()
    is_about_form = isinstance(answer, Answer) and opening.initial is not None
    for _ in range(CHALLENGES):
        if isinstance(answer, Answer):
            return _conclude(exchange, mechanism, answer, is_about_form)
        if initial is not None and not answer.octets:  # where it was sent already, the server wants it said again
            response, initial = initial, None
        else:
            try:
                response = await _step(exchange, mechanism, answer)
            except RemoteProtocolError as error:
                return await _cancel(exchange, name, answer, error)
        exchange.say((AuthResponse(response),))
        answer = await exchange.answer_or_challenge()
    raise exchange.give_up(Misbehaved("the server asks and asks"))


def _mechanism(name: str, identity: Identity) -> ClientMechanism:
    """Imported where it is wanted: of most servers that is the first, and a program should begin at once."""
    if name == "PLAIN":
        from postane.sasl.plain import PlainClient

        return PlainClient(identity)
    from postane.sasl.registry import CLIENT_MECHANISMS

    return CLIENT_MECHANISMS[name](identity)


async def _step(exchange: Exchange, mechanism: ClientMechanism, challenge: Challenged) -> bytes:
    """In a thread: a server may ask for a second of work (RFC 5802 s5.1, the iteration count)."""
    try:
        return await asyncio.to_thread(mechanism.step, challenge.octets)
    except (RemoteProtocolError, LocalProtocolError):
        raise
    except BaseException:
        exchange.abort()
        raise


async def _cancel(exchange: Exchange, name: str, challenge: Challenged, error: RemoteProtocolError) -> Refusal:
    """Break off an exchange that the server has spoilt, unless it only says no (RFC 5802 s7, `e=`)."""
    exchange.say((AuthResponse(None),))
    answer = await exchange.answer_or_challenge()
    if isinstance(answer, Answer) and not answer.reply.is_ok and challenge.octets.startswith(b"e="):
        return Refusal("AUTH", _words(answer), answer.reply.code or "AUTH")
    kind = NotSecured if name.startswith("SCRAM") else Misbehaved
    raise exchange.give_up(kind(f"the login by {name} was broken off: {error.text}"))


def _conclude(exchange: Exchange, mechanism: ClientMechanism, answer: Answer, is_about_form: bool) -> Refusal | None:
    refusal = _judge(answer, is_about_form)
    if refusal is None:
        try:
            mechanism.finish()
        except RemoteProtocolError as error:
            raise exchange.give_up(NotSecured(str(error.text))) from error
    return refusal


def _judge(answer: Answer, is_about_form: bool = False) -> Refusal | None:
    if answer.reply.is_ok:
        return None
    verb = "AUTH" if isinstance(answer.command, Auth | AuthResponse) else answer.command.verb
    return Refusal(verb, _words(answer), answer.reply.code, is_about_form)


def _words(answer: Answer) -> str:
    return without(secrets_of(answer.command), str(answer.reply.text))
