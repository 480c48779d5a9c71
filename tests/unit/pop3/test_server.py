"""The POP3 server's machine: one command, one reply, and what must never happen between them."""

import pytest

from postane.pop3.commands import Auth, AuthResponse, Capa, Command, Noop, Pass, Quit, Retr, Stat, Stls, User
from postane.pop3.grammar import SASL_LIMIT
from postane.pop3.languages import ENGLISH
from postane.pop3.replies import Challenge, Chunk, Closing, Listing, Message, Opening, Speak, err, ok
from postane.pop3.server import Pop3Server
from postane.pop3.states import State
from postane.wire.errors import Fault, LocalProtocolError, RemoteProtocolError
from postane.wire.machine import NEED_DATA, PAUSED, Signal
from postane.wire.phrases import Tongue


def greeted() -> Pop3Server:
    machine = Pop3Server()
    machine.send(ok("ready"))
    return machine


def logged_in() -> Pop3Server:
    machine = greeted()
    for command in (b"USER mrose\r\n", b"PASS x\r\n"):
        say(machine, command)
        machine.send(ok())
    return machine


def say(machine: Pop3Server, octets: bytes) -> Command:
    machine.feed(octets)
    command = machine.next_event()
    assert not isinstance(command, type(NEED_DATA))
    return command


def test_nothing_is_read_before_the_greeting():
    machine = Pop3Server()
    machine.feed(b"QUIT\r\n")
    assert machine.next_event() is PAUSED
    assert machine.send(ok("ready")) == b"+OK ready\r\n"
    assert machine.next_event() == Quit()


def test_a_greeting_that_refuses_closes():
    machine = Pop3Server()
    assert machine.send(err("too many connections", "SYS/TEMP")) == b"-ERR [SYS/TEMP] too many connections\r\n"
    assert machine.is_closed
    assert machine.next_event() is PAUSED


def test_a_pipeline_is_read_one_reply_at_a_time():
    machine = logged_in()
    assert say(machine, b"STAT\r\nRETR 1\r\nNOOP\r\n") == Stat()
    assert machine.next_event() is PAUSED
    machine.send(ok("1 5"))
    assert machine.next_event() == Retr(1)
    machine.send(Opening("message follows"))
    assert machine.next_event() is PAUSED, "the reply is not complete yet"
    machine.send(Closing())
    assert machine.next_event() == Noop()
    machine.send(ok())
    assert machine.next_event() is NEED_DATA


def test_a_login_walks_the_chart():
    machine = greeted()
    assert machine.state is State.AUTHORIZATION
    assert say(machine, b"USER mrose\r\n") == User("mrose")
    machine.send(ok())
    assert machine.state is State.PASSWORD
    assert say(machine, b"PASS secret\r\n") == Pass("secret")
    machine.send(err("wrong", "AUTH"))
    assert machine.state is State.AUTHORIZATION


@pytest.mark.parametrize(
    ("line", "words"),
    [(b"STAT\r\n", "STAT is not possible now: log in first"), (b"PASS x\r\n", "PASS is not possible now: USER first")],
)
def test_what_is_not_allowed_now_is_answered_and_changes_nothing(line, words):
    machine = greeted()
    machine.feed(line)
    with pytest.raises(RemoteProtocolError, match=words) as caught:
        machine.next_event()
    assert caught.value.fault is Fault.WRONG_STATE
    assert machine.next_event() is PAUSED
    machine.send(err(caught.value.text))
    assert machine.state is State.AUTHORIZATION
    assert machine.next_event() is NEED_DATA


def test_bodies_are_stuffed_where_they_need_it():
    for value, sent in (
        (Message("m", b".a\r\n.\r\n"), b"+OK m\r\n..a\r\n..\r\n.\r\n"),
        (Message("m", b"a\r\n", is_dotted=False), b"+OK m\r\na\r\n.\r\n"),
        (Message("m", b"", is_dotted=False), b"+OK m\r\n.\r\n"),
        (Message("m", b"a", is_dotted=False), b"+OK m\r\na\r\n.\r\n"),
        (Listing("l", b"1 5\r\n"), b"+OK l\r\n1 5\r\n.\r\n"),
    ):
        machine = logged_in()
        say(machine, b"RETR 1\r\n")
        assert machine.send(value) == sent


def test_a_body_in_chunks_is_the_same_octets():
    machine = logged_in()
    say(machine, b"RETR 1\r\n")
    values = (Opening("m"), Chunk(b"a\r"), Chunk(b"\n"), Chunk(b".b\r\n"), Closing())
    assert b"".join(machine.send(value) for value in values) == b"+OK m\r\na\r\n..b\r\n.\r\n"


def test_replies_out_of_turn_are_a_bug_of_ours():
    machine = logged_in()
    for value in (ok(), Chunk(b"a"), Closing()):
        with pytest.raises(LocalProtocolError):
            machine.send(value)
    say(machine, b"RETR 1\r\n")
    for value in (Chunk(b"a"), Closing()):
        with pytest.raises(LocalProtocolError):
            machine.send(value)
    machine.send(Opening("m"))
    for value in (ok(), Opening("m"), Listing("l", b"")):
        with pytest.raises(LocalProtocolError):
            machine.send(value)


