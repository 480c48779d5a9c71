"""Logging in for somebody at a prompt: by the strongest means, or by the one that he names.

RFC 1939 s7 (APOP, USER, PASS), RFC 5034 s4 and RFC 4954 s4 (AUTH), RFC 937 s(Definitions of Commands and Replies)
(HELO). The same order of strength as the library has (`client/login`); what a listener could use again crosses in
clear only where the means is named, which is as good as saying so.

Must not know: where a password comes from.
"""

import asyncio
import hashlib
from secrets import token_urlsafe

from postane.client.login import DIGESTS, IN_CLEAR, NONCE_OCTETS, PASSWORDS, SCRAM, SCRAM_PLUS, TOKENS
from postane.pop2.grammar import quote
from postane.sasl.base import ClientMechanism, Identity
from postane.sasl.registry import CLIENT_MECHANISMS
from postane.wire.base64_text import format_base64, format_initial, parse_base64
from postane.wire.chart import Outcome
from postane.wire.errors import LocalProtocolError, RemoteProtocolError

from .base import Answered, LoginFailed, Spoilt, Unsuitable
from .conversation import Conversation
from .counted_speech import Pop1Speech, Pop2Speech
from .pop3_speech import Pop3Speech
from .smtp_speech import SmtpSpeech

APOP, USER, OUTSIDE = "APOP", "USER", "EXTERNAL"
CHALLENGES = 10
"""Challenges of one exchange that are answered; no mechanism has more than three."""

LINE_LIMITS = {"POP3": 255, "SMTP": 512}
"""Octets of an AUTH line with its initial response (RFC 2449 s4, RFC 5321 s4.5.3.1.4)."""


async def ask_abilities(conversation: Conversation, host: str) -> None:
    """CAPA, or EHLO as `host`; nothing where the protocol has neither."""
    speech = conversation.speech
    if isinstance(speech, Pop3Speech):
        await conversation.say("CAPA")
    elif isinstance(speech, SmtpSpeech):
        await conversation.say(f"{speech.hello} {host}")
    else:
        raise Unsuitable(f"{speech.protocol} has no word for that")


def _abilities_are_known(conversation: Conversation) -> bool:
    speech = conversation.speech
    if isinstance(speech, Pop3Speech):
        return speech.capabilities is not None
    return isinstance(speech, SmtpSpeech) and speech.extensions is not None


async def choose_means(conversation: Conversation, host: str) -> list[str]:
    """What may be tried with a password, the best first. Raises Unsuitable where there is nothing."""
    speech = conversation.speech
    if isinstance(speech, Pop2Speech | Pop1Speech):
        offered: set[str] = {USER}
    else:
        if not _abilities_are_known(conversation):
            await ask_abilities(conversation, host)
        offered = set(speech.mechanisms)
        if isinstance(speech, Pop3Speech):
            offered |= {APOP} if speech.stamp else set()
            if speech.capabilities is None or speech.capabilities.has("USER") or not offered:
                offered.add(USER)
    tls = conversation.link.tls
    if tls is None or not tls.bindings:
        offered.difference_update(SCRAM_PLUS)
    wanted = [each for each in (*SCRAM, *DIGESTS, *PASSWORDS) if each in offered]
    allowed = [each for each in wanted if conversation.link.is_private or each not in IN_CLEAR]
    if not wanted:
        raise Unsuitable("the server offers no way to log in with a password")
    if not allowed:
        raise Unsuitable(
            f"a password would cross in clear text: say .starttls first, or name the means: .login NAME {wanted[0]}"
        )
    return allowed


async def log_in(conversation: Conversation, name: str, secret: str, means: list[str]) -> str:
    """Try the first of `means`, and after a digest the first that is none (RFC 1939 s7: a server may have no secret of
    this account that APOP needs); what it was done by. Raises LoginFailed, or Unsuitable."""
    first = means[0]
    if await _try(conversation, first, name, secret):
        return first
    others = [each for each in means if each in PASSWORDS]
    if first in DIGESTS and others and not conversation.is_over:
        conversation.note(f"{first} was refused; {others[0]} may do all the same")
        if await _try(conversation, others[0], name, secret):
            return others[0]
    raise LoginFailed(f"the login by {first} was refused")


