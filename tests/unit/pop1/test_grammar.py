"""POP1's lines."""

import pytest

from postane.pop1.commands import Noop, Pass, Quit, Rcev, Rcvd, Rdel, Retr, Rset, User, Verb
from postane.pop1.grammar import format_command, format_line, parse_command, parse_line, split_command
from postane.pop1.replies import Length, err, ok
from postane.wire.errors import Fault, RemoteProtocolError


def parse(line: bytes):
    return parse_command(*split_command(line))


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"USER Fred", User("Fred")),
        (b"user  Fred ", User("Fred")),
        ("USER gülşen".encode(), User("gülşen")),
        (b"PASS password", Pass("password")),
        (b"PASS  two words ", Pass(" two words ")),
        (b"PASS \xff", Pass("\udcff")),
        (b"RETR mailbox", Retr("mailbox")),
        (b"RETR my mail", Retr("my mail")),
        (b"RETR", Retr()),
        (b"RETR ", Retr()),
        (b"RDEL mailbox", Rdel("mailbox")),
        (b"RDEL", Rdel()),
        (b"RCEV", Rcev()),
        (b"recv", Rcev()),
        (b"RCVD", Rcvd()),
        (b"NOOP", Noop()),
        (b"RSET", Rset()),
        (b"quit ", Quit()),
    ],
)
def test_commands_are_read(line, command):
    assert parse(line) == command


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"", Fault.UNKNOWN_COMMAND),
        (b"open", Fault.UNKNOWN_COMMAND),
        (b"STAT", Fault.UNKNOWN_COMMAND),
        (b"USER a\0", Fault.SYNTAX),
        (b"USER", Fault.BAD_ARGUMENT),
        (b"USER  ", Fault.BAD_ARGUMENT),
        (b"USER \xff", Fault.BAD_ARGUMENT),
        (b"USER a\x1bb", Fault.BAD_ARGUMENT),
        (b"PASS", Fault.BAD_ARGUMENT),
        (b"RETR \xff", Fault.BAD_ARGUMENT),
        (b"RCEV 1", Fault.BAD_ARGUMENT),
        (b"QUIT now", Fault.BAD_ARGUMENT),
    ],
)
def test_what_is_no_command_is_refused(line, fault):
    with pytest.raises(RemoteProtocolError) as caught:
        parse(line)
    assert caught.value.fault is fault


@pytest.mark.parametrize("command", [User(""), Pass(""), Pass("a\r\nQUIT"), User("a\0"), Retr(""), Rdel("x" * 600)])
def test_what_cannot_be_said_on_one_line_is_not_said(command):
    with pytest.raises(ValueError, match=f"{command.verb}"):
        format_command(command)


def test_the_text_spells_it_rcev():
    assert format_command(Rcev()) == b"RCEV\r\n"


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (ok("ready"), b"+OK ready\r\n"),
        (ok(), b"+OK\r\n"),
        (err("no\r\n+OK é"), b"-ERR no  +OK ?\r\n"),
        (err("x" * 600), b"-ERR " + b"x" * 505 + b"\r\n"),
        (Length(0), b"#0\r\n"),
        (Length(12345678901), b"#12345678901\r\n"),
    ],
)
def test_reply_lines_are_written(line, written):
    assert format_line(line) == written
    assert len(written) <= 512


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"+OK", ok()),
        (b"+ok fine", ok("fine")),
        (b"-ERR no", err("no")),
        (b"-Error", err("Error")),
        (b"+ fine", ok(" fine")),
        (b"#17", Length(17)),
        (b"#17 octets", Length(17)),
    ],
)
def test_reply_lines_are_read(line, reply):
    assert parse_line(line) == reply


@pytest.mark.parametrize("line", [b"", b"#", b"#x", b"# 17", b"#-1", b"17", b"=17", b"#1000000000000000"])
def test_what_is_no_reply_is_refused(line):
    with pytest.raises(RemoteProtocolError):
        parse_line(line)


def test_every_verb_has_a_parser():
    for verb in set(Verb) - {Verb.OPEN}:
        assert split_command(verb.encode()) == (verb, b"")
