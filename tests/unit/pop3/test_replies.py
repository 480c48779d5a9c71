"""POP3's replies as values."""

from postane.pop3.replies import Chunk, Code, Message, Reply, err, ok


def test_short_names():
    assert ok("fine") == Reply(is_ok=True, text="fine")
    assert err("wrong", Code.AUTH) == Reply(is_ok=False, text="wrong", code="AUTH")


def test_no_reply_shows_a_letter():
    for reply in (Message("1 message", b"private"), Chunk(b"private")):
        assert "private" not in repr(reply)
