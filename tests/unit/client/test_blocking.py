"""The blocking face: the same as the asynchronous one, method for method; commits, rollbacks, interruptions."""

import inspect
import signal
import threading

import pytest

from postane.client import blocking, messages
from postane.client.errors import ConnectionLost, LoginRefused, Refused
from support.pop_links import FakeServer, MemoryLink, made_messages

LETTER = b"From: a@example.org\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\nHello.\r\n"


def opened(server, **options):
    link = MemoryLink(b"+OK ready\r\n", server)
    options = {"password": "secret", **options}
    return blocking.connect("pop3://mrose@pop.example.org", tls="none", stream=link, **options), link


def no_thread_is_left():
    return not [each for each in threading.enumerate() if each.name == "postane client"]


@pytest.mark.parametrize(
    ("ours", "theirs"), [(blocking.Maildrop, messages.Maildrop), (blocking.Message, messages.Message)]
)
def test_every_method_is_there_and_takes_the_same(ours, theirs):
    names = [name for name, _ in inspect.getmembers(theirs, inspect.isfunction) if not name.startswith("_")]
    assert names
    for name in names:
        wanted, given = (inspect.signature(getattr(each, name)).parameters for each in (theirs, ours))
        assert list(given) == list(wanted), name
        assert [each.default for each in given.values()] == [each.default for each in wanted.values()], name


def test_messages_one_by_one():
    server = FakeServer([LETTER, *made_messages(2)])
    connecting, _ = opened(server)
    with connecting as maildrop:
        assert maildrop.stat().count == 3
        assert maildrop.capabilities().has("TOP")
        seen = []
        for message in maildrop.messages():
            seen.append((message.number, message.octets, message.uidl))
            assert message.raw() == b"".join(message.stream()) == server.messages[message.number - 1]
            if message.number == 1:
                assert message.headers()["subject"] == message.fetch()["subject"] == "café"
                assert repr(message) == f"<Message 1, {len(LETTER)} octets, uidl='u1'>"
    assert seen == [(number, len(each), f"u{number}") for number, each in enumerate(server.messages, 1)]
    assert no_thread_is_left()


def test_messages_many_at_once():
    server = FakeServer(made_messages(60))
    told = []
    connecting, link = opened(server)
    with connecting as maildrop:
        found = list(maildrop.messages())
        fetched = list(maildrop.fetch_many([*found[:59], 60], lambda done, total: told.append((done, total))))
        headers = [each.parse()["subject"] for each in maildrop.headers_many(found)]
    assert [each.octets for each in fetched] == server.messages
    assert headers == [str(number) for number in range(1, 61)]
    assert told[-1][0] == sum(map(len, server.messages))
    assert len(link.writes) < 30


def test_a_clean_exit_commits():
    server = FakeServer([LETTER] * 4)
    connecting, link = opened(server)
    with connecting as maildrop:
        first, second, *_ = maildrop.messages()
        first.delete()
        maildrop.delete([second, 4])
    assert (server.deleted, server.is_committed, link.is_closed) == ({1, 2, 4}, True, True)
    assert no_thread_is_left()


def test_an_exception_rolls_back_and_comes_through():
    server = FakeServer([LETTER] * 4)
    connecting, link = opened(server)

    def fail():
        with connecting as maildrop:
            for message in maildrop.messages():
                message.delete()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (server.deleted, link.is_closed) == (set(), True)
    assert no_thread_is_left()


def test_ctrl_c_breaks_off_and_commits_nothing():
    server = FakeServer([LETTER] * 4)
    connecting, link = opened(server)

    def interrupt(done, total):
        if done > len(LETTER):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    def work():
        with connecting as maildrop:
            maildrop.delete([1])
            server.replies = {b"RETR 3": b"+OK the rest never comes\r\n"}
            return [each.raw for each in maildrop.fetch_many([1, 2, 3, 4], interrupt)]

    with pytest.raises(KeyboardInterrupt):
        work()
    assert (server.is_committed, link.is_aborted) == (False, True)
    assert no_thread_is_left()


def test_a_loop_left_early_leaves_the_session_in_order():
    server = FakeServer(made_messages(9))
    connecting, _ = opened(server)
    with connecting as maildrop:
        for each in maildrop.fetch_many(range(1, 10)):
            assert each.octets == server.messages[0]
            break
        message = next(maildrop.messages())
        assert message.raw() == server.messages[0]
        pieces = message.stream()
        next(pieces)
        pieces.close()
        assert maildrop.stat().count == 9
    assert server.is_committed


@pytest.mark.parametrize(
    ("replies", "kind"), [({b"PASS": b"-ERR [AUTH] no\r\n"}, LoginRefused), ({b"USER": b""}, ConnectionLost)]
)
def test_errors_keep_their_types(replies, kind):
    server = FakeServer([LETTER], replies=replies, offers=(b"USER",))
    connecting, link = opened(server)
    link.is_ended = kind is ConnectionLost
    with pytest.raises(kind), connecting:
        pass
    assert link.is_closed
    assert no_thread_is_left()


def test_a_refusal_in_the_middle_does_not_end_the_session():
    server = FakeServer([LETTER] * 2, refused=frozenset({1}))
    connecting, _ = opened(server)
    with connecting as maildrop:
        first, second = maildrop.messages()
        with pytest.raises(Refused, match="no such message"):
            first.raw()
        assert second.raw() == LETTER


def test_deletions_that_fail_are_told_at_the_end():
    server = FakeServer([LETTER], replies={b"QUIT": b"-ERR [SYS/TEMP] not all removed\r\n"})
    connecting, _ = opened(server)

    def work():
        with connecting as maildrop:
            maildrop.delete([1])

    with pytest.raises(Refused, match="not all removed"):
        work()
    assert no_thread_is_left()


@pytest.mark.parametrize("end", ["commit", "roll_back"])
def test_the_end_may_be_said(end):
    server = FakeServer([LETTER])
    connecting, link = opened(server)
    with connecting as maildrop:
        maildrop.delete([1])
        getattr(maildrop, end)()
        assert server.deleted == ({1} if end == "commit" else set())
        with pytest.raises(ConnectionLost):
            maildrop.stat()
    assert link.is_closed


def test_nothing_is_done_after_the_end():
    connecting, _ = opened(FakeServer([LETTER]))
    with connecting as maildrop:
        message = next(maildrop.messages())
    with pytest.raises(RuntimeError, match="is over"):
        message.raw()


def test_a_url_that_cannot_be_read_is_refused_at_once():
    with pytest.raises(ValueError, match="begins with"):
        blocking.connect("imap://mrose@pop.example.org", password="secret")


def test_who_looks_at_it_sees_where_it_is_and_no_secret():
    connecting, link = opened(FakeServer([LETTER]))
    assert repr(connecting) == "<session to be with pop3://mrose@pop.example.org, not connected yet>"
    with connecting as maildrop:
        assert repr(maildrop) == f"<Maildrop at {link.peer}, in clear, open>"
        assert repr(next(maildrop.messages())) == f"<Message 1, {len(LETTER)} octets, uidl='u1'>"
    assert repr(maildrop).endswith("closed>")


def test_one_message_is_no_list_of_them():
    connecting, link = opened(FakeServer([LETTER] * 2))
    with connecting as maildrop:
        (first, _) = maildrop.messages()
        said = len(link.lines)
        for one in (1, first):
            for several in (maildrop.delete, lambda one: next(maildrop.fetch_many(one))):
                with pytest.raises(TypeError, match="give a list"):
                    several(one)
        assert len(link.lines) == said
