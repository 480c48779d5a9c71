"""The POP1 server's machine: one command, one reply; a mailbox exactly as long as was told."""

import pytest

from postane.pop1.commands import Command, Pass, Quit, Rcev, Rdel, User
from postane.pop1.replies import Data, Length, err, ok
from postane.pop1.server import Pop1Server
from postane.pop1.states import State
from postane.wire.errors import Fault, LocalProtocolError, RemoteProtocolError
from postane.wire.machine import NEED_DATA, PAUSED, Signal


def say(machine: Pop1Server, octets: bytes) -> Command:
    machine.feed(octets)
    command = machine.next_event()
    assert not isinstance(command, Signal)
    return command


def logged_in() -> Pop1Server:
    machine = Pop1Server()
    machine.send(ok("ready"))
    for line in (b"USER a\r\n", b"PASS b\r\n"):
        say(machine, line)
        machine.send(ok())
    return machine


def receiving(octets: int) -> Pop1Server:
    machine = logged_in()
    say(machine, b"RETR\r\n")
    machine.send(Length(octets))
    assert say(machine, b"RCEV\r\n") == Rcev()
    return machine


def test_nothing_is_read_before_the_greeting():
    machine = Pop1Server()
    machine.feed(b"QUIT\r\n")
    assert machine.next_event() is PAUSED
    assert machine.send(ok("ready")) == b"+OK ready\r\n"
    assert machine.next_event() == Quit()
    assert machine.send(ok()) == b"+OK\r\n"
    assert machine.is_closed
    assert machine.next_event() is PAUSED


def test_a_greeting_that_refuses_closes():
    machine = Pop1Server()
    assert machine.send(err("too many")) == b"-ERR too many\r\n"
    assert machine.is_closed


def test_a_pipeline_is_read_one_reply_at_a_time():
    machine = Pop1Server()
    machine.send(ok())
    assert say(machine, b"USER a\r\nPASS b\r\nRDEL\r\nRCEV\r\nRCVD\r\n") == User("a")
    assert machine.next_event() is PAUSED
    machine.send(ok())
    assert machine.next_event() == Pass("b")
    machine.send(ok())
    assert machine.next_event() == Rdel()
    assert machine.send(Length(3)) == b"#3\r\n"
    assert machine.next_event() == Rcev()
    assert machine.send(Data(b"ab")) + machine.send(Data(b"c")) == b"abc"
    assert machine.state is State.RECEIVED
    assert machine.trailing_data == b"RCVD\r\n"


def test_an_empty_mailbox_is_sent_too():
    machine = receiving(0)
    assert machine.next_event() is PAUSED
    assert machine.send(Data(b"")) == b""
    assert machine.state is State.RECEIVED
    assert machine.next_event() is NEED_DATA


@pytest.mark.parametrize("value", [Data(b""), Data(b"1234"), err("no"), ok(), Length(3)])
def test_nothing_but_the_mailbox_follows_rcev(value):
    machine = receiving(3)
    with pytest.raises(LocalProtocolError):
        machine.send(value)
    assert machine.send(Data(b"123")) == b"123"


@pytest.mark.parametrize("value", [Length(3), Data(b"x")])
def test_only_what_answers_a_verb_is_said_to_it(value):
    machine = logged_in()
    say(machine, b"NOOP\r\n")
    with pytest.raises(LocalProtocolError):
        machine.send(value)
    assert machine.send(ok()) == b"+OK\r\n"


def test_retr_is_not_answered_by_ok():
    machine = logged_in()
    say(machine, b"RETR\r\n")
    with pytest.raises(LocalProtocolError):
        machine.send(ok())
    assert machine.send(err("no such mailbox")) == b"-ERR no such mailbox\r\n"
    assert machine.state is State.TRANSACTION


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"RCEV\r\n", Fault.WRONG_STATE),
        (b"USER a\r\n", Fault.WRONG_STATE),
        (b"STAT\r\n", Fault.UNKNOWN_COMMAND),
        (b"NOOP 1\r\n", Fault.BAD_ARGUMENT),
        (b"NOOP " + b"x" * 600 + b"\r\n", Fault.TOO_LONG),
        (b"\0\r\n", Fault.SYNTAX),
    ],
)
def test_a_mistake_is_answered_and_changes_nothing(line, fault):
    machine = logged_in()
    machine.feed(line + b"QUIT\r\n")
    with pytest.raises(RemoteProtocolError) as caught:
        machine.next_event()
    assert (caught.value.fault, caught.value.fatal) == (fault, False)
    assert machine.next_event() is PAUSED
    with pytest.raises(LocalProtocolError):
        machine.send(ok())
    machine.send(err(caught.value.text))
    assert machine.state is State.TRANSACTION
    assert machine.next_event() == Quit()


def test_replies_out_of_turn_are_a_bug_of_ours():
    machine = logged_in()
    for value in (ok(), err("x"), Data(b"x"), Length(1)):
        with pytest.raises(LocalProtocolError):
            machine.send(value)
