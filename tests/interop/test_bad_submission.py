"""Bad manners towards SMTP and LMTP, over real sockets: clear refusals, nothing half stored, nothing smuggled in."""

import re
import socket

import pytest

from support.corpus import check_stored, corpus, letter
from support.post import count, read_all
from support.talk import Talk
from support.victim import Victim

pytestmark = pytest.mark.interop

MIB = 1024 * 1024
DOORS = pytest.mark.parametrize("door", ["smtp", "lmtp"])
HELLO = {"smtp": b"EHLO client.test", "lmtp": b"LHLO client.test"}


def _connect(victim: Victim, door: str = "smtp") -> Talk:
    """A connection after the greeting of both sides."""
    talk = Talk(victim.office.address(door), greeting=False)
    assert talk.reply()[0].startswith(b"220 postane.test")
    talk.send(HELLO[door] + b"\r\n")
    assert talk.reply()[0].startswith(b"250")
    return talk


def _ask(talk: Talk, command: bytes) -> bytes:
    talk.send(command + b"\r\n")
    return talk.reply()[-1]


def _envelope(talk: Talk, victim: Victim) -> None:
    assert _ask(talk, b"MAIL FROM:<ali@sender.test>").startswith(b"250")
    assert _ask(talk, b"RCPT TO:<%s>" % victim.mailbox.address.encode()).startswith(b"250")


def _data(victim: Victim, message: bytes, door: str = "smtp") -> bytes:
    """The reply to a message sent as it is; the connection works afterwards."""
    with _connect(victim, door) as talk:
        _envelope(talk, victim)
        assert _ask(talk, b"DATA").startswith(b"354")
        talk.send(message + b"\r\n.\r\n")
        answer = talk.reply()[-1]
        assert _ask(talk, b"NOOP").startswith(b"250")
        assert _ask(talk, b"QUIT").startswith(b"221")
        assert talk.ends()
    return answer


BARE = {
    "a bare LF": b"one\ntwo",
    "a bare CR": b"one\rtwo",
    "LF at the end": b"one\n",
    "CR CR LF": b"one\r\r\ntwo",
    "LF CR": b"one\n\rtwo",
    "CR before the end": b"one\r",
}


@DOORS
@pytest.mark.parametrize("body", BARE.values(), ids=BARE)
def test_bare_line_ends_are_refused(victim: Victim, door: str, body: bytes) -> None:
    assert _data(victim, letter("bare", body), door).startswith(b"550 5.6.0 ")


SMUGGLED = b"MAIL FROM:<evil@sender.test>\r\nRCPT TO:<%s>\r\nDATA\r\nSubject: smuggled\r\n\r\nin"
FALSE_ENDS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r.\r\n",
    b"\n.\r",
    b"\r\n\0.\r\n",
    b"\r\r\n.\n",
]


@DOORS
@pytest.mark.parametrize("end", FALSE_ENDS, ids=[repr(end)[2:-1] for end in FALSE_ENDS])
def test_nothing_is_smuggled_behind_a_false_end(victim: Victim, door: str, end: bytes) -> None:
    """One message, one reply; with a bare line end in it none is stored, and the commands in it are not obeyed."""
    box = victim.office.fresh()
    body = letter("smuggler", b"hello" + end + SMUGGLED % box.address.encode())
    answer = _data(victim, body, door)
    if re.search(rb"\r(?!\n)|(?<!\r)\n", body):
        assert answer.startswith(b"550 5.6.0 ")
    else:
        assert answer.startswith(b"250")
        _take_last(victim)
    assert count(victim.office, box) == 0


def _take_last(victim: Victim) -> bytes:
    """Read and delete the newest message of the victim's."""
    with victim.log_in() as talk:
        number = int(talk.ask(b"STAT").split()[1])
        assert talk.ask(b"RETR %d" % number).startswith(b"+OK")
        message = talk.body()
        assert talk.ask(b"DELE %d" % number).startswith(b"+OK")
        assert talk.ask(b"QUIT").startswith(b"+OK")
    return message


