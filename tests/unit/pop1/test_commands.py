"""POP1's commands as values."""

from postane.pop1.commands import Pass, Rdel, Retr, Verb


def test_a_password_is_never_shown():
    assert "secret" not in repr(Pass("secret"))


def test_to_read_is_not_to_delete():
    assert Retr("a") != Rdel("a")
    assert (Retr().mailbox, Rdel.verb) == (None, Verb.RDEL)
