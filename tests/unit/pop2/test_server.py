"""The POP2 server's machine: one command, one reply; every error is the end."""

import pytest

from postane.pop2.commands import Acks, Command, Helo, Quit, Read, Retr
from postane.pop2.replies import Count, Data, Err, Greeting, Hangup, Length, Ok
from postane.pop2.server import Pop2Server
from postane.pop2.states import State
from postane.wire.errors import Fault, LocalProtocolError, RemoteProtocolError
from postane.wire.machine import NEED_DATA, PAUSED, Signal


def say(machine: Pop2Server, octets: bytes) -> Command:
    machine.feed(octets)
    command = machine.next_event()
    assert not isinstance(command, Signal)
    return command


def greeted() -> Pop2Server:
    machine = Pop2Server()
    machine.send(Greeting("h"))
    return machine


def retrieving(octets: int = 5) -> Pop2Server:
    machine = greeted()
    for line, reply in ((b"HELO a b\r\n", Count(1)), (b"READ\r\n", Length(octets)), (b"RETR\r\n", None)):
        say(machine, line)
        if reply:
            machine.send(reply)
    return machine


def test_nothing_is_read_before_the_greeting():
    machine = Pop2Server()
    machine.feed(b"QUIT\r\n")
    assert machine.next_event() is PAUSED
    assert machine.send(Greeting("h", "ready")) == b"+ POP2 h ready\r\n"
    assert machine.state is State.AUTH
    assert machine.next_event() == Quit()
    assert machine.send(Ok("bye")) == b"+ bye\r\n"
    assert machine.is_closed
    assert machine.next_event() is PAUSED


def test_a_greeting_that_refuses_closes():
    machine = Pop2Server()
    assert machine.send(Err("too many")) == b"- too many\r\n"
    assert machine.is_closed


def test_a_session_walks_the_table():
    machine = greeted()
    assert say(machine, b"HELO a b\r\nREAD 1\r\nRETR\r\nACKS\r\nQUIT\r\n") == Helo("a", "b")
    assert machine.next_event() is PAUSED
    assert machine.send(Count(1, "messages")) == b"#1 messages\r\n"
    assert machine.next_event() == Read(1)
    assert machine.send(Length(5)) == b"=5\r\n"
    assert machine.state is State.ITEM
    assert machine.next_event() == Retr()
    assert machine.send(Data(b"ab")) == b"ab"
    assert machine.next_event() is PAUSED, "the message is not complete"
    assert machine.send(Data(b".\r\n")) == b".\r\n"
    assert machine.state is State.NEXT
    assert machine.next_event() == Acks()
    machine.send(Length(0))
    assert machine.trailing_data == b"QUIT\r\n"
    assert machine.next_event() == Quit()


@pytest.mark.parametrize("octets", [b"", b"123456"])
def test_a_message_is_as_long_as_was_told(octets):
    with pytest.raises(LocalProtocolError):
        retrieving().send(Data(octets))


def test_a_message_is_never_longer_than_was_told():
    machine = retrieving()
    machine.send(Data(b"1234"))
    with pytest.raises(LocalProtocolError):
        machine.send(Data(b"56"))


@pytest.mark.parametrize("value", [Err("no"), Ok(), Length(5), Count(1)])
@pytest.mark.parametrize("is_begun", [False, True])
def test_after_retr_no_line_could_be_told_from_the_message(value, is_begun):
    machine = retrieving()
    if is_begun:
        machine.send(Data(b"1"))
    with pytest.raises(LocalProtocolError):
        machine.send(value)
    assert machine.send(Hangup()) == b""
    assert machine.is_closed


def test_nothing_is_sent_where_there_is_no_message():
    machine = retrieving(0)
    with pytest.raises(LocalProtocolError):
        machine.send(Data(b"x"))
    machine.send(Hangup())
    assert machine.next_event() is PAUSED


def test_a_new_mailbox_forgets_the_length():
    machine = greeted()
    for line, reply in (
        (b"HELO a b\r\n", Count(1)),
        (b"READ\r\n", Length(5)),
        (b"FOLD x\r\n", Count(1)),
        (b"READ\r\n", Length(0)),
    ):
        say(machine, line)
        machine.send(reply)
    say(machine, b"RETR\r\n")
    with pytest.raises(LocalProtocolError):
        machine.send(Data(b"12345"))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"RETR\r\n", Fault.WRONG_STATE),
        (b"ACKS\r\n", Fault.WRONG_STATE),
        (b"NOOP\r\n", Fault.UNKNOWN_COMMAND),
        (b"HELO a\r\n", Fault.BAD_ARGUMENT),
        (b"HELO " + b"x" * 600, Fault.TOO_LONG),
        (b"\r\n", Fault.UNKNOWN_COMMAND),
        (b"\0\r\n", Fault.SYNTAX),
    ],
)
def test_garbage_is_answered_once_and_is_the_end(line, fault):
    machine = greeted()
    machine.feed(line + b"QUIT\r\n")
    with pytest.raises(RemoteProtocolError) as caught:
        machine.next_event()
    assert (caught.value.fault, caught.value.fatal) == (fault, True)
    assert machine.next_event() is PAUSED
    with pytest.raises(LocalProtocolError):
        machine.send(Ok("never mind"))
    assert machine.send(Err("garbage")) == b"- garbage\r\n"
    assert machine.is_closed
    assert machine.next_event() is PAUSED
    with pytest.raises(LocalProtocolError):
        machine.send(Err("again"))


def test_the_longest_command_is_512_octets():
    machine = greeted()
    assert say(machine, b"HELO a " + b"x" * 503 + b"\r\n") == Helo("a", "x" * 503)
    machine = greeted()
    machine.feed(b"HELO a " + b"x" * 504 + b"\r\n")
    with pytest.raises(RemoteProtocolError, match="too long"):
        machine.next_event()


@pytest.mark.parametrize("value", [Ok(), Length(1), Data(b"x"), Greeting("h")])
def test_only_what_answers_a_verb_is_said_to_it(value):
    machine = greeted()
    say(machine, b"HELO a b\r\n")
    with pytest.raises(LocalProtocolError):
        machine.send(value)
    assert machine.send(Count(2)) == b"#2\r\n"


def test_replies_out_of_turn_are_a_bug_of_ours():
    machine = greeted()
    for value in (Ok(), Err("x"), Hangup(), Greeting("h")):
        with pytest.raises(LocalProtocolError):
            machine.send(value)
    assert machine.next_event() is NEED_DATA


def test_a_refused_login_closes():
    machine = greeted()
    say(machine, b"HELO a b\r\nHELO a c\r\n")
    machine.send(Err("no"))
    assert machine.next_event() is PAUSED