def test_bare_line_end_in_a_chunk_is_refused(victim: Victim) -> None:
    with _connect(victim) as talk:
        _envelope(talk, victim)
        talk.send(b"BDAT 5 LAST\r\na\nb\r\n")
        assert talk.reply()[-1].startswith(b"550 5.6.0 ")
        assert _ask(talk, b"NOOP").startswith(b"250")


@DOORS
def test_too_long_a_line(victim: Victim, door: str) -> None:
    assert _data(victim, letter("long", b"x" * MIB), door)[:4] in (b"500 ", b"550 ", b"554 ")


@DOORS
def test_a_mebibyte_of_command(victim: Victim, door: str) -> None:
    with _connect(victim, door) as talk:
        assert _ask(talk, b"A" * MIB).startswith(b"500 5.5.")
        assert _ask(talk, b"NOOP").startswith(b"250")


@pytest.mark.parametrize("command", [b"HULLO", b"", b"MAIL", b"\0", b"\xff\xff", b"STARTTLS now", b"AUTH X"])
def test_unknown_command(victim: Victim, command: bytes) -> None:
    with _connect(victim) as talk:
        assert _ask(talk, command)[:2] in (b"50", b"55")
        assert _ask(talk, b"NOOP").startswith(b"250")


def test_a_chunk_of_unknown_size_ends_the_session(victim: Victim) -> None:
    """What follows may be data: nothing after it can be taken for a command."""
    with _connect(victim) as talk:
        _envelope(talk, victim)
        talk.send(b"BDAT x\r\nQUIT\r\n")
        assert talk.reply()[-1].startswith(b"501 ")
        assert talk.ends()


@pytest.mark.parametrize("command", [b"RCPT TO:<%s>", b"DATA", b"BDAT 0 LAST"])
def test_wrong_order(victim: Victim, command: bytes) -> None:
    with _connect(victim) as talk:
        to = victim.mailbox.address.encode()
        assert _ask(talk, command % to if b"%" in command else command).startswith(b"503 5.5.1")
        assert _ask(talk, b"NOOP").startswith(b"250")


def test_data_without_a_good_recipient(victim: Victim) -> None:
    with _connect(victim) as talk:
        assert _ask(talk, b"MAIL FROM:<>").startswith(b"250")
        assert _ask(talk, b"RCPT TO:<nobody@postane.test>").startswith(b"550 5.1.1")
        assert _ask(talk, b"DATA")[:4] in (b"503 ", b"554 ")
        assert _ask(talk, b"NOOP").startswith(b"250")


@pytest.mark.parametrize(
    "address",
    [
        "x@elsewhere.test",
        "victim%elsewhere.test@elsewhere.test",
        "@postane.test:x@elsewhere.test",
        '"a b"@elsewhere.test',
    ],
)
def test_no_relay(victim: Victim, address: str) -> None:
    with _connect(victim) as talk:
        assert _ask(talk, b"MAIL FROM:<ali@sender.test>").startswith(b"250")
        assert _ask(talk, f"RCPT TO:<{address}>".encode()).startswith(b"550 5.7.1 ")


@pytest.mark.parametrize(
    "path", [b"no brackets", b"<unclosed@x", b"<a@b>junk", b"<@>", b"<a\0b@postane.test>", b"<a@b@c>"]
)
def test_bad_paths(victim: Victim, path: bytes) -> None:
    with _connect(victim) as talk:
        assert _ask(talk, b"MAIL FROM:" + path)[:2] in (b"50", b"55")
        assert _ask(talk, b"MAIL FROM:<ali@sender.test>").startswith(b"250")
        assert _ask(talk, b"RCPT TO:" + path)[:2] in (b"50", b"55")


def test_vrfy_reveals_nothing(victim: Victim) -> None:
    with _connect(victim) as talk:
        here = _ask(talk, b"VRFY " + victim.mailbox.name.encode())
        assert here.startswith(b"252 ")
        assert _ask(talk, b"VRFY no-such-user") == here


@DOORS
def test_announced_too_large(victim: Victim, door: str) -> None:
    with _connect(victim, door) as talk:
        assert _ask(talk, b"MAIL FROM:<ali@sender.test> SIZE=999999999999").startswith(b"552 5.3.4 ")


