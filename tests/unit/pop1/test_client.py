"""The POP1 client's machine: one command at a time, a mailbox as long as was told."""

import pytest

from postane.pop1.client import LINE_LIMIT, Answer, BodyChunk, BodyEnd, Greeted, Pop1Client
from postane.pop1.commands import Command, Noop, Pass, Quit, Rcev, Rcvd, Rdel, Retr, Rset, User
from postane.pop1.replies import Length, err, ok
from postane.pop1.states import State
from postane.wire.errors import LocalProtocolError, RemoteProtocolError
from postane.wire.machine import NEED_DATA, PAUSED


def greeted() -> Pop1Client:
    machine = Pop1Client()
    machine.feed(b"+OK ready\r\n")
    assert machine.next_event() == Greeted(ok("ready"))
    return machine


def ask(machine: Pop1Client, command: Command, octets: bytes):
    machine.send(command)
    machine.feed(octets)
    return machine.next_event()


def logged_in() -> Pop1Client:
    machine = greeted()
    ask(machine, User("a"), b"+OK\r\n")
    ask(machine, Pass("b"), b"+OK\r\n")
    return machine


def test_a_whole_session():
    machine = logged_in()
    assert machine.send(Rdel("inbox")) == b"RDEL inbox\r\n"
    assert machine.next_event() is NEED_DATA
    machine.feed(b"#5\r\n")
    assert machine.next_event() == Answer(Rdel("inbox"), Length(5))
    assert ask(machine, Rcev(), b"+O") == BodyChunk(b"+O")
    assert machine.next_event() is NEED_DATA
    machine.feed(b"K\r\n")
    assert machine.next_event() == BodyChunk(b"K\r\n")
    assert machine.next_event() == BodyEnd()
    assert ask(machine, Rcvd(), b"+OK deleted\r\n") == Answer(Rcvd(), ok("deleted"))
    assert machine.state is State.TRANSACTION
    assert ask(machine, Quit(), b"+OK bye\r\nmore") == Answer(Quit(), ok("bye"))
    assert machine.next_event() is PAUSED
    assert machine.trailing_data == b"more"


def test_an_empty_mailbox():
    machine = logged_in()
    ask(machine, Retr(), b"#0\r\n")
    assert ask(machine, Rcev(), b"") == BodyEnd()
    assert machine.state is State.RECEIVED


def test_what_is_refused_leads_back():
    machine = logged_in()
    assert ask(machine, Retr("x"), b"-ERR no such mailbox\r\n") == Answer(Retr("x"), err("no such mailbox"))
    assert ask(machine, Retr(), b"#5\r\n") == Answer(Retr(), Length(5))
    assert ask(machine, Rset(), b"+OK\r\n") == Answer(Rset(), ok())
    assert ask(machine, Noop(), b"+OK\r\n") == Answer(Noop(), ok())


def test_a_wrong_password_asks_for_the_name_again():
    machine = greeted()
    ask(machine, User("a"), b"+OK\r\n")
    assert ask(machine, Pass("b"), b"-Error\r\n") == Answer(Pass("b"), err("Error"))
    assert machine.state is State.AUTHORIZATION


def test_nothing_is_said_out_of_turn():
    machine = greeted()
    for command in (Pass("x"), Retr(), Rcev(), Noop()):
        with pytest.raises(LocalProtocolError, match="authorization"):
            machine.send(command)
    machine.send(User("a"))
    with pytest.raises(LocalProtocolError):
        machine.send(Quit())


def test_a_greeting_that_refuses():
    machine = Pop1Client()
    machine.feed(b"-ERR too many\r\n")
    assert machine.next_event() == Greeted(err("too many"))
    assert machine.next_event() is PAUSED


@pytest.mark.parametrize("line", [b"#3\r\n", b"hello\r\n", b"\r\n", b"x" * LINE_LIMIT])
def test_garbage_is_fatal(line):
    machine = Pop1Client()
    machine.feed(line)
    with pytest.raises(RemoteProtocolError) as caught:
        machine.next_event()
    assert caught.value.fatal
    assert machine.next_event() is PAUSED


def test_an_ok_is_no_length():
    with pytest.raises(RemoteProtocolError, match="no answer to RETR"):
        ask(logged_in(), Retr(), b"+OK\r\n")


def test_a_reply_to_nothing():
    machine = logged_in()
    machine.feed(b"+OK\r\n")
    with pytest.raises(RemoteProtocolError, match="a reply to nothing"):
        machine.next_event()


def test_the_server_goes_away():
    machine = logged_in()
    ask(machine, Retr(), b"#5\r\n")
    assert ask(machine, Rcev(), b"12") == BodyChunk(b"12")
    machine.feed(b"")
    with pytest.raises(RemoteProtocolError, match="inside the mailbox"):
        machine.next_event()
    with pytest.raises(RemoteProtocolError, match="closed the connection"):
        ask(logged_in(), Noop(), b"")
