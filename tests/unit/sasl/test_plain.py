"""PLAIN and LOGIN on the server's side."""

import pytest

from postane.sasl.base import Challenge, PasswordClaim
from postane.sasl.plain import LoginServer, PlainServer
from postane.wire.errors import RemoteProtocolError


@pytest.mark.parametrize("message", [b"\0tim\0tanstaaftanstaaf", b"tim\0tim\0tanstaaftanstaaf"])
def test_plain_with_and_without_an_initial_response(message: bytes) -> None:
    claim = PasswordClaim("tim", "tanstaaftanstaaf")
    assert PlainServer().start(message) == claim
    slow = PlainServer()
    assert slow.start(None) == Challenge(b"")
    assert slow.step(message) == claim


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"tim",
        b"\0tim",
        b"\0tim\0",
        b"\0\0secret",
        b"kurt\0tim\0secret",
        b"\0tim\0a\0b",
        b"\0t\xffm\0secret",
        b"\0t\nm\0secret",
    ],
)
def test_plain_refuses_what_is_not_plain(message: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        PlainServer().start(message)


def test_login_asks_twice() -> None:
    login = LoginServer()
    assert login.start(None) == Challenge(b"Username:")
    assert login.step(b"tim") == Challenge(b"Password:")
    assert login.step(b"p\xffss word") == PasswordClaim("tim", "p\udcffss word")


def test_login_takes_the_name_at_once() -> None:
    login = LoginServer()
    assert login.start(b"tim") == Challenge(b"Password:")
    assert login.step(b"secret") == PasswordClaim("tim", "secret")


def test_secrets_do_not_show() -> None:
    assert "secret" not in repr(PasswordClaim("tim", "secret"))
