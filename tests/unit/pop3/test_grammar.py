"""POP3's lines: what is read, what is refused, what is written."""

import pytest

from postane.pop3.commands import (
    Apop,
    Auth,
    Capa,
    Command,
    Dele,
    Last,
    List,
    Noop,
    Pass,
    Quit,
    Retr,
    Rpop,
    Top,
    Uidl,
    User,
    Verb,
    Xtnd,
)
from postane.pop3.grammar import (
    REPLY_LIMIT,
    find_stamp,
    format_command,
    format_reply,
    parse_auth_response,
    parse_command,
    parse_reply,
    split_command,
)
from postane.pop3.replies import Reply, err, ok
from postane.wire.errors import Fault, RemoteProtocolError

DIGEST = "c4c9334bac560ecc979e58001b3e22fb"


def read(line: bytes) -> Command:
    return parse_command(*split_command(line))


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"quit", Quit()),
        (b"Noop ", Noop()),
        (b"CAPA", Capa()),
        (b"LAST", Last()),
        (b"RPOP mrose", Rpop("mrose")),
        (b"XTND", Xtnd("")),
        (b"xtnd BBOARDS  general", Xtnd("BBOARDS  general")),
        (b"LIST", List(None)),
        (b"LIST 2", List(2)),
        (b"uidl  3 ", Uidl(3)),
        (b"RETR 0", Retr(0)),  # a number that names nothing: the desk's business
        (b"DELE 0000000001", Dele(1)),
        (b"TOP 1  10", Top(1, 10)),
        (b"USER mrose", User("mrose")),
        ("USER gül@örnek.example".encode(), User("gül@örnek.example")),
        (b"PASS secret", Pass("secret")),
        (b"PASS  two words ", Pass(" two words ")),
        (b"PASS \xff\xfe", Pass("\udcff\udcfe")),
        (b"APOP mrose " + DIGEST.encode(), Apop("mrose", DIGEST)),
        (b"APOP m rose " + DIGEST.upper().encode(), Apop("m rose", DIGEST)),
        (b"AUTH", Auth()),
        (b"AUTH plain", Auth("PLAIN")),
        (b"AUTH PLAIN =", Auth("PLAIN", b"")),
        (b"AUTH PLAIN AGEAYg==", Auth("PLAIN", b"\0a\0b")),
    ],
)
def test_a_command_is_read(line, command):
    assert read(line) == command


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"", Fault.UNKNOWN_COMMAND),
        (b" STAT", Fault.UNKNOWN_COMMAND),
        (b"XYZZY", Fault.UNKNOWN_COMMAND),
        (b"LAST 1", Fault.BAD_ARGUMENT),
        (b"RPOP \xff", Fault.BAD_ARGUMENT),
        (b"STAT:", Fault.UNKNOWN_COMMAND),
        (b"response", Fault.UNKNOWN_COMMAND),
        (b"\xff\xff", Fault.UNKNOWN_COMMAND),
        (b"STAT\0", Fault.SYNTAX),
        (b"STAT 1", Fault.BAD_ARGUMENT),
        (b"RETR", Fault.BAD_ARGUMENT),
        (b"RETR x", Fault.BAD_ARGUMENT),
        (b"RETR -1", Fault.BAD_ARGUMENT),
        (b"RETR +1", Fault.BAD_ARGUMENT),
        (b"RETR 1 2", Fault.BAD_ARGUMENT),
        (b"RETR 1_0", Fault.BAD_ARGUMENT),
        (b"RETR \xd9\xa1", Fault.BAD_ARGUMENT),  # a digit, but not one of ours
        (b"DELE " + b"9" * 11, Fault.BAD_ARGUMENT),
        (b"TOP 1", Fault.BAD_ARGUMENT),
        (b"TOP 1 2 3", Fault.BAD_ARGUMENT),
        (b"USER", Fault.BAD_ARGUMENT),
        (b"USER \xff", Fault.BAD_ARGUMENT),
        (b"USER a\tb", Fault.BAD_ARGUMENT),
        (b"PASS", Fault.BAD_ARGUMENT),
        (b"APOP mrose", Fault.BAD_ARGUMENT),
        (b"APOP mrose c4c9", Fault.BAD_ARGUMENT),
        (b"APOP " + DIGEST.encode(), Fault.BAD_ARGUMENT),
        (b"APOP mrose " + DIGEST[:-1].encode() + b"g", Fault.BAD_ARGUMENT),
        (b"AUTH PLAIN ?", Fault.BAD_ARGUMENT),
        (b"AUTH PLAIN AGEAYg", Fault.BAD_ARGUMENT),
    ],
)
def test_a_bad_line_is_refused(line, fault):
    with pytest.raises(RemoteProtocolError) as caught:
        read(line)
    assert caught.value.fault is fault
    assert not caught.value.fatal


