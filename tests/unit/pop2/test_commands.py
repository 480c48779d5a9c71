"""POP2's commands as values."""

from postane.pop2.commands import Fold, Helo, Read, Verb


def test_a_password_is_never_shown():
    assert "secret" not in repr(Helo("smith", "secret"))


def test_values_are_compared_by_what_they_say():
    assert Fold("inbox") == Fold("inbox") != Fold("INBOX")
    assert Read().number is None
    assert Read.verb is Verb.READ
