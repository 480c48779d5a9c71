"""POP1's replies as values."""

from postane.pop1.replies import Data, Reply, err, ok


def test_mail_is_never_shown():
    assert "private" not in repr(Data(b"private"))


def test_yes_and_no():
    assert ok("fine") == Reply(True, "fine")
    assert err("no") == Reply(False, "no")
