"""What SMTP's client machine promises: any octets, any split; and that our server understands it."""

from hypothesis import given
from hypothesis import strategies as st

from postane.mail.address import Address
from postane.mail.envelope import BodyType, Envelope
from postane.smtp.body import BodyLimits
from postane.smtp.client import Answer, BodyAnswer, EndOfBody, Greeting, SmtpClient
from postane.smtp.commands import (
    Auth,
    AuthResponse,
    BodyChunk,
    BodyEnd,
    Command,
    Data,
    Ehlo,
    Lhlo,
    Mail,
    Noop,
    Rcpt,
    Rset,
    Verdict,
)
from postane.smtp.replies import DONE, GO_ON, NO_SUCH_USER, RECIPIENT_OK, SENDER_OK, STORED, greeting, hello
from postane.smtp.server import SmtpServer
from postane.smtp.states import Dialect
from postane.wire.errors import LocalProtocolError, RemoteProtocolError
from postane.wire.machine import Signal

LINES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"220 h", b"250 ok", b"250-a", b"250 2.0.0 x", b"334 eA==", b"334", b"354 go", b"421 x", b"550 no"]
    ),
    st.integers(60_000, 70_000).map(lambda size: b"250 " + b"x" * size),
)
OCTETS = st.lists(st.builds(bytes.__add__, LINES, st.sampled_from([b"\r\n", b"\n", b"\r", b""])), max_size=12).map(
    b"".join
)
COMMANDS: list[Command | BodyChunk | EndOfBody] = [
    *(
        Ehlo("x"),
        Mail(Envelope(None)),
        Rcpt(Address("a", "b.c")),
        Data(),
        BodyChunk(b".x"),
        EndOfBody(),
        Noop(),
        Rset(),
    ),
    *(Auth("PLAIN"), AuthResponse(b"")),
]
BODIES = st.lists(st.sampled_from([b"\r\n", b".", b"..", b"x", b"\xff", b"\0", b"long line"])).map(b"".join)


def split(octets: bytes, cuts: list[int]) -> list[bytes]:
    """The octets in pieces, cut at each place."""
    places = sorted({cut % (len(octets) + 1) for cut in cuts})
    return [octets[start:stop] for start, stop in zip([0, *places], [*places, len(octets)], strict=True)]


def read(dialect: Dialect, script: list[int], pieces: list[bytes]) -> list[object]:
    """All that a client's machine gives, and what it says of a script: one word an event."""
    client = SmtpClient(dialect)
    words = iter(script)
    seen: list[object] = []
    for piece in [*filter(None, pieces), b""]:
        client.feed(piece)
        try:
            while not isinstance(event := client.next_event(), Signal):
                seen += [event, client.state, say(client, next(words, 0))]
        except RemoteProtocolError as error:
            assert error.fatal
            return [*seen, (error.text, error.fault)]
        if event is Signal.PAUSED:
            break
    return seen


def say(client: SmtpClient, word: int) -> bytes | None:
    try:
        return client.send(COMMANDS[word % len(COMMANDS)])
    except LocalProtocolError:
        return None


@given(
    OCTETS,
    st.lists(st.integers(0, 20), max_size=20),
    st.lists(st.integers(0, 10**6), max_size=8),
    st.sampled_from(Dialect),
)
def test_any_split_gives_the_same_events(octets: bytes, script: list[int], cuts: list[int], dialect: Dialect) -> None:
    assert read(dialect, script, split(octets, cuts)) == read(dialect, script, [octets])


@given(
    BODIES,
    st.lists(st.integers(0, 300), max_size=6),
    st.lists(st.booleans(), min_size=1, max_size=5),
    st.sampled_from(Dialect),
)
def test_a_message_arrives_as_it_was_sent(body: bytes, cuts: list[int], wanted: list[bool], dialect: Dialect) -> None:
    """Client to server: what is sent comes out, and each recipient gets the answer that is its own."""
    server, client = SmtpServer(dialect, BodyLimits()), SmtpClient(dialect)
    recipients = [Address(f"r{number}", "x.y") for number in range(len(wanted))]
    client.feed(server.send(greeting("h", "ESMTP")))
    assert isinstance(client.next_event(), Greeting)
    server.feed(client.send(Ehlo("me") if dialect is Dialect.SMTP else Lhlo("me")))
    server.next_event()
    client.feed(server.send(hello("h")))
    assert isinstance(client.next_event(), Answer)
    server.feed(b"".join(client.send(each) for each in (Mail(Envelope(None)), *map(Rcpt, recipients), Data())))
    replies = [SENDER_OK, *(RECIPIENT_OK if is_wanted else NO_SUCH_USER for is_wanted in wanted)]
    for reply in replies:
        assert isinstance(server.next_event(), Mail | Rcpt)
        client.feed(server.send(reply))
        assert isinstance(client.next_event(), Answer)
    if not any(wanted):
        return
    assert server.next_event() == Data()
    client.feed(server.send(GO_ON))
    assert isinstance(client.next_event(), Answer)
    sent = b"".join(client.send(BodyChunk(piece)) for piece in split(body, cuts)) + client.send(EndOfBody())
    events: list[object] = []
    for piece in split(sent, cuts):
        server.feed(piece)
        while not isinstance(event := server.next_event(), Signal):
            events.append(event)
    got = b"".join(event.octets for event in events if isinstance(event, BodyChunk))
    assert events[-1] == BodyEnd(Verdict.SOUND, len(got))
    assert got == (body if not body or body.endswith(b"\r\n") else body + b"\r\n")
    client.feed(server.send(STORED))
    answers = []
    while isinstance(answer := client.next_event(), BodyAnswer):
        answers.append(answer.recipient)
    accepted = [each for each, is_wanted in zip(recipients, wanted, strict=True) if is_wanted]
    assert answers == (accepted if dialect is Dialect.LMTP else [None])
    server.feed(client.send(Rset()))
    assert server.next_event() == Rset()
    client.feed(server.send(DONE))
    assert isinstance(client.next_event(), Answer)


@given(
    st.text(min_size=1, max_size=12).filter(lambda text: not set(text) & set("\r\n\0\x7f") and text.isprintable()),
    st.none() | st.integers(0, 10**12),
    st.sampled_from(BodyType),
)
def test_what_the_client_says_the_server_reads(local_part: str, size: int | None, body: BodyType) -> None:
    address = Address(local_part, "x.y")
    envelope = Envelope(address, (), size, body, is_utf8=not address.is_ascii)
    server, client = SmtpServer(Dialect.SMTP, BodyLimits()), SmtpClient()
    client.feed(server.send(greeting("h", "ESMTP")))
    client.next_event()
    server.feed(client.send(Ehlo("me")))
    server.next_event()
    client.feed(server.send(hello("h")))
    client.next_event()
    server.feed(client.send(Mail(envelope)) + client.send(Rcpt(address)))
    assert server.next_event() == Mail(envelope)
    server.send(SENDER_OK)
    assert server.next_event() == Rcpt(address)
