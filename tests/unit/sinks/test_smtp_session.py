"""A connection to a mail server: hello, TLS, login, goodbye."""

import ssl
from pathlib import Path
from typing import cast

import pytest

from postane.net.base import Target, TlsMode, TlsPolicy
from postane.net.dial import dial
from postane.sinks.base import Fault, SinkError
from postane.sinks.smtp_session import SmtpLogin, SmtpServerAt, SmtpSession, in_short
from postane.smtp import replies
from postane.smtp.commands import Auth, AuthResponse, Ehlo, Helo, Quit, StartTls
from postane.smtp.replies import Challenge, Reply
from postane.smtp.states import Dialect
from support.certificates import Authority, Wish
from support.receiver import Receiver, Said, receiving
from support.scripted import saying, server_context, serving

LOGIN = SmtpLogin("anna", "secret")


def at(receiver: Receiver, mode: TlsMode = TlsMode.NONE, login: SmtpLogin | None = None) -> SmtpServerAt:
    return SmtpServerAt(receiver.target(mode), receiver.dialect, "fetcher.test", login)


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    return server_context(Authority(tmp_path).issue("own", Wish(addresses=["127.0.0.1"])))


async def test_hello_and_goodbye() -> None:
    async with receiving() as receiver:
        session = await SmtpSession.connect(dial, at(receiver))
        assert session.extensions.size == 50_000_000
        await session.quit()
    assert receiver.heard == [Ehlo("fetcher.test"), Quit()]


async def test_an_old_server_is_said_helo() -> None:
    old = Reply(500, "5.5.1", ("what?",))
    async with receiving(answers=lambda said: old if isinstance(said, Ehlo) else None) as receiver:
        session = await SmtpSession.connect(dial, at(receiver))
        assert not session.extensions.words
        await session.quit()
    assert receiver.heard == [Ehlo("fetcher.test"), Helo("fetcher.test"), Quit()]


async def test_a_hello_that_is_refused() -> None:
    async with receiving(answers=lambda said: Reply(554, "5.7.1", ("go away",))) as receiver:
        with pytest.raises(SinkError, match=r"hello is refused: 554 5\.7\.1 go away") as raised:
            await SmtpSession.connect(dial, at(receiver))
        assert not raised.value.may_pass


@pytest.mark.parametrize(("greeting", "may_pass"), [(b"554 no\r\n", False), (b"421 busy\r\n", True), (b"?\r\n", False)])
async def test_a_greeting_that_is_none(greeting: bytes, may_pass: bool) -> None:
    async with serving(saying(greeting)) as port:
        target = SmtpServerAt(Target("127.0.0.1", port), Dialect.SMTP, "x")
        with pytest.raises(SinkError) as raised:
            await SmtpSession.connect(dial, target)
        assert raised.value.may_pass is may_pass


async def test_a_server_of_another_kind_is_told() -> None:
    async with serving(saying(b"+OK POP3 ready\r\n")) as port:
        with pytest.raises(
            SinkError, match=rf"127\.0\.0\.1:{port} is no LMTP server: a reply without a code"
        ) as raised:
            await SmtpSession.connect(dial, SmtpServerAt(Target("127.0.0.1", port), Dialect.LMTP, "x"))
        assert (raised.value.may_pass, raised.value.fault) == (False, Fault.TRUST)


async def test_nonsense_later_may_pass() -> None:
    async with serving(saying(b"220 ready\r\n?\r\n")) as port:
        with pytest.raises(SinkError, match="a reply without a code") as raised:
            await SmtpSession.connect(dial, SmtpServerAt(Target("127.0.0.1", port), Dialect.SMTP, "x"))
        assert raised.value.may_pass


async def test_nobody_there() -> None:
    with pytest.raises(SinkError, match=r"127\.0\.0\.1:1: "):
        await SmtpSession.connect(dial, SmtpServerAt(Target("127.0.0.1", 1), Dialect.SMTP, "x"))


@pytest.mark.parametrize("mode", [TlsMode.REQUIRED, TlsMode.OFFERED])
async def test_starttls(mode: TlsMode, context: ssl.SSLContext) -> None:
    async with receiving(extensions=("STARTTLS",), context=context) as receiver:
        session = await SmtpSession.connect(dial, at(receiver, mode))
        await session.quit()
    assert receiver.heard == [Ehlo("fetcher.test"), StartTls(), Ehlo("fetcher.test"), Quit()]


async def test_starttls_that_is_not_offered() -> None:
    async with receiving(extensions=()) as receiver:
        with pytest.raises(SinkError, match="does not offer STARTTLS") as raised:
            await SmtpSession.connect(dial, at(receiver, TlsMode.REQUIRED))
        assert not raised.value.may_pass
        await (await SmtpSession.connect(dial, at(receiver, TlsMode.OFFERED))).quit()


