"""What a mailbox of many messages promises: any messages, any split, and back again."""

from hypothesis import example, given
from hypothesis import strategies as st

from postane.mail.mboxrd import (
    NOBODY,
    SENDER_LIMIT,
    BadMailbox,
    MessageEnd,
    Piece,
    Postmark,
    Quoter,
    Splitter,
    format_postmark,
    parse_postmark,
)

WORDS = st.sampled_from(
    [b"From ", b">", b">>", b"From", b"\r\n", b"\n", b"\r", b" ", b"x", b"From a Mon", b"Fr", b"om "]
)
BODIES = st.one_of(st.lists(WORDS, max_size=20).map(b"".join), st.binary(max_size=60))
CUTS = st.lists(st.integers(0, 10_000), max_size=12)
SENDERS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=SENDER_LIMIT).filter(lambda s: s != NOBODY)
TIMES = st.integers(0, 253_402_300_799).map(float)
LETTERS = st.lists(st.tuples(SENDERS, TIMES, BODIES), max_size=6)


def split(octets: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(octets) + 1) for cut in cuts})
    return [octets[start:stop] for start, stop in zip([0, *places], [*places, len(octets)], strict=True)]


def quote(body: bytes, cuts: list[int]) -> bytes:
    quoter = Quoter()
    return b"".join(quoter.feed(piece) for piece in split(body, cuts)) + quoter.finish()


def part(pieces: list[bytes]) -> list[object]:
    """All parts of a mailbox, each message's pieces joined; an error is the only entry."""
    splitter = Splitter()
    seen: list[object] = []
    try:
        parts = [each for piece in pieces for each in splitter.feed(piece)] + splitter.finish()
    except BadMailbox as error:
        return [str(error)]
    for each in parts:
        if isinstance(each, Piece) and seen and isinstance(seen[-1], Piece):
            seen[-1] = Piece(seen[-1].octets + each.octets)
        else:
            seen.append(each)
    return seen


@given(LETTERS, CUTS, CUTS)
@example([("", 0.0, b"\r\n\r\n"), ("a", 0.0, b"From x\n>From y\r\n\r\n"), ("", 1.0, b"")], [1, 2, 3], [30, 31, 32, 33])
def test_what_is_put_together_comes_apart_as_it_was(
    letters: list[tuple[str, float, bytes]], a: list[int], b: list[int]
):
    mailbox = b"".join(format_postmark(sender, arrived) + quote(body, a) for sender, arrived, body in letters)
    wanted: list[object] = []
    for sender, arrived, body in letters:
        whole = body if not body or body.endswith(b"\n") else body + b"\r\n"
        wanted += [Postmark(sender, arrived), *([Piece(whole)] if whole else []), MessageEnd()]
    assert part(split(mailbox, b)) == wanted
    assert part([mailbox[at : at + 1] for at in range(len(mailbox))]) == wanted


@given(BODIES, CUTS)
def test_any_split_is_quoted_alike_and_hides_every_postmark(body: bytes, cuts: list[int]):
    quoted = quote(body, cuts)
    assert quoted == quote(body, [])
    assert quoted == quote(body, list(range(len(body))))
    assert not quoted.startswith(b"From ")
    assert b"\nFrom " not in quoted


@given(st.lists(st.one_of(WORDS, st.sampled_from([format_postmark("a", 1.0), b"\r\n\r\n"])), max_size=20), CUTS)
@example([b"From " + b"x" * 1993, b"\r\n"], [7])
@example([b"From " + b"x" * 1994, b"\r\n"], [7])
def test_any_octets_are_parted_alike_however_they_come(words: list[bytes], cuts: list[int]):
    octets = b"".join(words)
    whole = part([octets])
    assert part(split(octets, cuts)) == whole
    assert part([octets[at : at + 1] for at in range(len(octets))]) == whole


@given(SENDERS, TIMES)
def test_postmarks_are_read_as_they_are_written(sender: str, arrived: float):
    line = format_postmark(sender, arrived)
    assert line.endswith(b"\r\n")
    assert line.count(b"\n") == 1
    assert parse_postmark(line) == Postmark(sender, arrived)


@given(st.binary(max_size=80))
def test_any_line_is_a_postmark_of_some_kind(line: bytes):
    assert isinstance(parse_postmark(b"From " + line), Postmark)