async def _try(conversation: Conversation, means: str, name: str, secret: str) -> bool:
    if any(letter in name + secret for letter in "\r\n\0"):
        raise Unsuitable("the name or the password has characters that no line can have")
    speech = conversation.speech
    if isinstance(speech, Pop2Speech):
        words = (quote(word.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
                 for word in (name, secret))  # fmt: skip
        return _is_yes(await conversation.say(" ".join(("HELO", *words))))
    if means == USER:
        return _is_yes(await conversation.say(f"USER {name}")) and _is_yes(await conversation.say(f"PASS {secret}"))
    if means == APOP:
        return await _apop(conversation, name, secret)
    if means not in CLIENT_MECHANISMS:
        raise Unsuitable(f"{means} is no mechanism that is known here; there are {', '.join(CLIENT_MECHANISMS)}")
    return await _sasl(conversation, means, name, secret)


async def _apop(conversation: Conversation, name: str, secret: str) -> bool:
    """RFC 1939 s7: the digest of the stamp with the secret."""
    stamp = conversation.speech.stamp if isinstance(conversation.speech, Pop3Speech) else None
    if not stamp:
        raise Unsuitable("there is no stamp in the greeting, so the server does not speak APOP")
    octets = stamp.encode() + secret.encode("utf-8", "surrogateescape")
    digest = hashlib.md5(octets, usedforsecurity=False).hexdigest()
    return _is_yes(await conversation.say(f"APOP {name} {digest}"))


async def _sasl(conversation: Conversation, means: str, name: str, secret: str) -> bool:
    tls = conversation.link.tls
    is_plus_offered = not set(SCRAM_PLUS).isdisjoint(conversation.speech.mechanisms)
    identity = Identity(name, secret, token_urlsafe(NONCE_OCTETS), tls.bindings if tls else {}, is_plus_offered)
    try:
        mechanism = CLIENT_MECHANISMS[means](identity)
        initial = mechanism.start()
    except LocalProtocolError as error:
        raise Unsuitable(str(error.text)) from None
    line = f"AUTH {means}"
    limit = LINE_LIMITS.get(conversation.speech.protocol, LINE_LIMITS["SMTP"]) - len("\r\n")
    if initial is not None and len(whole := f"{line} {format_initial(initial).decode('ascii')}") <= limit:
        line = whole
    answered = await conversation.say(line)
    for _ in range(CHALLENGES):
        if answered is None or answered.outcome is not Outcome.CONTINUED:
            return _conclude(mechanism, answered)
        challenge = conversation.speech.challenge.strip()
        if initial is not None and not challenge:
            response, initial = initial, None
        else:
            response = await _respond(conversation, mechanism, challenge)
        answered = await conversation.say(format_base64(response).decode("ascii"))
    raise Spoilt("the server asks and asks")


async def _respond(conversation: Conversation, mechanism: ClientMechanism, challenge: bytes) -> bytes:
    """In a thread: a server may ask for a second of work. Where it must not be answered, the exchange is cancelled."""
    try:
        return await asyncio.to_thread(mechanism.step, parse_base64(challenge) if challenge else b"")
    except RemoteProtocolError as error:
        await conversation.say("*")
        raise LoginFailed(f"the challenge must not be answered: {error.text}") from None
    except LocalProtocolError as error:
        await conversation.say("*")
        raise Unsuitable(str(error.text)) from None


def _conclude(mechanism: ClientMechanism, answered: Answered | None) -> bool:
    if not _is_yes(answered):
        return False
    try:
        mechanism.finish()
    except RemoteProtocolError as error:
        raise Spoilt(f"the server has not proven that it knows the account: {error.text}") from None
    return True


def _is_yes(answered: Answered | None) -> bool:
    return answered is not None and answered.outcome is Outcome.ACCEPTED


def is_token(means: str | None) -> bool:
    """Whether the secret of these means is an access token."""
    return means in TOKENS
