"""What POP1's machines promise: any octets, any split, every verb in every state."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postane.pop1.client import Answer, BodyChunk, BodyEnd, Greeted, Pop1Client
from postane.pop1.commands import Command, Noop, Pass, Quit, Rcev, Rcvd, Rdel, Retr, Rset, User, Verb
from postane.pop1.grammar import format_command, format_line, parse_command, parse_line, split_command
from postane.pop1.replies import Data, Length, Reply, Value, err, ok
from postane.pop1.server import Pop1Server
from postane.pop1.states import SERVER, State
from postane.wire.errors import RemoteProtocolError
from postane.wire.machine import Signal

BODY = b"-ERR 1\r\n#2\r\n"
SAMPLES: dict[Verb, bytes] = {
    Verb.USER: b"USER a",
    Verb.PASS: b"PASS b c",
    Verb.RETR: b"RETR x",
    Verb.RDEL: b"RDEL",
    **{verb: verb.encode() for verb in (Verb.RCEV, Verb.RCVD, Verb.NOOP, Verb.RSET, Verb.QUIT)},
}
WAYS: dict[State, list[Verb]] = {
    State.AUTHORIZATION: [],
    State.PASSWORD: [Verb.USER],
    State.TRANSACTION: [Verb.USER, Verb.PASS],
    State.MAILBOX: [Verb.USER, Verb.PASS, Verb.RETR],
    State.RECEIVED: [Verb.USER, Verb.PASS, Verb.RDEL, Verb.RCEV],
}
LINES = st.one_of(
    st.sampled_from(sorted(SAMPLES.values())),
    st.binary(max_size=100),
    st.builds(lambda verb, rest: verb.encode() + b" " + rest, st.sampled_from(list(Verb)), st.binary(max_size=40)),
    st.integers(500, 520).map(lambda size: b"USER " + b"x" * size),
    st.integers(500, 70_000).map(lambda size: b"x" * size),
    st.sampled_from([b"USER a\0b", b"USER \xff", b"", b" ", b"PASS "]),
)
OCTETS = st.lists(
    st.builds(bytes.__add__, LINES, st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r", b""])), max_size=12
).map(b"".join)
GOOD = st.lists(st.sampled_from(sorted(SAMPLES.values())), max_size=12).map(
    lambda lines: b"".join(line + b"\r\n" for line in [b"USER a", b"PASS b", *lines])
)
CUTS = st.lists(st.integers(0, 100_000), max_size=8)


def split(octets: bytes, cuts: list[int]) -> list[bytes]:
    """The octets in pieces, cut at each place."""
    places = sorted({cut % (len(octets) + 1) for cut in cuts})
    return [octets[start:stop] for start, stop in zip([0, *places], [*places, len(octets)], strict=True)]


def answer_to(command: Command) -> Value:
    """A kind answer."""
    match command:
        case Retr() | Rdel():
            return Length(len(BODY))
        case Rcev():
            return Data(BODY)
        case _:
            return ok()


def serve(pieces: list[bytes]) -> list[object]:
    """All that a server's machine gives and says, every command being answered kindly."""
    machine = Pop1Server()
    seen: list[object] = [machine.send(ok("ready"))]
    for piece in pieces:
        machine.feed(piece)
        while True:
            try:
                event = machine.next_event()
            except RemoteProtocolError as error:
                seen += [(error.text, error.fault), machine.send(err(error.text))]
                continue
            if isinstance(event, Signal):
                break
            seen += [event, machine.send(answer_to(event)), machine.state]
    return seen


@given(st.one_of(OCTETS, GOOD), CUTS)
@example(b"USER " + b"x" * 505 + b"\r\nQUIT\r\n", [511, 512, 513])
@example(b"USER " + b"x" * 506 + b"\r\nQUIT\r\n", [511, 512, 513])
def test_any_split_gives_the_server_the_same_events(octets: bytes, cuts: list[int]) -> None:
    assert serve(split(octets, cuts)) == serve([octets])


@given(st.one_of(OCTETS.filter(lambda octets: len(octets) < 2000), GOOD))
def test_octet_by_octet_is_a_split_too(octets: bytes) -> None:
    assert serve([octets[at : at + 1] for at in range(len(octets))]) == serve([octets])


