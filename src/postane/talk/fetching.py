"""Getting one message for somebody at a prompt, in whatever steps the protocol has for that.

RFC 1939 s5 (RETR), RFC 937 s(Definitions of Commands and Replies) (READ, RETR, ACKS), RFC 918 s(Definitions of
Commands and Replies) (RETR, RCEV, RCVD: the whole mailbox, out of which one message is cut).

Must not know: what is done with it.
"""

from postane.mail.mboxrd import BadMailbox, MessageEnd, Piece, Postmark, Splitter
from postane.wire.chart import Outcome

from .base import Answered, Unsuitable
from .conversation import Conversation
from .counted_speech import Pop1Speech, Pop2Speech
from .smtp_speech import SmtpSpeech


async def fetch_message(conversation: Conversation, number: int) -> bytes:
    """The octets of a message; its lines are not told. Raises Unsuitable where it cannot be had."""
    speech = conversation.speech
    if isinstance(speech, SmtpSpeech):
        raise Unsuitable(f"{speech.protocol} has no messages to be fetched")
    conversation.is_quiet = True
    try:
        if isinstance(speech, Pop1Speech):
            return _cut(await _run(conversation, "RETR", "RCEV", "RCVD"), number)
        if isinstance(speech, Pop2Speech):
            return await _run(conversation, f"READ {number}", "RETR", "ACKS")
        return await _run(conversation, f"RETR {number}")
    finally:
        conversation.is_quiet = False


async def _run(conversation: Conversation, *lines: str) -> bytes:
    speech = conversation.speech
    for line in lines:
        if line == "RETR" and isinstance(speech, Pop2Speech) and not speech.length:
            raise Unsuitable("there is no such message")
        if not _is_yes(await conversation.say(line)):
            raise Unsuitable("the message was not given")
    if speech.body is None:
        raise Unsuitable("the message is too large to be kept here: use RETR")
    return speech.body


def _cut(mailbox: bytes, number: int) -> bytes:
    splitter, count, message = Splitter(), 0, b""
    try:
        parts = splitter.feed(mailbox) + splitter.finish()
    except BadMailbox as error:
        raise Unsuitable(f"the mailbox cannot be read: {error}") from None
    for part in parts:
        match part:
            case Postmark():
                count += 1
            case Piece(octets) if count == number:
                message += octets
            case MessageEnd():
                pass
    if number > count:
        raise Unsuitable(f"there are {count} messages")
    return message


def _is_yes(answered: Answered | None) -> bool:
    return answered is not None and answered.outcome is Outcome.ACCEPTED
