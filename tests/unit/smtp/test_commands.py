"""The values: one class a verb, and nothing secret or large in what they show."""

from typing import get_args

from postane.mail.address import Address
from postane.mail.envelope import Envelope
from postane.smtp.commands import Auth, BodyChunk, Command, Mail, Verb


def test_every_verb_that_has_a_word_has_one_class() -> None:
    verbs = [command.verb for command in get_args(Command)]
    assert sorted(verbs) == sorted(set(Verb) - {Verb.BODY, Verb.CONNECT})


def test_what_a_client_proves_itself_with_is_not_shown() -> None:
    assert "c2VjcmV0" not in repr(Auth("PLAIN", b"c2VjcmV0"))


def test_a_message_is_not_shown() -> None:
    assert "Subject" not in repr(BodyChunk(b"Subject: private\r\n"))


def test_commands_are_values() -> None:
    sender = Address("a", "example.com")
    assert Mail(Envelope(sender)) == Mail(Envelope(sender))
    assert len({Mail(Envelope(sender)), Mail(Envelope(sender))}) == 1
