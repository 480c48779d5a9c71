"""What POP3's machines promise: any octets, any split."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postane.pop3.client import Answer, BodyChunk, BodyEnd, Challenged, Greeting, Pop3Client
from postane.pop3.commands import (
    Apop,
    Auth,
    AuthResponse,
    Capa,
    Command,
    Dele,
    Lang,
    Last,
    List,
    Noop,
    Pass,
    Quit,
    Retr,
    Rpop,
    Rset,
    Stat,
    Stls,
    Top,
    Uidl,
    User,
    Utf8,
    Verb,
    Xtnd,
)
from postane.pop3.grammar import (
    SASL_LIMIT,
    format_command,
    format_reply,
    parse_auth_response,
    parse_command,
    parse_reply,
    split_command,
)
from postane.pop3.replies import Chunk, Closing, Message, Opening, Reply, err, ok
from postane.pop3.server import Pop3Server
from postane.wire.errors import RemoteProtocolError
from postane.wire.machine import Signal

LINES = st.one_of(
    st.binary(max_size=300),
    st.sampled_from([verb.encode() for verb in Verb]),
    st.builds(lambda verb, rest: verb.encode() + b" " + rest, st.sampled_from(list(Verb)), st.binary(max_size=40)),
    st.sampled_from([b"USER mrose", b"PASS x y", b"RETR 1", b"TOP 1 2", b"AUTH PLAIN AAAA", b"AUTH PLAIN", b"*", b"="]),
    st.integers(240, 70_000).map(lambda size: b"x" * size),
)
OCTETS = st.lists(st.builds(bytes.__add__, LINES, st.sampled_from([b"\r\n", b"\n", b"\r", b""])), max_size=12).map(
    b"".join
)


def split(octets: bytes, cuts: list[int]) -> list[bytes]:
    """The octets in pieces, cut at each place."""
    places = sorted({cut % (len(octets) + 1) for cut in cuts})
    return [octets[start:stop] for start, stop in zip([0, *places], [*places, len(octets)], strict=True)]


def serve(pieces: list[bytes]) -> list[object]:
    """All that a server's machine gives, every command being accepted (AUTH: challenged), errors refused."""
    machine = Pop3Server()
    machine.send(ok("ready"))
    seen: list[object] = []
    for piece in pieces:
        machine.feed(piece)
        while True:
            try:
                event = machine.next_event()
            except RemoteProtocolError as error:
                seen.append((error.text, error.fault, error.fatal))
                machine.send(err(error.text))
                if error.fatal:
                    return seen
                continue
            if isinstance(event, Signal):
                break
            seen.append(event)
            if isinstance(event, Stls):
                machine.send(err("not now"))
            else:
                machine.send(ok())
    return seen


@given(OCTETS, st.lists(st.integers(0, 100_000), max_size=8))
@example(b"NOOP\r\n" + b"x" * 255 + b"\r\nQUIT\r\n", [6 + 254, 6 + 255, 6 + 256])
@example(b"AUTH PLAIN " + b"A" * SASL_LIMIT + b"\r\nQUIT\r\n", [3, 300])
@example(b"AUTH PLAIN " + b"A" * 400 + b"\r\nQUIT\r\n", [255])
def test_any_split_gives_the_server_the_same_events(octets: bytes, cuts: list[int]) -> None:
    assert serve(split(octets, cuts)) == serve([octets])


@given(OCTETS.filter(lambda octets: len(octets) < 2000))
def test_octet_by_octet_is_a_split_too(octets: bytes) -> None:
    assert serve([bytes([octet]) for octet in octets]) == serve([octets])


@given(st.binary(max_size=400), st.lists(st.integers(0, 1000), max_size=6), st.booleans())
def test_a_body_arrives_as_it_was_sent(body: bytes, cuts: list[int], is_whole: bool) -> None:
    """Server to client: chunks cut anywhere, the stream cut anywhere; a last CRLF is all that may be added."""
    server, client = Pop3Server(), Pop3Client()
    wire = server.send(ok("ready <1@h>"))
    server.feed(client.send(User("u")) + client.send(Pass("p")) + client.send(Retr(1)))
    for reply in (ok(), ok()):
        assert isinstance(server.next_event(), User | Pass)
        wire += server.send(reply)
    assert server.next_event() == Retr(1)
    if is_whole:
        wire += server.send(Message("1 octets", body))
    else:
        wire += server.send(Opening("1 octets"))
        wire += b"".join(server.send(Chunk(piece)) for piece in split(body, cuts))
        wire += server.send(Closing())
    events = read(client, split(wire, cuts))
    got = b"".join(event.octets for event in events if isinstance(event, BodyChunk))
    assert got == (body if not body or body.endswith(b"\r\n") else body + b"\r\n")
    assert [type(event) for event in events if not isinstance(event, BodyChunk)] == [
        Greeting,
        Answer,
        Answer,
        Answer,
        BodyEnd,
    ]


