"""What may come next of a line that is being typed.

Must not know: how it is offered.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .manual import MANUAL, ORDERS, Entry
from .pop3_speech import Pop3Speech
from .smtp_speech import SmtpSpeech
from .speech import Speech

_WORDS = {"MAIL": ("FROM:<",), "RCPT": ("TO:<",)}


@dataclass(frozen=True, slots=True)
class Offer:
    """A word in the place of the last `replaced` characters, and what it means. Not `is_all`: more comes behind it."""

    word: str
    replaced: int
    meaning: str = ""
    is_all: bool = True


def offers(speech: Speech, before: str) -> Iterator[Offer]:
    """What may stand in the place of the last word of what stands `before` the cursor."""
    if speech.wants_text:
        return
    line = before.lstrip()
    first, space, rest = line.partition(" ")
    last = rest.rpartition(" ")[2] if space else first
    if space:
        found = (Offer(word, len(last)) for word in _later_words(speech, first, rest))
    else:
        entries = _first_words(speech, first)
        found = (Offer(word, len(last), each.meaning, not each.goes_on) for word, each in entries)
    yield from (offer for offer in found if offer.word.upper().startswith(last.upper()))


def entry_for(speech: Speech, line: str) -> Entry | None:
    """The help on what is being typed."""
    words = line.split(None, 1)
    if not words:
        return None
    if words[0][0] in "./":
        return ORDERS.get(f".{words[0][1:].lower()}")
    return None if speech.wants_text or speech.wants_response else manual_of(speech).get(words[0].upper())


def manual_of(speech: Speech) -> "dict[str, Entry]":
    """The help on all verbs of a protocol."""
    manual = MANUAL["SMTP" if isinstance(speech, SmtpSpeech) else speech.protocol]
    return {verb: manual[verb] for verb in sorted(speech.known) if verb in manual}


def _first_words(speech: Speech, typed: str) -> Iterator[tuple[str, Entry]]:
    if typed[:1] in (".", "/"):
        yield from ((typed[0] + name[1:], entry) for name, entry in ORDERS.items())
        return
    manual = manual_of(speech)
    for verb in sorted(speech.verbs):
        yield verb, manual.get(verb, Entry(verb, ""))


def _later_words(speech: Speech, first: str, rest: str) -> Iterator[str]:
    entry = entry_for(speech, first)
    verb = entry.name.upper() if entry is not None else first.upper()
    if " " in rest:
        if verb == ".LOGIN":
            yield from _means(speech)
        return
    if entry is not None and entry.takes_number:
        yield from map(str, speech.numbers[:100])
    elif verb == "AUTH":
        yield from speech.mechanisms
    elif verb == ".HELP":
        yield from sorted(speech.known)
    elif speech.verbs & {verb}:
        yield from _WORDS.get(verb, ())


def _means(speech: Speech) -> tuple[str, ...]:
    if not isinstance(speech, Pop3Speech):
        return speech.mechanisms
    return (*speech.mechanisms, *(("APOP",) if speech.stamp else ()), "USER")
