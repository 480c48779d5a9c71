"""The client's machine for SMTP and LMTP, as dialogues."""

import pytest

from postane.mail.address import Address
from postane.mail.envelope import Envelope
from postane.smtp.client import Answer, BodyAnswer, Challenged, EndOfBody, Event, Farewell, Greeting, SmtpClient
from postane.smtp.commands import (
    Auth,
    AuthResponse,
    Bdat,
    BodyChunk,
    Command,
    Data,
    Ehlo,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
)
from postane.smtp.states import Dialect, State
from postane.wire.errors import Fault, LocalProtocolError, RemoteProtocolError
from postane.wire.machine import NEED_DATA, PAUSED

ANNA, BERTA, CARLA = (Address(name, "example.org") for name in ("anna", "berta", "carla"))
FROM = Mail(Envelope(Address("wmt", "example.org")))


def hear(client: SmtpClient, *lines: str) -> list[Event]:
    """What the server's lines give."""
    client.feed("".join(f"{line}\r\n" for line in lines).encode())
    events = []
    while not isinstance(event := client.next_event(), type(NEED_DATA)):
        events.append(event)
    return events


def codes(events: list[Event]) -> list[int]:
    return [event.reply.code for event in events if not isinstance(event, Challenged)]


def greeted(dialect: Dialect = Dialect.SMTP) -> SmtpClient:
    """One that has said hello."""
    client = SmtpClient(dialect)
    hear(client, "220 h ESMTP")
    client.send(Ehlo("me") if dialect is Dialect.SMTP else Lhlo("me"))
    hear(client, "250 h")
    assert client.state is State.READY
    return client


def in_data(*recipients: Address, dialect: Dialect = Dialect.SMTP) -> SmtpClient:
    """One that may send its message."""
    client = greeted(dialect)
    for command in (FROM, *map(Rcpt, recipients), Data()):
        client.send(command)
    hear(client, *["250 ok"] * (len(recipients) + 1), "354 go on")
    assert client.state is State.DATA
    return client


def test_a_message_from_hello_to_quit() -> None:
    client = SmtpClient()
    assert client.state is State.GREETING
    (greeting,) = hear(client, "220-h", "220 second line")
    assert isinstance(greeting, Greeting)
    assert greeting.reply.lines == ("h", "second line")
    assert client.send(Ehlo("me.example")) == b"EHLO me.example\r\n"
    assert codes(hear(client, "250-h", "250 SIZE")) == [250]
    assert client.send(FROM) + client.send(Rcpt(ANNA)) == (
        b"MAIL FROM:<wmt@example.org>\r\nRCPT TO:<anna@example.org>\r\n"
    )
    assert client.send(Data()) == b"DATA\r\n"
    assert client.waiting == 3
    answers = hear(client, "250 2.1.0 ok", "250 2.1.5 ok", "354 go")
    assert [event.command for event in answers if isinstance(event, Answer)] == [FROM, Rcpt(ANNA), Data()]
    assert client.accepted == (ANNA,)
    assert client.send(BodyChunk(b"a\r\n.b\r\n")) + client.send(EndOfBody()) == b"a\r\n..b\r\n.\r\n"
    (stored,) = hear(client, "250 2.0.0 stored")
    assert isinstance(stored, BodyAnswer)
    assert (stored.recipient, stored.reply.code, stored.reply.enhanced) == (None, 250, "2.0.0")
    assert (client.state, client.accepted, client.waiting) == (State.READY, (), 0)
    client.send(Quit())
    assert codes(hear(client, "221 bye")) == [221]
    assert client.next_event() is PAUSED


def test_lmtp_answers_for_each_recipient_that_was_accepted() -> None:
    client = greeted(Dialect.LMTP)
    for command in (FROM, Rcpt(ANNA), Rcpt(BERTA), Rcpt(CARLA), Data()):
        client.send(command)
    hear(client, "250 ok", "250 ok", "550 5.1.1 no such mailbox", "250 ok", "354 go")
    client.send(EndOfBody())
    (first,) = hear(client, "250 ok")
    assert isinstance(first, BodyAnswer)
    assert (first.recipient, client.state) == (ANNA, State.DATA)
    (second,) = hear(client, "452 4.2.2 full")
    assert isinstance(second, BodyAnswer)
    assert (second.recipient, second.reply.enhanced, client.state) == (CARLA, "4.2.2", State.READY)


def test_a_server_that_goes_on_though_nobody_was_accepted_gets_a_dot() -> None:
    for dialect, replies in ((Dialect.SMTP, 1), (Dialect.LMTP, 0)):
        client = greeted(dialect)
        client.send(FROM), client.send(Rcpt(ANNA)), client.send(Data())
        hear(client, "250 ok", "550 no", "354 go")
        assert client.send(EndOfBody()) == b".\r\n"
        assert client.waiting == replies
        assert client.state is (State.DATA if replies else State.READY)


def test_the_next_message_may_follow_the_dot() -> None:
    client = in_data(ANNA)
    client.send(EndOfBody())
    client.send(FROM)
    client.send(Rcpt(BERTA))
    events = hear(client, "250 stored", "250 ok", "250 ok")
    assert [type(event) for event in events] == [BodyAnswer, Answer, Answer]
    assert (client.accepted, client.state) == ((BERTA,), State.RCPT)


@pytest.mark.parametrize("last", [Data(), Noop(), Quit(), StartTls(), Auth("PLAIN"), Ehlo("x")])
def test_some_commands_are_the_last_of_their_group(last: Command) -> None:
    client = greeted()
    client.send(last)
    with pytest.raises(LocalProtocolError, match="nothing may be sent now"):
        client.send(Rset())


