"""The POP3 client's machine: replies in the order of the commands, and nothing believed that was not asked for."""

import pytest

from postane.pop3.client import LINE_LIMIT, Answer, BodyChunk, BodyEnd, Challenged, Event, Greeting, Pop3Client
from postane.pop3.commands import Auth, AuthResponse, Command, Dele, List, Noop, Pass, Quit, Retr, Stat, Stls, User
from postane.pop3.replies import err, ok
from postane.pop3.states import State
from postane.wire.errors import LocalProtocolError, RemoteProtocolError
from postane.wire.machine import NEED_DATA, PAUSED, Signal


def greeted() -> Pop3Client:
    machine = Pop3Client()
    machine.feed(b"+OK ready <1.2@example.org>\r\n")
    assert machine.next_event() == Greeting(ok("ready <1.2@example.org>"), "<1.2@example.org>")
    return machine


def logged_in() -> Pop3Client:
    machine = greeted()
    for command in (User("mrose"), Pass("secret")):
        ask(machine, command, b"+OK\r\n")
    return machine


def ask(machine: Pop3Client, command: Command, octets: bytes) -> Event | Signal:
    machine.send(command)
    machine.feed(octets)
    return machine.next_event()


def test_a_greeting_that_refuses_is_the_end():
    machine = Pop3Client()
    machine.feed(b"-ERR [SYS/TEMP] later\r\n")
    assert machine.next_event() == Greeting(err("later", "SYS/TEMP"), None)
    assert machine.next_event() is PAUSED
    with pytest.raises(LocalProtocolError):
        machine.send(Quit())


def test_replies_come_in_the_order_of_the_commands():
    machine = logged_in()
    assert b"".join(map(machine.send, (Stat(), Dele(1), Noop()))) == b"STAT\r\nDELE 1\r\nNOOP\r\n"
    assert machine.waiting == 3
    machine.feed(b"+OK 2 320\r\n-ERR no such message\r\n+OK\r\n")
    assert machine.next_event() == Answer(Stat(), ok("2 320"))
    assert machine.next_event() == Answer(Dele(1), err("no such message"))
    assert machine.next_event() == Answer(Noop(), ok())
    assert (machine.waiting, machine.next_event()) == (0, NEED_DATA)


def test_a_body_and_what_follows_it():
    machine = logged_in()
    machine.send(Retr(1))
    machine.send(Noop())
    machine.feed(b"+OK\r\n..a\r\n.\r\n+OK fine\r\n")
    assert machine.next_event() == Answer(Retr(1), ok(), has_body=True)
    assert machine.next_event() == BodyChunk(b".a\r\n")
    assert machine.next_event() == BodyEnd()
    assert machine.next_event() == Answer(Noop(), ok("fine"))


@pytest.mark.parametrize(("command", "has_body"), [(List(), True), (List(1), False), (Retr(1), True), (Stat(), False)])
def test_which_replies_have_a_body(command, has_body):
    answer = ask(logged_in(), command, b"+OK\r\n")
    assert answer == Answer(command, ok(), has_body)


def test_a_refusal_has_no_body():
    assert ask(logged_in(), Retr(9), b"-ERR no\r\n") == Answer(Retr(9), err("no"), has_body=False)


def test_a_login_walks_the_chart():
    machine = logged_in()
    assert machine.state is State.TRANSACTION
    ask(machine, Quit(), b"+OK bye\r\n")
    assert machine.state is State.CLOSED


def test_an_exchange_of_auth():
    machine = greeted()
    assert ask(machine, Auth("LOGIN"), b"+ VXNlcm5hbWU6\r\n") == Challenged(b"Username:")
    with pytest.raises(LocalProtocolError):
        machine.send(Noop())
    assert machine.send(AuthResponse(b"mrose")) == b"bXJvc2U=\r\n"
    machine.feed(b"+ \r\n")
    assert machine.next_event() == Challenged(b"")
    assert ask(machine, AuthResponse(b"secret"), b"+OK\r\n") == Answer(AuthResponse(b"secret"), ok())
    assert machine.state is State.TRANSACTION


@pytest.mark.parametrize("command", [Stls(), Quit(), Auth("PLAIN")])
def test_nothing_is_sent_after_what_changes_everything(command):
    machine = greeted()
    machine.send(command)
    with pytest.raises(LocalProtocolError):
        machine.send(Noop())


def test_no_response_without_a_challenge():
    with pytest.raises(LocalProtocolError):
        greeted().send(AuthResponse(b"secret"))


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"+OK nobody asked\r\n", "a reply to nothing"),
        (b"", "closed the connection"),
        (b"x" * LINE_LIMIT, "line too long"),
    ],
)
def test_what_nobody_asked_for_ends_the_session(octets, words):
    machine = logged_in()
    machine.feed(octets)
    with pytest.raises(RemoteProtocolError, match=words) as caught:
        machine.next_event()
    assert caught.value.fatal


@pytest.mark.parametrize(
    ("command", "octets", "words"),
    [
        (Stat(), b"250 ok\r\n", r"begins with \+OK"),
        (Stat(), b"+ VXNlcm5hbWU6\r\n", "a challenge to nothing"),
        (Stat(), b"+OK half", "closed the connection"),
    ],
)
def test_an_answer_that_is_none_ends_the_session(command, octets, words):
    machine = logged_in()
    machine.send(command)
    machine.feed(octets)
    machine.feed(b"")
    with pytest.raises(RemoteProtocolError, match=words) as caught:
        machine.next_event()
    assert caught.value.fatal


def test_a_challenge_that_is_no_base64_ends_the_session():
    with pytest.raises(RemoteProtocolError, match="not base64") as caught:
        ask(greeted(), Auth("PLAIN"), b"+ ?\r\n")
    assert caught.value.fatal


def test_a_body_that_breaks_off_is_not_ended():
    machine = logged_in()
    ask(machine, Retr(1), b"+OK\r\nhalf\r\n")
    assert machine.next_event() == BodyChunk(b"half\r\n")
    machine.feed(b"")
    with pytest.raises(RemoteProtocolError, match="inside a body"):
        machine.next_event()


def test_a_reply_that_came_before_the_handshake_is_not_believed():
    """RFC 2595 s4."""
    machine = greeted()
    with pytest.raises(RemoteProtocolError, match="before the TLS handshake") as caught:
        ask(machine, Stls(), b"+OK begin\r\n+OK you are logged in\r\n")
    assert caught.value.fatal
