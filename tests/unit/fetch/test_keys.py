"""What a message is known by where its server gives it no unique-id."""

from hypothesis import given
from hypothesis import strategies as st

from postane.fetch.keys import DigestKeys

HEADER = b"From: a@b\r\nSubject: hello\r\n\r\n"


def test_the_same_message_has_the_same_key_in_the_next_session():
    assert DigestKeys().key(HEADER, 100) == DigestKeys().key(HEADER, 100)
    assert DigestKeys().key(HEADER, 100) != DigestKeys().key(HEADER, 101)


def test_copies_are_counted():
    keys = DigestKeys()
    one, two, other = keys.key(HEADER, 100), keys.key(HEADER, 100), keys.key(HEADER, 200)
    assert two == f"{one}#2"
    assert "#" not in other


def test_what_servers_change_is_left_out():
    read = b"From: a@b\r\nStatus: RO\r\nX-UIDL: abc\r\n def\r\nSubject: hello\r\n\r\n"
    assert DigestKeys().key(read, 100 + len(read) - len(HEADER)) == DigestKeys().key(HEADER, 100)


@given(st.binary(max_size=400), st.integers(1, 50))
def test_a_whole_message_has_one_key_however_it_is_cut(body, size):
    message = HEADER + body
    first = size + len(HEADER)
    cut = [message[:first], *(message[at : at + size] for at in range(first, len(message), size))]
    assert DigestKeys().whole_key(cut) == DigestKeys().whole_key([message])


def test_a_key_is_printable_and_short():
    key = DigestKeys().key(HEADER, 10**9)
    assert key.isascii()
    assert key.isprintable()
    assert len(key) < 70
