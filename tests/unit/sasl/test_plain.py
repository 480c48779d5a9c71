"""PLAIN and LOGIN on both sides."""

import pytest

from postane.sasl.base import Challenge, Identity, PasswordClaim
from postane.sasl.plain import LoginClient, LoginServer, PlainClient, PlainServer
from postane.wire.errors import LocalProtocolError, RemoteProtocolError


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


def test_plain_says_nothing_of_whom_it_refuses() -> None:
    with pytest.raises(RemoteProtocolError, match="another user") as refused:
        PlainServer().start(b"kurt\0tim\0secret")
    assert not {"kurt", "tim", "secret"} & set(str(refused.value).split())


@pytest.mark.parametrize("name", ["a,b", "a=b", "t\u00fcm", "user@example.org", "tim the enchanter", "%s'\"<b>"])
def test_names_and_passwords_of_all_kinds(name: str) -> None:
    claim = PasswordClaim(name, "p\u00e4ss, w=rd")
    assert PlainServer().start(f"\0{name}\0p\u00e4ss, w=rd".encode()) == claim
    login = LoginServer()
    login.start(name.encode())
    assert login.step("p\u00e4ss, w=rd".encode()) == claim


@pytest.mark.parametrize("name", [b"", b"t\0m", b"t\xffm"])
def test_login_refuses_what_is_no_name(name: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        LoginServer().start(name)


def test_login_refuses_an_empty_password() -> None:
    login = LoginServer()
    login.start(b"tim")
    with pytest.raises(RemoteProtocolError):
        login.step(b"")


def test_plain_is_said_at_once_and_asked_nothing() -> None:
    client = PlainClient(Identity("t\u00fcm", "p\udcffss"))
    assert client.start() == b"\0t\xc3\xbcm\0p\xffss"
    with pytest.raises(RemoteProtocolError):
        client.step(b"")
    client.finish()


def test_login_answers_two_questions_whatever_they_are() -> None:
    client = LoginClient(Identity("tim", "secret"))
    assert client.start() is None
    assert [client.step(b"Benutzername?"), client.step(b"")] == [b"tim", b"secret"]
    with pytest.raises(RemoteProtocolError):
        client.step(b"And now?")
    client.finish()


@pytest.mark.parametrize(
    ("name", "secret"), [("", "x"), ("t\0m", "x"), ("t\nm", "x"), ("tim", ""), ("tim", "a\0b"), ("t\ud800m", "x")]
)
def test_what_plain_cannot_say_is_not_said(name: str, secret: str) -> None:
    with pytest.raises(LocalProtocolError):
        PlainClient(Identity(name, secret)).start()


def test_an_identity_does_not_show_its_secret() -> None:
    identity = Identity("tim", "secret", "nonce", {"tls-exporter": b"binding"})
    assert not any(word in repr((identity, PlainClient(identity))) for word in ("secret", "binding"))
