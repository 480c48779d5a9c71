"""Dot-stuffing, with the cases that others got wrong."""

import pytest

from postane.wire.dots import Stuffer, Unstuffer, stuff


def unstuff(octets: bytes, *, step: int) -> tuple[bytes, Unstuffer]:
    """Feed in pieces of `step` octets; whatever is left when the body is over goes to `rest` by hand."""
    unstuffer, body = Unstuffer(), b""
    for at in range(0, len(octets), step):
        body += unstuffer.feed(octets[at : at + step])
        if unstuffer.is_finished:
            unstuffer.rest += octets[at + step :]
            break
    return body, unstuffer


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b"", b".\r\n"),
        (b"\r\n", b"\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"..\r\n", b"...\r\n.\r\n"),
        (b".a\r\n.b\r\n", b"..a\r\n..b\r\n.\r\n"),
        (b"a.\r\nb.c\r\n", b"a.\r\nb.c\r\n.\r\n"),
        (b"\r\n.\r\n", b"\r\n..\r\n.\r\n"),
        (b"no line end", b"no line end\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b"a\r\n.", b"a\r\n..\r\n.\r\n"),
        (b"cr at the end\r", b"cr at the end\r\r\n.\r\n"),
    ],
)
def test_a_body_and_how_it_is_sent(body, sent):
    assert stuff(body) == sent


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 1000])
@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"a\r\n..b\r\n...\r\n.\r\n", b"a\r\n.b\r\n..\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),  # a sender that did not stuff: the dot is lost, as RFC 5321 s4.5.2 says
    ],
)
def test_what_was_sent_and_the_body(sent, body, step):
    got, unstuffer = unstuff(sent + b"QUIT\r\n", step=step)
    assert got == body
    assert unstuffer.is_finished
    assert unstuffer.rest == b"QUIT\r\n"


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 1000])
@pytest.mark.parametrize(
    "smuggled", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\r\n\n.\r\n"]
)
def test_only_crlf_dot_crlf_ends_a_body(smuggled, step):
    """SMTP smuggling: RFC 5321 s4.1.1.4 allows no other end."""
    got, unstuffer = unstuff(b"first" + smuggled + b"MAIL FROM:<evil@example.org>\r\n.\r\n", step=step)
    assert unstuffer.is_finished
    assert unstuffer.rest == b""
    assert got.endswith(b"MAIL FROM:<evil@example.org>\r\n")


def test_a_dot_after_a_pieces_edge():
    stuffer = Stuffer()
    sent = stuffer.feed(b"a\r") + stuffer.feed(b"\n") + stuffer.feed(b"") + stuffer.feed(b".b\r\n") + stuffer.finish()
    assert sent == b"a\r\n..b\r\n.\r\n"


def test_a_body_that_breaks_off_is_not_finished():
    got, unstuffer = unstuff(b"a\r\nb\r\n.", step=2)
    assert got == b"a\r\nb\r\n"
    assert not unstuffer.is_finished