async def test_starttls_that_is_refused() -> None:
    no = Reply(454, "4.7.0", ("not now",))
    answers = {StartTls: no}
    async with receiving(extensions=("STARTTLS",), answers=lambda said: answers.get(type(said))) as receiver:
        with pytest.raises(SinkError, match="STARTTLS is refused: 454") as raised:
            await SmtpSession.connect(dial, at(receiver, TlsMode.REQUIRED))
        assert raised.value.may_pass


@pytest.mark.parametrize(
    ("offered", "used"),
    [
        ("PLAIN LOGIN", "PLAIN"),
        ("LOGIN", "LOGIN"),
        ("SCRAM-SHA-256-PLUS PLAIN", "PLAIN"),
        ("CRAM-MD5 PLAIN", "CRAM-MD5"),
    ],
)
async def test_the_strongest_login_that_is_offered(offered: str, used: str) -> None:
    async with receiving(extensions=(f"AUTH {offered}",)) as receiver:
        if used == "CRAM-MD5":
            receiver.answers = lambda said: replies.LOGIN_REFUSED if isinstance(said, Auth) else None
            with pytest.raises(SinkError, match="login as anna is refused: 535"):
                await SmtpSession.connect(dial, at(receiver, login=LOGIN))
        else:
            await (await SmtpSession.connect(dial, at(receiver, login=LOGIN))).quit()
    (said,) = [each for each in receiver.heard if isinstance(each, Auth)]
    assert said.mechanism == used
    if used == "PLAIN":
        assert said.initial == b"\0anna\0secret"


async def test_a_token_goes_by_its_own_mechanisms() -> None:
    async with receiving(extensions=("AUTH PLAIN XOAUTH2",)) as receiver:
        login = SmtpLogin("anna", "token", is_token=True)
        await (await SmtpSession.connect(dial, at(receiver, login=login))).quit()
    assert [each.mechanism for each in receiver.heard if isinstance(each, Auth)] == ["XOAUTH2"]


async def test_never_in_clear_is_never() -> None:
    login = SmtpLogin("anna", "secret", needs_tls=True)
    async with receiving(extensions=("AUTH PLAIN LOGIN",)) as receiver:
        with pytest.raises(SinkError, match="wants a password in clear text"):
            await SmtpSession.connect(dial, at(receiver, login=login))
    assert not any(isinstance(each, Auth) for each in receiver.heard)


async def test_no_way_to_log_in() -> None:
    async with receiving(extensions=("AUTH GSSAPI",)) as receiver:
        with pytest.raises(SinkError, match="no way to log in") as raised:
            await SmtpSession.connect(dial, at(receiver, login=LOGIN))
        assert not raised.value.may_pass


async def test_a_server_that_does_not_prove_itself_is_not_believed() -> None:
    async with receiving(extensions=("AUTH SCRAM-SHA-256",)) as receiver:  # it says yes at once
        with pytest.raises(SinkError, match="login failed"):
            await SmtpSession.connect(dial, at(receiver, login=LOGIN))


async def test_a_server_that_asks_and_asks() -> None:
    def answers(said: Said) -> Reply | None:
        return cast(Reply, Challenge(b"x")) if isinstance(said, Auth | AuthResponse) else None

    async with receiving(extensions=("AUTH XOAUTH2",), answers=answers) as receiver:
        with pytest.raises(SinkError, match="asks and asks"):
            await SmtpSession.connect(dial, at(receiver, login=SmtpLogin("a", "t", is_token=True)))


async def test_a_certificate_that_is_not_believed_needs_a_person(context: ssl.SSLContext) -> None:
    async with receiving(extensions=("STARTTLS",), context=context) as receiver:
        target = Target("127.0.0.1", receiver.port, TlsPolicy(TlsMode.REQUIRED))
        with pytest.raises(SinkError, match="is not believed") as raised:
            await SmtpSession.connect(dial, SmtpServerAt(target, receiver.dialect, "fetcher.test"))
    assert (raised.value.may_pass, raised.value.fault) == (False, Fault.TRUST)


async def test_a_server_that_is_not_there_may_come_back() -> None:
    async with receiving() as receiver:
        nobody = at(receiver)
    with pytest.raises(SinkError) as raised:
        await SmtpSession.connect(dial, nobody)
    assert raised.value.may_pass


@pytest.mark.parametrize(("code", "may_pass"), [(535, False), (454, True)])
async def test_a_login_that_is_refused(code: int, may_pass: bool) -> None:
    reply = Reply(code, "", ("no",))
    answers = lambda said: reply if isinstance(said, Auth) else None  # noqa: E731
    async with receiving(extensions=("AUTH PLAIN",), answers=answers) as receiver:
        with pytest.raises(SinkError, match="the login as anna is refused") as raised:
            await SmtpSession.connect(dial, at(receiver, login=LOGIN))
    assert (raised.value.may_pass, raised.value.fault) == (may_pass, Fault.LOGIN)


def test_a_reply_in_short() -> None:
    assert in_short(Reply(550, "5.1.1", ("no such", " mailbox\x1b"))) == "550 5.1.1 no such mailbox?"
