"""swaks speaks for a client by XCLIENT, as mail servers in front do."""

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.post import SENDER, read_all
from support.postoffice import PostOffice, wait_until
from support.programs import require, run

pytestmark = pytest.mark.interop

CLIENT = "203.0.113.5"
NOT_OFFERED = 33
"""swaks' exit code when XCLIENT is not announced."""


@pytest.fixture(scope="module")
def trusting() -> Iterator[PostOffice]:
    """A server that lets one mail server speak for others."""
    with PostOffice({"smtp": {"listen": ["127.0.0.1:0"], "xclient": ["127.0.0.25", "127.0.0.1"]}}) as office:
        yield office


def _swaks(office: PostOffice, folder: Path, to: str, *options: str, expect: int = 0) -> str:
    host, port = office.smtp
    command = [require("swaks"), "--server", host, "--port", str(port), "--timeout", "20", "--helo", "client.test"]
    done = run([*command, "--from", SENDER, "--to", to, *options], expect=expect, home=folder)
    return done.stdout.decode(errors="replace")


@pytest.mark.parametrize(
    ("options", "came_from"),
    [
        (["--xclient-addr", CLIENT], f"([{CLIENT}])"),
        (["--xclient-addr", CLIENT, "--xclient-name", "mx.example"], f"(mx.example [{CLIENT}])"),
        (["--xclient-addr", "IPV6:2001:db8::5", "--xclient-port", "4711"], "([IPv6:2001:db8::5])"),
        (["--xclient", f"NAME=mx.example ADDR={CLIENT}"], f"(mx.example [{CLIENT}])"),
        (["--xclient-name", "[UNAVAILABLE]", "--xclient-addr", CLIENT], f"([{CLIENT}])"),
    ],
)
def test_the_client_is_traced(trusting: PostOffice, tmp_path: Path, options: list[str], came_from: str) -> None:
    box = trusting.fresh()
    said = _swaks(trusting, tmp_path, box.address, *options)
    assert "XCLIENT NAME ADDR PORT LOGIN" in said
    (message,) = read_all(trusting, box)
    assert f"Received: from client.test {came_from}\r\n".encode() in message


def test_the_log_and_the_throttle_know_the_client(trusting: PostOffice, tmp_path: Path) -> None:
    """Such a client is not on loopback: its password does not cross, and nothing is offered that would ask for it."""
    box = trusting.fresh()
    said = _swaks(trusting, tmp_path, box.address, "--xclient-addr", CLIENT, "--quit-after", "MAIL")
    before, _, after = said.partition("XCLIENT ADDR=")
    assert " PLAIN" in before
    assert "250-PIPELINING" in after
    assert " PLAIN" not in after
    assert "XCLIENT" not in after, "it may not speak for others"
    wait_until(lambda: f'"peer": "{CLIENT}", "speaker": "127.0.0.1"' in trusting.read_log(), "it is logged")


def test_a_login_that_was_seen_in_front(trusting: PostOffice, tmp_path: Path) -> None:
    box = trusting.fresh()
    _swaks(trusting, tmp_path, box.address, "--xclient-addr", CLIENT, "--xclient-login", box.name)
    (message,) = read_all(trusting, box)
    assert b" with ESMTPA id " in message


def test_over_tls(trusting: PostOffice, tmp_path: Path) -> None:
    """The handshake is the mail server's; the client's octets cross encrypted from there to here."""
    box = trusting.fresh()
    said = _swaks(trusting, tmp_path, box.address, "--tls", "--xclient-addr", CLIENT)
    assert "250-PIPELINING" in said.partition("XCLIENT ADDR=")[2]
    assert "STARTTLS" not in said.partition("XCLIENT ADDR=")[2]
    (message,) = read_all(trusting, box)
    assert f"Received: from client.test ([{CLIENT}])\r\n".encode() in message
    assert b" with ESMTPS id " in message


def test_attributes_that_are_not_taken(trusting: PostOffice, tmp_path: Path) -> None:
    _swaks(trusting, tmp_path, "x@postane.test", "--xclient-helo", "fred.example", expect=NOT_OFFERED)


def test_who_is_not_trusted(trusting: PostOffice, tmp_path: Path) -> None:
    elsewhere = ["--local-interface", "127.0.9.9", "--xclient-addr", CLIENT]
    said = _swaks(trusting, tmp_path, "x@postane.test", *elsewhere, expect=NOT_OFFERED)
    assert "250-XCLIENT" not in said
    with smtplib.SMTP(*trusting.smtp, source_address=("127.0.9.9", 0)) as smtp:
        smtp.ehlo("client.test")
        assert smtp.docmd("XCLIENT", f"ADDR={CLIENT}")[0] == 550


def test_where_nobody_is_trusted(post_office: PostOffice) -> None:
    with smtplib.SMTP(*post_office.smtp) as smtp:
        smtp.ehlo("client.test")
        assert not smtp.has_extn("xclient")
        assert smtp.docmd("XCLIENT", f"ADDR={CLIENT}")[0] == 502
