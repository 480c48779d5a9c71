"""POP2's lines, by RFC 937's Formal Syntax."""

import pytest

from postane.pop2.commands import Ackd, Acks, Fold, Helo, Nack, Quit, Read, Retr, Verb
from postane.pop2.grammar import (
    format_command,
    format_line,
    parse_command,
    parse_greeting,
    parse_line,
    quote,
    split_command,
    unquote,
)
from postane.pop2.replies import Count, Err, Greeting, Length, Ok
from postane.wire.errors import Fault, RemoteProtocolError

PUNCTUATION = "!\"#$%&'()*+,-/:<=>?@[]^_`{|}~"


def parse(line: bytes):
    return parse_command(*split_command(line))


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"HELO Fred Secret", Helo("Fred", "Secret")),
        (b"helo Fred Secret", Helo("Fred", "Secret")),
        (rb"HELO a\ b c\\d", Helo("a b", "c\\d")),
        (rb"HELO a\b c", Helo("ab", "c")),
        (rb"HELO a\\ b", Helo("a\\", "b")),
        (b"HELO  a b", Helo("a", "b")),
        (b"HELO a b c", Helo("a", "b c")),
        (b"HELO a \\ b", Helo("a", " b")),
        (b"HELO a b.c;d", Helo("a", "b.c;d")),
        (f"HELO {PUNCTUATION} {PUNCTUATION}".encode(), Helo(PUNCTUATION, PUNCTUATION)),
        ("HELO gülşen ş".encode(), Helo("gülşen", "ş")),
        (b"HELO a \xff", Helo("a", "\udcff")),
        (b"FOLD /usr/spool/mail/smith", Fold("/usr/spool/mail/smith")),
        (b"FOLD my mail", Fold("my mail")),
        (rb"FOLD my\ mail\\", Fold("my mail\\")),
        (b"READ", Read()),
        (b"READ ", Read()),
        (b"READ 27", Read(27)),
        (b"READ  27", Read(27)),
        (b"RETR", Retr()),
        (b"ACKS", Acks()),
        (b"ACKD", Ackd()),
        (b"NACK", Nack()),
        (b"QUIT", Quit()),
        (b"qUIT ", Quit()),
    ],
)
def test_commands_are_read(line, command):
    assert parse(line) == command


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"", Fault.UNKNOWN_COMMAND),
        (b" QUIT", Fault.UNKNOWN_COMMAND),
        (b"open", Fault.UNKNOWN_COMMAND),
        (b"USER a", Fault.UNKNOWN_COMMAND),
        (b"HELO a\0b c", Fault.SYNTAX),
        (b"HELO", Fault.BAD_ARGUMENT),
        (b"HELO a", Fault.BAD_ARGUMENT),
        (b"HELO a ", Fault.BAD_ARGUMENT),
        (b"HELO  a", Fault.BAD_ARGUMENT),
        (rb"HELO a\ b", Fault.BAD_ARGUMENT),
        (b"HELO a b\\", Fault.BAD_ARGUMENT),
        (b"HELO a\\", Fault.BAD_ARGUMENT),
        (b"HELO \xff b", Fault.BAD_ARGUMENT),
        (b"HELO a\x07 b", Fault.BAD_ARGUMENT),
        (b"HELO a\\\r b", Fault.BAD_ARGUMENT),
        (b"FOLD", Fault.BAD_ARGUMENT),
        (b"FOLD \xff", Fault.BAD_ARGUMENT),
        (b"FOLD a\\", Fault.BAD_ARGUMENT),
        (b"READ one", Fault.BAD_ARGUMENT),
        (b"READ -1", Fault.BAD_ARGUMENT),
        (b"READ 1 2", Fault.BAD_ARGUMENT),
        (b"READ 1000000000000000", Fault.BAD_ARGUMENT),
        ("READ ٣".encode(), Fault.BAD_ARGUMENT),
        (b"RETR 1", Fault.BAD_ARGUMENT),
        (b"ACKD 1", Fault.BAD_ARGUMENT),
        (b"QUIT now", Fault.BAD_ARGUMENT),
    ],
)
def test_what_is_no_command_is_refused(line, fault):
    with pytest.raises(RemoteProtocolError) as caught:
        parse(line)
    assert caught.value.fault is fault


def test_quoting_is_undone():
    assert quote(rb"a b\c") == rb"a\ b\\c"
    assert unquote(rb"a\ b\\c\d") == rb"a b\cd"


@pytest.mark.parametrize(
    "command",
    [
        Helo("", "b"),
        Helo("a", ""),
        Helo("a", "b\r\nQUIT"),
        Helo("a\n", "b"),
        Helo("a", "\0"),
        Fold(""),
        Fold("x" * 600),
    ],
)
def test_what_cannot_be_said_on_one_line_is_not_said(command):
    with pytest.raises(ValueError, match=f"{command.verb}"):
        format_command(command)


def test_the_longest_command_is_512_octets():
    assert len(format_command(Fold("x" * 505))) == 512
    with pytest.raises(ValueError, match="longer than 512"):
        format_command(Fold("x" * 506))


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (Greeting("USC-ISIF.ARPA", "Server"), b"+ POP2 USC-ISIF.ARPA Server\r\n"),
        (Greeting("h"), b"+ POP2 h\r\n"),
        (Ok("OK, bye, bye"), b"+ OK, bye, bye\r\n"),
        (Ok(), b"+\r\n"),
        (Err("no\r\n#2 é\0"), b"- no  #2 ? \r\n".replace(b" \r\n", b"\r\n")),
        (Count(13, "messages for you"), b"#13 messages for you\r\n"),
        (Length(0), b"=0\r\n"),
        (Err("x" * 600), b"- " + b"x" * 508 + b"\r\n"),
    ],
)
def test_reply_lines_are_written(line, written):
    assert format_line(line) == written
    assert len(written) <= 512


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"+ OK", Ok("OK")),
        (b"+OK", Ok("OK")),
        (b"+", Ok()),
        (b"-ERR no", Err("ERR no")),
        (b"- no", Err("no")),
        (b"#13 messages", Count(13, "messages")),
        (b"#0", Count(0)),
        (b"=537 characters", Length(537, "characters")),
        (b"=007", Length(7)),
    ],
)
def test_reply_lines_are_read(line, reply):
    assert parse_line(line) == reply


@pytest.mark.parametrize("line", [b"", b"#", b"=", b"#x", b"=-1", b"# 3", b"220 hello", b"=1000000000000000", b"*"])
def test_what_is_no_reply_is_refused(line):
    with pytest.raises(RemoteProtocolError):
        parse_line(line)


def test_a_greeting_names_protocol_and_host():
    assert parse_greeting(b"+ POP2 h server here") == Greeting("h", "server here")
    assert parse_greeting(b"+ POP2 h") == Greeting("h")


@pytest.mark.parametrize("line", [b"+OK POP3", b"+ POP2", b"+ POP2 ", b"+ pop3 h", b"#3"])
def test_other_greetings_are_refused(line):
    with pytest.raises(RemoteProtocolError):
        parse_greeting(line)


def test_every_verb_has_a_parser():
    for verb in set(Verb) - {Verb.OPEN}:
        assert split_command(verb.encode()) == (verb, b"")