def test_an_exchange_of_auth():
    machine = greeted()
    assert say(machine, b"AUTH LOGIN\r\n") == Auth("LOGIN")
    assert machine.send(Challenge(b"Username:")) == b"+ VXNlcm5hbWU6\r\n"
    assert say(machine, b"bXJvc2U=\r\n") == AuthResponse(b"mrose")
    machine.send(ok())
    assert machine.state is State.TRANSACTION


@pytest.mark.parametrize("line", [b"?\r\n", b"x" * (SASL_LIMIT + 1) + b"\r\n"])
def test_a_response_that_cannot_be_read_ends_the_exchange(line):
    """RFC 5034 s4; what follows is a command again."""
    machine = greeted()
    say(machine, b"AUTH PLAIN\r\n")
    machine.send(Challenge(b""))
    machine.feed(line + b"CAPA\r\n")
    with pytest.raises(RemoteProtocolError):
        machine.next_event()
    machine.send(err("no"))
    assert machine.state is State.AUTHORIZATION
    assert machine.next_event() == Capa()


def test_auth_for_the_list_logs_nobody_in():
    machine = greeted()
    say(machine, b"AUTH\r\n")
    machine.send(Listing("mechanisms", b"PLAIN\r\n"))
    assert machine.state is State.AUTHORIZATION


def test_a_long_auth_line_is_taken_and_the_next_command_is_not():
    machine = greeted()
    machine.feed(b"AUTH PLAIN " + b"A" * 4000 + b"\r\nUSER " + b"A" * 4000 + b"\r\n")
    assert machine.next_event() == Auth("PLAIN", bytes(3000))
    machine.send(err("no"))
    with pytest.raises(RemoteProtocolError, match="line too long"):
        machine.next_event()


def next_or_error(machine: Pop3Server) -> Command | Signal | str:
    try:
        return machine.next_event()
    except RemoteProtocolError as error:
        return error.text


@pytest.mark.parametrize("step", [1, 1000, 100_000])
def test_the_line_after_an_overlong_auth_line_has_its_own_limit(step):
    machine = greeted()
    octets = b"AUTH " + b"A" * (SASL_LIMIT + 10) + b"\r\nUSER " + b"x" * 300 + b"\r\nCAPA\r\n"
    seen: list[object] = []
    for at in range(0, len(octets), step):
        machine.feed(octets[at : at + step])
        while (event := next_or_error(machine)) is not NEED_DATA:
            seen.append(event)
            machine.send(err("no"))
    assert seen == ["line too long", "line too long", Capa()]


def test_nothing_sent_before_the_handshake_is_obeyed_after_it():
    """RFC 2595 s4."""
    machine = greeted()
    assert say(machine, b"STLS\r\nUSER evil\r\n") == Stls()
    with pytest.raises(RemoteProtocolError) as caught:
        machine.send(ok("begin"))
    assert caught.value.fault is Fault.EARLY_DATA
    assert caught.value.fatal
    assert machine.is_closed
    assert machine.next_event() is PAUSED


def test_after_the_last_word_nothing_is_read():
    machine = logged_in()
    assert say(machine, b"QUIT\r\nSTAT\r\n") == Quit()
    assert machine.state is State.UPDATE
    machine.send(err("some deleted messages not removed", "SYS/TEMP"))
    assert machine.is_closed
    assert machine.next_event() is PAUSED
    assert machine.trailing_data == b"STAT\r\n"


TURKISH = Tongue(
    "tr", "Türkçe", lambda one, many, count: {"hello": "selam", "{count} octet": "{count} sekizli"}.get(one, one)
)


def test_a_language_holds_from_its_own_reply_on():
    """RFC 6856 s3.2."""
    machine = logged_in()
    say(machine, b"LANG tr\r\n")
    assert machine.send(Speak(TURKISH, "hello")) == b"+OK tr selam\r\n"
    say(machine, b"RETR 1\r\n")
    assert machine.send(Message(3, b"a\r\n")) == b"+OK 3 sekizli\r\na\r\n.\r\n"
    say(machine, b"RETR 1\r\n")
    assert machine.send(Opening(3)) == b"+OK 3 sekizli\r\n"
    with pytest.raises(LocalProtocolError):
        machine.send(Speak(TURKISH, "hello"))
    machine.send(Chunk(b"a\r\n"))
    machine.send(Closing())
    say(machine, b"LANG en\r\n")
    assert machine.send(Speak(ENGLISH, "hello")) == b"+OK en hello\r\n"
    say(machine, b"RETR 1\r\n")
    assert machine.send(Message(3, b"a\r\n")) == b"+OK 3 octets\r\na\r\n.\r\n"
    assert machine.state is State.TRANSACTION
