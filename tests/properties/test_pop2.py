"""What POP2's machines promise: any octets, any split, every verb in every state."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postane.pop2.client import Answer, BodyChunk, BodyEnd, Greeted, Pop2Client
from postane.pop2.commands import Ackd, Acks, Command, Fold, Helo, Nack, Quit, Read, Retr, Verb
from postane.pop2.grammar import format_command, format_line, parse_command, parse_line, quote, split_command, unquote
from postane.pop2.replies import Count, Data, Err, Greeting, Hangup, Length, Ok, Value
from postane.pop2.server import Pop2Server
from postane.pop2.states import SERVER, State
from postane.wire.errors import LocalProtocolError, RemoteProtocolError
from postane.wire.machine import Signal

SAMPLES: dict[Verb, bytes] = {
    Verb.HELO: b"HELO a\\ b c",
    Verb.FOLD: b"FOLD x y",
    Verb.READ: b"READ 1",
    **{verb: verb.encode() for verb in (Verb.RETR, Verb.ACKS, Verb.ACKD, Verb.NACK, Verb.QUIT)},
}
BODY = b"- 1\r\n#2\r\n"
ANSWERS: dict[Verb, Value] = {
    Verb.HELO: Count(2),
    Verb.FOLD: Count(1),
    Verb.READ: Length(len(BODY)),
    Verb.RETR: Data(BODY),
    Verb.ACKS: Length(len(BODY)),
    Verb.ACKD: Length(len(BODY)),
    Verb.NACK: Length(len(BODY)),
    Verb.QUIT: Ok("bye"),
}
WAYS: dict[State, list[Verb]] = {
    State.AUTH: [],
    State.MBOX: [Verb.HELO],
    State.ITEM: [Verb.HELO, Verb.READ],
    State.NEXT: [Verb.HELO, Verb.READ, Verb.RETR],
}

LINES = st.one_of(
    st.sampled_from(sorted(SAMPLES.values())),
    st.binary(max_size=100),
    st.builds(lambda verb, rest: verb.encode() + b" " + rest, st.sampled_from(list(Verb)), st.binary(max_size=40)),
    st.integers(500, 520).map(lambda size: b"HELO a " + b"x" * size),
    st.sampled_from(
        [b"READ -1", b"READ 99999999999999999999", b"READ \xd9\xa3", b"HELO a\\", b"\\", b"HELO \0 b", b""]
    ),
)
OCTETS = st.lists(
    st.builds(bytes.__add__, LINES, st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r", b""])), max_size=12
).map(b"".join)
GOOD = st.lists(st.sampled_from(sorted(SAMPLES.values())), max_size=10).map(
    lambda lines: b"".join(line + b"\r\n" for line in [b"HELO a b", *lines])
)
CUTS = st.lists(st.integers(0, 100_000), max_size=8)


def split(octets: bytes, cuts: list[int]) -> list[bytes]:
    """The octets in pieces, cut at each place."""
    places = sorted({cut % (len(octets) + 1) for cut in cuts})
    return [octets[start:stop] for start, stop in zip([0, *places], [*places, len(octets)], strict=True)]


def serve(pieces: list[bytes]) -> list[object]:
    """All that a server's machine gives and says, every command being answered kindly."""
    machine = Pop2Server()
    seen: list[object] = [machine.send(Greeting("h"))]
    for piece in pieces:
        machine.feed(piece)
        while True:
            try:
                event = machine.next_event()
            except RemoteProtocolError as error:
                assert error.fatal
                seen.append((error.text, error.fault))
                seen.append(machine.send(Err(error.text)))
                assert machine.is_closed
                continue
            if isinstance(event, Signal):
                break
            seen += [event, machine.send(ANSWERS[event.verb]), machine.state]
    return seen


@given(st.one_of(OCTETS, GOOD), CUTS)
@example(b"HELO a " + b"x" * 503 + b"\r\nQUIT\r\n", [511, 512, 513])
@example(b"HELO a " + b"x" * 504 + b"\r\nQUIT\r\n", [511, 512, 513])
def test_any_split_gives_the_server_the_same_events(octets: bytes, cuts: list[int]) -> None:
    whole = serve([octets])
    assert serve(split(octets, cuts)) == whole
    assert serve([octets[at : at + 1] for at in range(len(octets))]) == whole


@pytest.mark.parametrize(("state", "verb"), list(itertools.product(WAYS, SAMPLES)))
def test_every_verb_in_every_state(state: State, verb: Verb) -> None:
    line = SAMPLES[verb] + b"\r\n"
    seen = serve([b"".join(SAMPLES[step] + b"\r\n" for step in WAYS[state]) + line + b"READ 1\r\n"])
    said = [each for each in seen if isinstance(each, bytes)][1 + len(WAYS[state]) :]
    if SERVER.permits(state, verb):
        assert not said[0].startswith(b"- ") or verb is Verb.RETR
    else:
        assert said == [b"- %s is not possible now\r\n" % verb.encode()], "and nothing after it"


def read(client: Pop2Client, pieces: list[bytes]) -> list[object]:
    """All events of a client that is fed; a fatal error is the last of them."""
    events: list[object] = []
    for piece in pieces:
        if not piece:
            continue
        client.feed(piece)
        try:
            while not isinstance(event := client.next_event(), Signal):
                if isinstance(event, BodyChunk) and events and isinstance(events[-1], BodyChunk):
                    events[-1] = BodyChunk(events[-1].octets + event.octets)
                else:
                    events.append(event)
        except RemoteProtocolError as error:
            assert error.fatal
            return [*events, (error.text, error.fault)]
    return events


