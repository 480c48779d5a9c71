"""The POP2 client's machine: what a state waits for, and QUIT to everything else."""

import pytest

from postane.pop2.client import LINE_LIMIT, Answer, BodyChunk, BodyEnd, Greeted, Pop2Client
from postane.pop2.commands import Ackd, Acks, Command, Fold, Helo, Nack, Quit, Read, Retr
from postane.pop2.replies import Count, Err, Greeting, Length, Ok
from postane.pop2.states import ClientState
from postane.wire.errors import LocalProtocolError, RemoteProtocolError
from postane.wire.machine import NEED_DATA, PAUSED


def greeted() -> Pop2Client:
    machine = Pop2Client()
    machine.feed(b"+ POP2 h ready\r\n")
    assert machine.next_event() == Greeted(Greeting("h", "ready"))
    return machine


def ask(machine: Pop2Client, command: Command, octets: bytes):
    machine.send(command)
    machine.feed(octets)
    return machine.next_event()


def sized() -> Pop2Client:
    machine = greeted()
    ask(machine, Helo("a", "b"), b"#1\r\n")
    assert ask(machine, Read(), b"=5\r\n") == Answer(Read(), Length(5))
    return machine


def test_a_whole_session():
    machine = greeted()
    assert machine.send(Helo("a b", "c")) == b"HELO a\\ b c\r\n"
    assert machine.next_event() is NEED_DATA
    machine.feed(b"#2 mess")
    assert machine.next_event() is NEED_DATA
    machine.feed(b"ages\r\n")
    assert machine.next_event() == Answer(Helo("a b", "c"), Count(2, "messages"))
    assert ask(machine, Fold("x"), b"#1\r\n") == Answer(Fold("x"), Count(1))
    assert ask(machine, Read(1), b"=5\r\n") == Answer(Read(1), Length(5))
    assert ask(machine, Retr(), b"- x") == BodyChunk(b"- x")
    assert machine.next_event() is NEED_DATA
    machine.feed(b"\r\n=3\r\n")
    assert machine.next_event() == BodyChunk(b"\r\n")
    assert machine.next_event() == BodyEnd()
    assert machine.state is ClientState.XFER
    assert machine.trailing_data == b"=3\r\n"


def test_acknowledgments():
    for command in (Acks(), Ackd(), Nack()):
        machine = sized()
        ask(machine, Retr(), b"12345")
        assert machine.next_event() == BodyEnd()
        assert ask(machine, command, b"=3 more\r\n") == Answer(command, Length(3, "more"))
        assert machine.state is ClientState.SIZE
        assert ask(machine, Retr(), b"123") == BodyChunk(b"123")


def test_quit_is_the_end():
    machine = sized()
    assert ask(machine, Quit(), b"+ bye\r\nmore\r\n") == Answer(Quit(), Ok("bye"))
    assert machine.state is ClientState.EXIT
    assert machine.next_event() is PAUSED
    with pytest.raises(LocalProtocolError):
        machine.send(Quit())


def test_one_command_at_a_time():
    machine = greeted()
    machine.send(Helo("a", "b"))
    with pytest.raises(LocalProtocolError):
        machine.send(Read())


@pytest.mark.parametrize("command", [Retr(), Acks(), Read(), Fold("x")])
def test_a_state_has_its_verbs(command):
    with pytest.raises(LocalProtocolError, match="in CALL"):
        greeted().send(command)


def test_nothing_is_asked_for_that_is_not_there():
    """RFC 937, READ: do not attempt to RETR a message of zero characters."""
    machine = greeted()
    ask(machine, Helo("a", "b"), b"#1\r\n")
    ask(machine, Read(), b"=0\r\n")
    with pytest.raises(LocalProtocolError, match="no message"):
        machine.send(Retr())
    assert machine.send(Read(1)) == b"READ 1\r\n"


def test_a_refusal_is_the_end():
    machine = greeted()
    assert ask(machine, Helo("a", "b"), b"- no\r\n") == Answer(Helo("a", "b"), Err("no"))
    assert machine.state is ClientState.EXIT
    assert machine.next_event() is PAUSED
    with pytest.raises(LocalProtocolError):
        machine.send(Quit())


def test_a_greeting_that_refuses():
    machine = Pop2Client()
    machine.feed(b"- too many\r\n")
    assert machine.next_event() == Greeted(Err("too many"))
    assert machine.next_event() is PAUSED


@pytest.mark.parametrize("line", [b"+ POP3 h\r\n", b"#3\r\n", b"=3\r\n", b"220 x\r\n", b"x" * LINE_LIMIT])
def test_garbage_for_a_greeting_is_answered_by_quit(line):
    machine = Pop2Client()
    machine.feed(line)
    with pytest.raises(RemoteProtocolError) as caught:
        machine.next_event()
    assert caught.value.fatal
    assert machine.send(Quit()) == b"QUIT\r\n"
    assert machine.state is ClientState.EXIT
    assert machine.next_event() is PAUSED


@pytest.mark.parametrize("line", [b"+ ok\r\n", b"=3\r\n", b"hello\r\n"])
def test_garbage_for_a_count_is_answered_by_quit(line):
    machine = greeted()
    with pytest.raises(RemoteProtocolError, match=r"no answer to HELO|a reply begins"):
        ask(machine, Helo("a", "b"), line)
    assert machine.send(Quit()) == b"QUIT\r\n"


def test_a_message_that_is_not_wanted_any_more():
    machine = sized()
    ask(machine, Retr(), b"12")
    assert machine.send(Quit()) == b"QUIT\r\n"
    machine.feed(b"345\r\n")
    assert machine.next_event() is PAUSED


def test_a_reply_to_nothing():
    machine = sized()
    machine.feed(b"=9\r\n")
    with pytest.raises(RemoteProtocolError, match="a reply to nothing"):
        machine.next_event()


def test_the_server_goes_away():
    machine = sized()
    assert ask(machine, Retr(), b"12") == BodyChunk(b"12")
    machine.feed(b"")
    with pytest.raises(RemoteProtocolError, match="inside a message"):
        machine.next_event()
    machine = greeted()
    with pytest.raises(RemoteProtocolError, match="closed the connection"):
        ask(machine, Helo("a", "b"), b"")


def test_a_server_that_goes_away_after_the_last_word_is_heard():
    machine = sized()
    ask(machine, Retr(), b"12345")
    machine.feed(b"")
    assert machine.next_event() == BodyEnd()
