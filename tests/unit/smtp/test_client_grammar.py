"""Commands into lines, replies out of lines."""

import pytest

from postane.mail.address import Address
from postane.mail.envelope import BodyType, Envelope
from postane.smtp.client_grammar import (
    Extensions,
    ReplyLine,
    format_command,
    join_reply,
    parse_extensions,
    parse_reply_line,
)
from postane.smtp.commands import (
    Auth,
    AuthResponse,
    Command,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    Lhlo,
    Mail,
    Rcpt,
    Vrfy,
    Xclient,
)
from postane.smtp.replies import Reply
from postane.wire.errors import LocalProtocolError, RemoteProtocolError


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (Helo("a.b"), b"HELO a.b"),
        (Ehlo("[127.0.0.1]"), b"EHLO [127.0.0.1]"),
        (Lhlo("x"), b"LHLO x"),
        (Mail(Envelope(None)), b"MAIL FROM:<>"),
        (
            Mail(Envelope(Address("é", "x.y"), (), 77, BodyType.EIGHT_BIT, True)),
            "MAIL FROM:<é@x.y> SIZE=77 BODY=8BITMIME SMTPUTF8".encode(),
        ),
        (Rcpt(Address("a b", "c.d")), b'RCPT TO:<"a b"@c.d>'),
        (Data(), b"DATA"),
        (Auth("PLAIN"), b"AUTH PLAIN"),
        (Auth("PLAIN", b""), b"AUTH PLAIN ="),
        (Auth("PLAIN", b"\0a\0b"), b"AUTH PLAIN AGEAYg=="),
        (AuthResponse(b""), b""),
        (AuthResponse(None), b"*"),
        (Help(""), b"HELP"),
        (Vrfy("anna"), b"VRFY anna"),
        (Expn("list"), b"EXPN list"),
    ],
)
def test_commands(command: Command, line: bytes) -> None:
    assert format_command(command) == line + b"\r\n"


@pytest.mark.parametrize("command", [Ehlo("a\r\nDATA"), Vrfy("a\nb"), Rcpt(Address("a\rb", "c")), Xclient()])
def test_what_is_not_one_line_is_not_said(command: Command) -> None:
    with pytest.raises(LocalProtocolError):
        format_command(command)


def test_lines_of_a_reply() -> None:
    assert parse_reply_line(b"250-a b") == ReplyLine(250, b"a b", False)
    assert parse_reply_line(b"250 ") == parse_reply_line(b"250") == ReplyLine(250, b"", True)
    for line in (b"", b"abc", b"199 x", b"600 x", b"250_x", b"-250"):
        with pytest.raises(RemoteProtocolError):
            parse_reply_line(line)


def test_enhanced_codes_are_taken_off_where_they_fit() -> None:
    lines = [ReplyLine(550, b"5.1.1 no such", False), ReplyLine(550, b"5.1.1 mailbox", True)]
    assert join_reply(lines) == Reply(550, "5.1.1", ("no such", "mailbox"))
    assert join_reply([ReplyLine(550, b"4.1.1 odd", True)]) == Reply(550, "", ("4.1.1 odd",))
    assert join_reply([ReplyLine(250, b"2.0.0", True)]) == Reply(250, "2.0.0", ("",))
    assert join_reply([ReplyLine(250, b"2.0.0x", True)]).enhanced == ""
    assert join_reply([ReplyLine(250, b"\xff", True)]).lines == ("\ufffd",)


def test_extensions() -> None:
    said = Reply(
        250, "", ("SIZE 1", "SIZE 1000", "pipelining", "AUTH PLAIN login", "AUTH=LOGIN XX", "", "?", "8BITMIME")
    )
    offered = parse_extensions(said)
    assert set(offered.words) == {"SIZE", "PIPELINING", "AUTH", "8BITMIME"}
    assert "PIPELINING" in offered
    assert offered.size == 1000
    assert offered.mechanisms == ("PLAIN", "LOGIN", "LOGIN", "XX")


@pytest.mark.parametrize("word", ["0", "", "x", "9" * 21, "²"])
def test_no_limit_of_size(word: str) -> None:
    assert Extensions({"SIZE": (word,)}).size is None
    assert Extensions().size is None