def test_nothing_is_said_before_the_greeting_nor_after_the_end() -> None:
    client = SmtpClient()
    with pytest.raises(LocalProtocolError, match="greeting"):
        client.send(Ehlo("x"))
    hear(client, "421 busy")
    assert client.state is State.CLOSED
    with pytest.raises(LocalProtocolError, match="closed"):
        client.send(Ehlo("x"))


def test_a_server_that_refuses_everybody() -> None:
    client = SmtpClient()
    assert codes(hear(client, "554 no service")) == [554]
    assert client.state is State.REJECTED
    client.send(Quit())
    hear(client, "221 bye")
    assert client.state is State.CLOSED


def test_a_message_is_only_sent_where_it_is_wanted_and_only_with_sound_line_ends() -> None:
    client = greeted()
    for value in (BodyChunk(b"x"), EndOfBody()):
        with pytest.raises(LocalProtocolError):
            client.send(value)
    client = in_data(ANNA)
    with pytest.raises(LocalProtocolError, match="waits for a message"):
        client.send(Rset())
    for bare in (b"a\nb", b"a\rb", b"\n.\n"):
        with pytest.raises(LocalProtocolError, match="stands alone"):
            in_data(ANNA).send(BodyChunk(bare))
    client.send(BodyChunk(b"a\r"))
    client.send(BodyChunk(b"\n\r"))
    with pytest.raises(LocalProtocolError):
        client.send(EndOfBody())


def test_a_login_with_challenges() -> None:
    client = greeted()
    assert client.send(Auth("PLAIN", b"")) == b"AUTH PLAIN =\r\n"
    (challenged,) = hear(client, "334 aGVsbG8=")
    assert challenged == Challenged(b"hello")
    with pytest.raises(LocalProtocolError, match="AuthResponse"):
        client.send(Noop())
    assert client.send(AuthResponse(b"x")) == b"eA==\r\n"
    assert codes(hear(client, "235 2.7.0 welcome")) == [235]
    assert client.state is State.READY
    with pytest.raises(LocalProtocolError, match="no challenge"):
        client.send(AuthResponse(b"x"))


def test_a_login_that_is_refused_or_cancelled() -> None:
    client = greeted()
    client.send(Auth("LOGIN"))
    assert hear(client, "334 ") == [Challenged(b"")]
    assert client.send(AuthResponse(None)) == b"*\r\n"
    assert codes(hear(client, "501 5.7.0 cancelled")) == [501]
    assert client.state is State.READY


def test_starttls_and_what_comes_too_early() -> None:
    client = greeted()
    client.send(StartTls())
    hear(client, "220 go")
    assert (client.state, client.next_event()) == (State.HANDSHAKE, PAUSED)
    client = greeted()
    client.send(StartTls())
    with pytest.raises(RemoteProtocolError, match="before the TLS handshake") as raised:
        hear(client, "220 go", "250 injected")
    assert raised.value.fault is Fault.EARLY_DATA
    after = SmtpClient(is_greeted=True)
    after.send(Ehlo("me"))
    hear(after, "250 h")
    assert after.state is State.READY


def test_the_server_may_leave_at_any_time() -> None:
    client = greeted()
    (farewell,) = hear(client, "421 4.3.2 shutting down")
    assert isinstance(farewell, Farewell)
    assert client.next_event() is PAUSED
    client = in_data(ANNA, BERTA, dialect=Dialect.LMTP)
    client.send(EndOfBody())
    (answer,) = hear(client, "421 4.3.2 shutting down")
    assert isinstance(answer, BodyAnswer)
    assert client.state is State.CLOSED


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("hello", Fault.SYNTAX),
        ("150 x", Fault.SYNTAX),
        ("25", Fault.SYNTAX),
        ("2500", Fault.SYNTAX),
        ("334 eA==", Fault.BROKEN),
        ("354 go", Fault.BROKEN),
        ("250-a\r\n251 b", Fault.SYNTAX),
        ("250-" + "x" * 70_000, Fault.TOO_LONG),
        ("\r\n".join(["250-" + "x" * 60_000] * 2), Fault.TOO_LONG),
        ("\r\n".join(["250-x"] * 512), Fault.TOO_LONG),
        ("250 a\r\n250 b", Fault.BROKEN),
    ],
)
def test_a_server_that_breaks_the_protocol(line: str, fault: Fault) -> None:
    client = greeted()
    client.send(FROM)
    with pytest.raises(RemoteProtocolError) as raised:
        hear(client, line)
    assert (raised.value.fault, raised.value.fatal) == (fault, True)


def test_more_of_the_same() -> None:
    client = greeted()
    client.send(Data())
    with pytest.raises(RemoteProtocolError, match="where none may be"):
        hear(client, "250 ok")
    client = in_data(ANNA)
    client.send(EndOfBody())
    with pytest.raises(RemoteProtocolError, match="where none may be"):
        hear(client, "354 more")
    client = greeted()
    client.send(Auth("PLAIN"))
    with pytest.raises(RemoteProtocolError, match="not base64"):
        hear(client, "334 no base64!")
    with pytest.raises(RemoteProtocolError, match="where none may be"):
        hear(SmtpClient(), "354 x")


def test_a_connection_that_ends() -> None:
    client = greeted()
    client.feed(b"250 half")
    client.feed(b"")
    with pytest.raises(RemoteProtocolError, match="closed the connection"):
        client.next_event()
    assert client.trailing_data == b"250 half"


def test_what_this_side_does_not_say() -> None:
    with pytest.raises(LocalProtocolError, match="BDAT"):
        greeted().send(Bdat(3, True))
