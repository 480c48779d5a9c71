"""Conversations by hand for tests: what a speech hears, and servers that keep to a script."""

from typing import Any

from postane.talk.base import Told
from postane.talk.conversation import Conversation
from postane.talk.speech import Speech

from .dialogue import DialogueLink


def hear(speech: Speech, octets: bytes) -> list[Any]:
    """Feed octets; what is told of them."""
    speech.feed(octets)
    told = []
    while (event := speech.next_event()) is not None:
        told.append(event)
    return told


class Heard(list[Told]):
    """A listener."""

    def __call__(self, told: Told) -> None:
        self.append(told)

    def of(self, kind: type) -> list[Any]:
        """What was told of this kind."""
        return [each for each in self if isinstance(each, kind)]

    def texts(self, kind: type) -> list[str]:
        """The same as texts."""
        return [each.text for each in self.of(kind)]


async def begin(
    speech: Speech, greeting: bytes, *turns: tuple[bytes, bytes], **how: Any
) -> tuple[Conversation, Heard, DialogueLink]:
    """A conversation that has been greeted, who listens to it, and the server's end."""
    heard = Heard()
    link = DialogueLink(greeting, *turns, **how)
    conversation = Conversation(link, speech, heard)
    await conversation.greet()
    return conversation, heard, link


class PlainTools:
    """Tools without a terminal: answers, and files in memory."""

    def __init__(self, *answers: str | None) -> None:
        self.host = "client.test"
        self.user: str | None = None
        self.answers = list(answers)
        self.asked: list[tuple[str, bool]] = []
        self.files: dict[str, bytes] = {}
        self.transcripts: list[str | None] = []
        self.limits: list[int | None] = []

    async def ask(self, question: str, *, is_secret: bool) -> str | None:
        self.asked.append((question, is_secret))
        return self.answers.pop(0) if self.answers else None

    def read_file(self, name: str) -> bytes:
        if name not in self.files:
            raise FileNotFoundError(2, "No such file or directory", name)
        return self.files[name]

    def write_new(self, name: str, octets: bytes) -> None:
        self.files[name] = octets

    def set_transcript(self, name: str | None) -> None:
        self.transcripts.append(name)

    def limit_bodies(self, lines: int | None) -> None:
        self.limits.append(lines)