@pytest.mark.parametrize("line", [b"PASS", b"APOP mrose s3cret", b"AUTH PLAIN s3cret?", b"USER s3cret\x01"])
def test_a_refusal_does_not_repeat_what_was_sent(line):
    with pytest.raises(RemoteProtocolError) as caught:
        read(line)
    assert "s3cret" not in str(caught.value.text)


def test_a_sasl_exchange_can_be_cancelled():
    assert parse_auth_response(b"*").octets is None
    assert parse_auth_response(b"").octets == b""
    assert parse_auth_response(b"AGEAYg==").octets == b"\0a\0b"


@pytest.mark.parametrize("command", [User("a\r\nDELE 1"), Pass("a\nb"), Pass("a\0b"), Apop("a\rb", DIGEST)])
def test_a_command_cannot_carry_a_second_one(command):
    with pytest.raises(ValueError, match="holds CR, LF or NUL"):
        format_command(command)


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (ok(), b"+OK\r\n"),
        (ok("2 320"), b"+OK 2 320\r\n"),
        (err("wrong", "AUTH"), b"-ERR [AUTH] wrong\r\n"),
        (err("", "IN-USE"), b"-ERR [IN-USE]\r\n"),
        (err("a\r\nb\0c"), b"-ERR a  b c\r\n"),
    ],
)
def test_a_reply_is_written(reply, line):
    assert format_reply(reply) == line


def test_a_long_reply_is_cut_to_its_limit():
    """RFC 1939 s3."""
    assert len(format_reply(err("x" * 1000, "SYS/TEMP"))) == REPLY_LIMIT


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"+OK", Reply(True)),
        (b"+ok fine", Reply(True, "fine")),
        (b"-ERR [in-use] since noon", Reply(False, "since noon", "IN-USE")),
        (b"-ERR [SYS/TEMP/X] later", Reply(False, "later", "SYS/TEMP/X")),
        (b"-ERR [no code here] later", Reply(False, "[no code here] later")),
    ],
)
def test_a_reply_is_read(line, reply):
    assert parse_reply(line) == reply


@pytest.mark.parametrize("line", [b"", b"+OKAY", b"250 ok", b"-ERROR x", b" +OK"])
def test_what_is_no_reply_ends_the_conversation(line):
    with pytest.raises(RemoteProtocolError) as caught:
        parse_reply(line)
    assert caught.value.fatal


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("POP3 server ready <1896.697170952@dbc.mtview.ca.us>", "<1896.697170952@dbc.mtview.ca.us>"),
        ("<a> ready <1.2=3@b>", "<1.2=3@b>"),
        ("ready", None),
        ("ready <no at sign>", None),
        ("ready <spaces in@it x>", None),
        ("<" + "@" * 60_000, None),  # takes no longer than its length
    ],
)
def test_the_stamp_in_a_greeting(text, stamp):
    assert find_stamp(text) == stamp


def test_every_verb_has_a_parser():
    for verb in Verb:
        try:
            parse_command(verb, b"")
        except RemoteProtocolError as error:
            assert error.fault is Fault.BAD_ARGUMENT