@DOORS
def test_too_large_without_saying_so(victim: Victim, door: str) -> None:
    """Drained and refused; 50 MB is the limit where the configuration says nothing."""
    answer = _data(victim, letter("large", (b"y" * 998 + b"\r\n") * (51 * 1024 * 1024 // 1000 + 3000)), door)
    assert answer.startswith(b"552 5.3.4 ")


@DOORS
def test_vanished_inside_data(victim: Victim, door: str) -> None:
    for part in (corpus()[0].octets, b"Subject: x\r\n\r\n" + b"z" * 70 + b"\r\n" * 40_000, b"end\r\n.\r"):
        with _connect(victim, door) as talk:
            _envelope(talk, victim)
            assert _ask(talk, b"DATA").startswith(b"354")
            talk.send(part)
    with _connect(victim) as talk:
        _envelope(talk, victim)
        talk.send(b"BDAT 500 LAST\r\nhalf")


def test_half_closed_after_the_message(victim: Victim) -> None:
    with _connect(victim) as talk:
        _envelope(talk, victim)
        assert _ask(talk, b"DATA").startswith(b"354")
        talk.send(corpus()[0].octets + b".\r\nQUIT\r\n")
        talk.socket.shutdown(socket.SHUT_WR)
        assert talk.reply()[-1].startswith(b"250")
        assert talk.reply()[-1].startswith(b"221")
        assert talk.ends()
    check_stored(_take_last(victim), corpus()[0])


def test_everything_in_one_packet(victim: Victim) -> None:
    """RFC 2920: DATA is the last of its batch, what follows it waits."""
    with _connect(victim) as talk:
        to = victim.mailbox.address.encode()
        talk.send(b"MAIL FROM:<ali@sender.test>\r\nRCPT TO:<%s>\r\nRCPT TO:<x@elsewhere.test>\r\nDATA\r\n" % to)
        talk.send(corpus()[0].octets + b".\r\nRSET\r\nQUIT\r\n")
        assert [talk.reply()[-1][:3] for _ in range(7)] == [b"250", b"250", b"550", b"354", b"250", b"250", b"221"]
    check_stored(_take_last(victim), corpus()[0])


def test_pipelined_data_without_recipients_is_no_message(victim: Victim) -> None:
    """RFC 2920 s3.1: when no recipient was good the batch's message must not be read as commands."""
    with _connect(victim) as talk:
        talk.send(b"MAIL FROM:<ali@sender.test>\r\nRCPT TO:<x@elsewhere.test>\r\nDATA\r\n")
        codes = [talk.reply()[-1][:3] for _ in range(3)]
        assert codes[:2] == [b"250", b"550"]
        assert codes[2] in (b"503", b"554")


@DOORS
def test_mail_going_in_circles(victim: Victim, door: str) -> None:
    hops = b"".join(b"Received: from a%d.test by b.test; Sun, 22 Nov 2026 10:00:00 +0000\r\n" % n for n in range(101))
    assert _data(victim, hops + letter("loop"), door).startswith(b"554 5.4.6 ")


def test_lmtp_answers_each_recipient(victim: Victim) -> None:
    other = victim.office.fresh()
    with _connect(victim, "lmtp") as talk:
        assert _ask(talk, b"MAIL FROM:<ali@sender.test>").startswith(b"250")
        for address, code in ((other.address, b"250"), ("nobody@postane.test", b"550"), (other.address, b"250")):
            assert _ask(talk, f"RCPT TO:<{address}>".encode()).startswith(code)
        assert _ask(talk, b"DATA").startswith(b"354")
        talk.send(corpus()[0].octets + b".\r\n")
        assert [talk.reply()[-1][:3] for _ in range(2)] == [b"250", b"250"]
        assert _ask(talk, b"NOOP").startswith(b"250")
    check_stored(read_all(victim.office, other)[0], corpus()[0])


@pytest.mark.parametrize(("door", "hello"), [("lmtp", b"EHLO x"), ("lmtp", b"HELO x"), ("smtp", b"LHLO x")])
def test_the_other_dialects_hello(victim: Victim, door: str, hello: bytes) -> None:
    with Talk(victim.office.address(door), greeting=False) as talk:
        talk.reply()
        assert _ask(talk, hello)[:3] in (b"500", b"502")