@pytest.mark.parametrize(("state", "verb"), list(itertools.product(WAYS, SAMPLES)))
def test_every_verb_in_every_state(state: State, verb: Verb) -> None:
    way = b"".join(SAMPLES[step] + b"\r\n" for step in WAYS[state])
    seen = serve([way + SAMPLES[verb] + b"\r\n"])
    said = [each for each in seen if isinstance(each, bytes)][1 + len(WAYS[state]) :]
    assert len(said) == 1
    if SERVER.permits(state, verb):
        assert said[0] == BODY or said[0][:1] in b"+#"
    else:
        assert said[0].startswith(b"-ERR %s is not possible now: " % verb.encode())
        assert serve([way]) == seen[:-2], "it leads nowhere"


def read(client: Pop1Client, pieces: list[bytes]) -> list[object]:
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


REPLIES = st.lists(
    st.one_of(
        st.sampled_from([b"+OK ready", b"#2", b"#0 octets", b"-ERR no", b"-Error", b"hello", b"+"]),
        st.binary(max_size=30),
    ).map(lambda line: line + b"\r\n"),
    max_size=8,
).map(b"".join)


@given(REPLIES, CUTS)
def test_any_split_gives_the_client_the_same_events(octets: bytes, cuts: list[int]) -> None:
    whole = read(Pop1Client(), [octets])
    assert read(Pop1Client(), split(octets, cuts)) == whole
    assert read(Pop1Client(), [octets[at : at + 1] for at in range(len(octets))]) == whole


@given(st.lists(st.binary(max_size=300), max_size=3), CUTS, CUTS)
def test_client_and_server_understand_each_other(mailboxes: list[bytes], cuts: list[int], chunks: list[int]) -> None:
    server, client = Pop1Server(), Pop1Client()

    def ask(command: Command, *values: Value) -> list[object]:
        server.feed(client.send(command))
        assert server.next_event() == command
        octets = b"".join(server.send(value) for value in values)
        return read(client, split(octets, cuts)) if octets else [client.next_event()]

    assert read(client, [server.send(ok("ready"))]) == [Greeted(ok("ready"))]
    for command in (User("a b"), Pass(" c ")):
        assert ask(command, ok("go on")) == [Answer(command, ok("go on"))]
    for number, mailbox in enumerate(mailboxes):
        begin = (Retr("x y"), Rdel())[number % 2]
        assert ask(begin, Length(len(mailbox))) == [Answer(begin, Length(len(mailbox)))]
        pieces = [Data(piece) for piece in split(mailbox, chunks) if piece] or [Data(b"")]
        assert ask(Rcev(), *pieces) == [*([BodyChunk(mailbox)] if mailbox else []), BodyEnd()]
        end = (Rcvd(), Rset())[number % 2]
        assert ask(end, ok()) == [Answer(end, ok())]
    assert ask(Quit(), ok()) == [Answer(Quit(), ok())]


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).map(str.strip).filter(bool)
SECRETS = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
ANY_COMMAND = st.one_of(
    st.builds(User, NAMES),
    st.builds(Pass, SECRETS),
    st.builds(Retr, st.none() | NAMES),
    st.builds(Rdel, st.none() | NAMES),
    st.sampled_from([Rcev(), Rcvd(), Noop(), Rset(), Quit()]),
)


@given(ANY_COMMAND)
def test_commands_are_read_as_they_are_written(command: Command) -> None:
    line = format_command(command)
    assert line.endswith(b"\r\n")
    assert parse_command(*split_command(line[:-2])) == command


TEXTS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=60).map(str.strip)


@given(st.one_of(st.builds(Reply, st.booleans(), TEXTS), st.builds(Length, st.integers(0, 10**14))))
def test_replies_are_read_as_they_are_written(reply: Reply | Length) -> None:
    assert parse_line(format_line(reply)[:-2]) == reply


@given(st.text())
def test_a_reply_is_one_line_within_its_limit(text: str) -> None:
    line = format_line(err(text))
    assert line.endswith(b"\r\n")
    assert len(line) <= 512
    assert line.count(b"\n") == line.count(b"\r") == 1
