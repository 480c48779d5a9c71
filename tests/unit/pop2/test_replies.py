"""POP2's replies as values."""

from postane.pop2.replies import Count, Data, Length


def test_mail_is_never_shown():
    assert "private" not in repr(Data(b"private"))


def test_a_count_is_no_length():
    assert Count(2) != Length(2)
