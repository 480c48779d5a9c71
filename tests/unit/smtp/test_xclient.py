"""XCLIENT's argument into a value."""

import pytest

from postane.smtp.commands import Xclient
from postane.smtp.grammar import parse_command, split_command
from postane.smtp.replies import SmtpError
from postane.smtp.xclient import parse_xclient
from postane.wire.errors import Fault


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        (b"NAME=spike.porcupine.org ADDR=168.100.189.2", Xclient("spike.porcupine.org", "168.100.189.2")),
        (b"addr=168.100.189.2", Xclient(address="168.100.189.2")),
        (b"ADDR=168.100.189.2  PORT=65535", Xclient(address="168.100.189.2", port=65535)),
        (b"ADDR=IPV6:2001:DB8:0::1", Xclient(address="2001:db8::1")),
        (b"ADDR=IPv6:::ffff:192.0.2.1", Xclient(address="192.0.2.1")),
        (b"ADDR=168+2E100.189.2", Xclient(address="168.100.189.2")),
        (b"ADDR=[UNAVAILABLE] NAME=[TEMPUNAVAIL] PORT=[unavailable]", Xclient("", "", 0)),
        (b"NAME=+5BUNAVAILABLE+5D", Xclient("")),
        (b"NAME=a_b.example.", Xclient("a_b.example.")),
        (b"PORT=0", Xclient(port=0)),
        (b"LOGIN=fred@example.org", Xclient(login="fred@example.org")),
        (b"LOGIN=jos+C3+A9", Xclient(login="jos\u00e9")),
        (b"LOGIN=[UNAVAILABLE]", Xclient()),
        (b"NAME=" + b"a" * 255, Xclient("a" * 255)),
    ],
)
def test_attributes_are_read(argument: bytes, value: Xclient) -> None:
    assert parse_xclient(argument) == value
    assert parse_command(*split_command(b"xclient " + argument)) == value


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (b"", "takes attributes"),
        (b"ADDR", "bad ADDR"),
        (b"ADDR=", "bad ADDR"),
        (b"=192.0.2.1", "the attributes are NAME, ADDR, PORT, LOGIN"),
        (b"192.0.2.1", "the attributes are"),
        (b"ADDR=192.0.2.1 ADDR=192.0.2.1", "ADDR comes twice"),
        (b"ADDR=192.0.2.1 PROTO=ESMTP", "the attributes are"),
        (b"LOGIN=fred+00", "bad LOGIN"),
        (b"LOGIN=fr+E9d", "bad LOGIN"),
        (b"LOGIN=" + b"f" * 256, "bad LOGIN"),
        (b"HELO=x", "the attributes are"),
        (b"\xff=x", "the attributes are"),
        (b"ADDR=\xff", "bad ADDR"),
        (b"ADDR=192.0.2.01", "bad ADDR"),
        (b"ADDR=2001:db8::1", "bad ADDR"),
        (b"ADDR=[192.0.2.1]", "bad ADDR"),
        (b"ADDR=IPV6:192.0.2.1", "bad ADDR"),
        (b"ADDR=IPV6:fe80::1%eth0", "bad ADDR"),
        (b"ADDR=127.0.0.1+0A", "bad ADDR"),
        (b"ADDR=127.0.0.1+0", "bad ADDR"),
        (b"ADDR=127.0.0.1+2e", "bad ADDR"),
        (b"ADDR=unix", "bad ADDR"),
        (b"NAME=a=b", "bad NAME"),
        (b"NAME=a..b", "bad NAME"),
        (b"NAME=a+0D+0Ab", "bad NAME"),
        (b"NAME=a+20b", "bad NAME"),
        (b"NAME=" + b"a" * 256, "bad NAME"),
        (b"PORT=65536", "bad PORT"),
        (b"PORT=-1", "bad PORT"),
        (b"PORT=+2B1", "bad PORT"),
        (b"PORT=" + b"0" * 6, "bad PORT"),
    ],
)
def test_anything_else_is_refused(argument: bytes, text: str) -> None:
    with pytest.raises(SmtpError) as caught:
        parse_xclient(argument)
    assert caught.value.reply.code == 501
    assert text in caught.value.reply.lines[0]
    assert caught.value.fault is Fault.BAD_ARGUMENT