def listen(octets: bytes, cuts: list[int], word: Command) -> list[object]:
    """What a client makes of the octets, and what it can say then."""
    client = Pop2Client()
    events = read(client, split(octets, cuts))
    try:
        events.append(client.send(word))
    except LocalProtocolError as error:
        events.append(error.text)
    return events


REPLIES = st.lists(
    st.one_of(
        st.sampled_from([b"+ POP2 h ready", b"#2 messages", b"=5", b"=0", b"- no", b"+ OK", b"hello"]),
        st.binary(max_size=30),
    ).map(lambda line: line + b"\r\n"),
    max_size=8,
).map(b"".join)


@given(REPLIES, CUTS)
def test_any_split_gives_the_client_the_same_events(octets: bytes, cuts: list[int]) -> None:
    for word in (Helo("a", "b"), Read(), Quit()):
        whole = listen(octets, [], word)
        assert listen(octets, cuts, word) == whole
        assert listen(octets, list(range(len(octets))), word) == whole


@given(st.binary(min_size=1, max_size=300), REPLIES, CUTS)
def test_a_message_is_told_from_what_follows_by_its_length_alone(body: bytes, rest: bytes, cuts: list[int]) -> None:
    def run(cuts: list[int]) -> list[object]:
        client = Pop2Client()
        read(client, [b"+ POP2 h\r\n"])
        client.send(Helo("a", "b"))
        read(client, [b"#1\r\n"])
        client.send(Read())
        read(client, [b"=%d\r\n" % len(body)])
        client.send(Retr())
        return read(client, split(body + rest, cuts))

    whole = run([])
    assert whole[:2] == [BodyChunk(body), BodyEnd()]
    assert run(cuts) == whole


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=4), CUTS, CUTS)
def test_client_and_server_understand_each_other(bodies: list[bytes], cuts: list[int], chunks: list[int]) -> None:
    server, client = Pop2Server(), Pop2Client()

    def ask(command: Command, *values: Value) -> list[object]:
        server.feed(client.send(command))
        assert server.next_event() == command
        return read(client, split(b"".join(server.send(value) for value in values), cuts))

    assert read(client, [server.send(Greeting("h", "ready"))]) == [Greeted(Greeting("h", "ready"))]
    assert ask(Helo("a b", "c\\d"), Count(len(bodies), "messages")) == [
        Answer(Helo("a b", "c\\d"), Count(len(bodies), "messages"))
    ]
    assert ask(Read(), Length(len(bodies[0]))) == [Answer(Read(), Length(len(bodies[0])))]
    for number, body in enumerate(bodies, 1):
        pieces = [Data(piece) for piece in split(body, chunks) if piece]
        assert ask(Retr(), *pieces) == [BodyChunk(body), BodyEnd()]
        ack = (Ackd(), Acks(), Nack())[number % 3]
        length = Length(len(bodies[number]) if number < len(bodies) else 0, "next")
        assert ask(ack, length) == [Answer(ack, length)]
    assert ask(Quit(), Ok("bye")) == [Answer(Quit(), Ok("bye"))]


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
SECRETS = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
ANY_COMMAND = st.one_of(
    st.builds(Helo, NAMES, SECRETS),
    st.builds(Fold, NAMES),
    st.builds(Read, st.none() | st.integers(0, 10**14)),
    st.sampled_from([Retr(), Acks(), Ackd(), Nack(), Quit()]),
)


@given(ANY_COMMAND)
@example(Helo("\\", " "))
@example(Helo(" a", "b "))
@example(Fold(" "))
def test_commands_are_read_as_they_are_written(command: Command) -> None:
    line = format_command(command)
    assert line.endswith(b"\r\n")
    assert b"\n" not in line[:-2]
    assert parse_command(*split_command(line[:-2])) == command


@given(st.binary(max_size=200))
def test_quoting_is_undone(octets: bytes) -> None:
    assert unquote(quote(octets)) == octets
    assert b" " not in quote(octets).replace(b"\\ ", b"")


TEXTS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=60).map(str.strip)
NUMBERS = st.integers(0, 10**14)


@given(
    st.one_of(
        st.builds(Ok, TEXTS), st.builds(Err, TEXTS), st.builds(Count, NUMBERS, TEXTS), st.builds(Length, NUMBERS, TEXTS)
    )
)
def test_replies_are_read_as_they_are_written(reply: Ok | Err | Count | Length) -> None:
    assert parse_line(format_line(reply)[:-2]) == reply


@given(st.one_of(st.builds(Ok, st.text()), st.builds(Err, st.text()), st.builds(Greeting, st.text(), st.text())))
def test_a_reply_is_one_line_within_its_limit(reply: Ok | Err | Greeting) -> None:
    line = format_line(reply)
    assert line.endswith(b"\r\n")
    assert len(line) <= 512
    assert line.count(b"\n") == line.count(b"\r") == 1


def test_a_hangup_says_nothing() -> None:
    machine = Pop2Server()
    assert machine.send(Hangup()) == b""
    assert machine.is_closed