def read(client: Pop3Client, pieces: list[bytes]) -> list[object]:
    """All events of a client that is fed; a fatal error is the last of them."""
    events: list[object] = []
    for piece in pieces:
        if not piece:
            continue
        client.feed(piece)
        try:
            while not isinstance(event := client.next_event(), Signal):
                events.append(event)
        except RemoteProtocolError as error:
            assert error.fatal
            return [*events, (error.text, error.fault)]
    return events


REPLY_LINES = st.sampled_from(
    [
        b"+OK",
        b"+OK ready <1.2@h>",
        b"-ERR no",
        b"-ERR [IN-USE] later",
        b"+ AAAA",
        b"+ ",
        b"1 120",
        b".",
        b"..",
        b"+OK 1 2",
    ]
)
REPLIES = st.lists(st.builds(bytes.__add__, st.one_of(REPLY_LINES, st.binary(max_size=50)), st.just(b"\r\n"))).map(
    b"".join
)
COMMANDS = st.lists(
    st.sampled_from([Stat(), List(), List(1), Retr(1), Top(1, 0), Uidl(), Capa(), Dele(1), Noop(), Auth(), Lang()])
)


@given(COMMANDS, REPLIES, st.lists(st.integers(0, 2000), max_size=8))
def test_any_split_gives_the_client_the_same_events(commands: list[Command], octets: bytes, cuts: list[int]) -> None:
    def run(pieces: list[bytes]) -> list[object]:
        client = Pop3Client()
        for command in commands:
            client.send(command)
        events = read(client, pieces)
        joined: list[object] = []
        for event in events:
            if isinstance(event, BodyChunk) and joined and isinstance(joined[-1], BodyChunk):
                joined[-1] = BodyChunk(joined[-1].octets + event.octets)
            else:
                joined.append(event)
        return joined

    whole = run([octets])
    assert run(split(octets, cuts)) == whole
    assert run([bytes([octet]) for octet in octets]) == whole


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).map(str.strip).filter(bool)
NUMBERS = st.integers(0, 10**9)
ANY_COMMAND = st.one_of(
    st.builds(Apop, NAMES, st.binary(min_size=16, max_size=16).map(bytes.hex)),
    st.builds(Auth, st.sampled_from(["PLAIN", "SCRAM-SHA-256"]), st.none() | st.binary(max_size=40)),
    st.builds(Pass, st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1)),
    st.builds(User, NAMES),
    st.builds(Rpop, NAMES),
    st.builds(Xtnd, NAMES | st.just("")),
    st.builds(Lang, st.none() | st.sampled_from(["tr", "en-GB", "*"])),
    st.builds(Top, NUMBERS, NUMBERS),
    *(st.builds(make, NUMBERS) for make in (Retr, Dele, List, Uidl)),
    st.sampled_from([List(), Uidl(), Stat(), Noop(), Rset(), Quit(), Capa(), Stls(), Utf8(), Auth(), Last()]),
)


@given(ANY_COMMAND)
def test_commands_are_read_as_they_are_written(command: Command) -> None:
    line = format_command(command)
    assert line.endswith(b"\r\n")
    assert parse_command(*split_command(line[:-2])) == command


@given(st.none() | st.binary())
def test_sasl_responses_are_read_as_they_are_written(octets: bytes | None) -> None:
    line = format_command(AuthResponse(octets))[:-2]
    assert parse_auth_response(line) == AuthResponse(octets)
    assert line == (b"*" if octets is None else base64.b64encode(octets))


TEXTS = st.text(st.characters(exclude_characters="\r\n\0[", exclude_categories=["Cs"]), max_size=60).map(str.strip)


@given(st.booleans(), TEXTS, st.sampled_from(["", "IN-USE", "SYS/TEMP", "AUTH"]))
def test_replies_are_read_as_they_are_written(is_ok: bool, text: str, code: str) -> None:
    reply = Reply(is_ok, text, code)
    assert parse_reply(format_reply(reply)[:-2]) == reply


@given(st.text(), st.text(max_size=20))
def test_a_reply_is_one_line_within_its_limit(text: str, code: str) -> None:
    line = format_reply(err(text, code))
    assert line.endswith(b"\r\n")
    assert len(line) <= 512
    assert line.count(b"\n") == line.count(b"\r") == 1


@pytest.mark.parametrize("secret", ["a\r\nDELE 1", "a\nb", "a\0b"])
def test_an_argument_cannot_carry_a_second_command(secret: str) -> None:
    with pytest.raises(ValueError, match="PASS"):
        format_command(Pass(secret))


def test_a_challenge_and_its_response() -> None:
    server, client = Pop3Server(), Pop3Client()
    from postane.pop3.replies import Challenge

    events = read(client, [server.send(ok("ready"))])
    server.feed(client.send(Auth("PLAIN")))
    assert server.next_event() == Auth("PLAIN")
    assert read(client, [server.send(Challenge(b""))]) == [Challenged(b"")]
    server.feed(client.send(AuthResponse(b"\0a\0b")))
    assert server.next_event() == AuthResponse(b"\0a\0b")
    assert read(client, [server.send(ok("in"))]) == [Answer(AuthResponse(b"\0a\0b"), ok("in"))]
    assert server.state == client.state == "transaction"
    assert len(events) == 1
