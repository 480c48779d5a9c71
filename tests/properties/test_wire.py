"""What the docstrings of the ground floor promise: any split gives the same, and inverses are inverses."""

import re
from contextlib import suppress
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from postane.config.units import (
    Endpoint,
    format_duration,
    format_size,
    parse_duration,
    parse_endpoint,
    parse_size,
)
from postane.mail.header_part import HeaderPart
from postane.mail.measure import Facts, Measure, measure
from postane.wire.crlf import BareCheck, LengthCheck, Mender
from postane.wire.dots import Stuffer, Unstuffer, has_dotted_line, stuff
from postane.wire.errors import RemoteProtocolError
from postane.wire.lines import LineBuffer

LIMIT = 8

# Dense in what matters: random octets would hardly ever hold a CRLF or a dot at a line's beginning.
octets = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"a", b"AUTH ", b"bcdefgh", b"\x00\xff"])).map(b"".join)


@st.composite
def split_octets(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """Some octets, whole and cut into pieces (some of them empty)."""
    whole = draw(octets)
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    return whole, [whole[start:stop] for start, stop in pairwise([0, *cuts, len(whole)])]


def lines_of(pieces: list[bytes], *, accepts_bare_lf: bool, drains: bool) -> list[bytes | str]:
    """Every line and every error; `drains`: ask for lines after each piece and not only at the end."""
    buffer, got = LineBuffer(accepts_bare_lf=accepts_bare_lf), []
    for number, piece in enumerate(pieces, 1):
        buffer.feed(piece)
        while drains or number == len(pieces):
            try:
                line = buffer.next_line(3 * LIMIT if buffer.starts_with(b"AUTH ") else LIMIT)
            except RemoteProtocolError as error:
                got.append(f"{error.fault} {error.fatal}")
                continue
            if line is None:
                break
            got.append(line)
    return got


@given(split_octets(), st.booleans(), st.booleans())
def test_any_split_gives_the_same_lines_and_errors(split, accepts_bare_lf, drains):
    whole, pieces = split
    expected = lines_of([whole], accepts_bare_lf=accepts_bare_lf, drains=True)
    assert lines_of(pieces, accepts_bare_lf=accepts_bare_lf, drains=drains) == expected


@given(octets)
def test_pop_lines_are_what_a_naive_reader_sees(whole):
    *complete, rest = re.split(rb"(?<=\n)", whole)
    expected = [
        "too long False" if len(line) > limit else line.removesuffix(b"\n").removesuffix(b"\r")
        for line in complete
        if (limit := 3 * LIMIT if line.startswith(b"AUTH ") else LIMIT)
    ]
    if len(rest) >= (3 * LIMIT if rest.startswith(b"AUTH ") else LIMIT):
        expected.append("too long False")
    assert lines_of([whole], accepts_bare_lf=True, drains=True) == expected


@given(split_octets())
def test_any_split_stuffs_the_same(split):
    whole, pieces = split
    stuffer = Stuffer()
    assert b"".join(map(stuffer.feed, pieces)) + stuffer.finish() == stuff(whole)


@given(octets)
def test_what_is_stuffed_ends_once_and_at_its_end(whole):
    sent = b"\r\n" + stuff(whole)
    assert sent.find(b"\r\n.\r\n") == len(sent) - 5


@given(split_octets())
def test_unstuffing_undoes_stuffing(split):
    whole, pieces = split
    stuffer, unstuffer, got = Stuffer(), Unstuffer(), b""
    for piece in [*map(stuffer.feed, pieces), stuffer.finish()]:
        got += unstuffer.feed(piece)
    assert unstuffer.is_finished
    assert unstuffer.rest == b""
    assert got == whole + (b"" if whole.endswith(b"\r\n") or not whole else b"\r\n")


@given(split_octets())
def test_what_is_known_to_have_no_dotted_line_has_none(split):
    whole, pieces = split
    at_once, unstuffer, measured, body = Unstuffer(), Unstuffer(), Measure(), b""
    expected = at_once.feed(whole)
    for piece in pieces:
        if unstuffer.is_finished:
            break
        given = unstuffer.feed(piece)
        assert not (unstuffer.is_undotted and has_dotted_line(given))
        measured.feed(given, is_undotted=unstuffer.is_undotted)
        body += given
    assert expected.startswith(body)
    assert measured.facts() == measure(body)


@given(split_octets())
def test_any_split_unstuffs_the_same(split):
    whole, pieces = split
    at_once, in_pieces, got = Unstuffer(), Unstuffer(), b""
    expected = at_once.feed(whole)
    rest = b""
    for piece in pieces:
        if in_pieces.is_finished:
            rest += piece
        else:
            got += in_pieces.feed(piece)
    assert (got, in_pieces.is_finished) == (expected, at_once.is_finished)
    assert in_pieces.rest + rest == at_once.rest


@given(split_octets())
def test_bare_line_ends_are_found_in_any_split(split):
    whole, pieces = split
    check = BareCheck()
    for piece in pieces:
        check.feed(piece)
    check.finish()
    assert check.has_bare == bool(re.search(rb"\r(?!\n)|(?<!\r)\n", whole))


@given(split_octets())
def test_the_mender_leaves_nothing_bare_and_nothing_else_changed(split):
    whole, pieces = split
    mender = Mender()
    mended = b"".join(map(mender.feed, pieces)) + mender.finish()
    assert mended == re.sub(rb"\r\n|\r|\n", b"\r\n", whole)
    check = BareCheck()
    check.feed(mended)
    check.finish()
    assert not check.has_bare


@given(split_octets(), st.integers(0, 12))
def test_the_length_check_agrees_with_a_naive_one(split, limit):
    whole, pieces = split
    check = LengthCheck(limit)
    for piece in pieces:
        check.feed(piece)
    assert check.is_exceeded == any(len(line.removesuffix(b"\r")) > limit for line in whole.split(b"\n"))


@given(split_octets())
def test_any_split_gives_the_same_facts(split):
    whole, pieces = split
    taken, at_once = Measure(), Measure()
    at_once.feed(whole)
    for piece in pieces:
        taken.feed(piece)
    assert taken.facts() == at_once.facts() == measure(whole)
    assert taken.ends_with_line == at_once.ends_with_line


@given(split_octets())
def test_any_split_finds_the_same_header_part(split):
    whole, pieces = split
    taken, at_once = HeaderPart(1000), HeaderPart(1000)
    at_once.feed(whole)
    for piece in pieces:
        taken.feed(piece)
    assert (taken.kept, taken.octets, taken.is_over) == (at_once.kept, at_once.octets, at_once.is_over)


@given(octets)
def test_the_facts_agree_with_naive_ones(whole):
    header = 2 if whole.startswith(b"\r\n") else whole.find(b"\r\n\r\n") + 4
    facts = measure(whole)
    assert facts == Facts(
        octets=len(whole),
        header_octets=header if header >= 4 or whole.startswith(b"\r\n") else len(whole),
        is_dotted=(b"\r\n" + whole).find(b"\r\n.") >= 0,
        digest=facts.digest,
        excess=facts.excess,
    )
    assert (facts.excess is None) is whole[: facts.header_octets].isascii()


@given(st.integers(0, 2**63 - 1))
def test_sizes_are_written_and_read_back(size):
    assert parse_size(format_size(size)) == parse_size(size) == size


@given(st.floats(0, 10**15) | st.integers(0, 10**9).map(float))
def test_durations_are_written_and_read_back(seconds):
    assert parse_duration(format_duration(seconds)) == parse_duration(seconds) == seconds


hosts = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,20}", fullmatch=True).filter(
    lambda host: host != "unix"
) | st.ip_addresses().map(str)
endpoints = st.builds(Endpoint, host=hosts, port=st.integers(0, 65535)) | st.builds(
    Endpoint, path=st.text(st.characters(exclude_characters="\n\x00"), min_size=1)
)


@given(endpoints)
def test_endpoints_are_written_and_read_back(endpoint):
    assert parse_endpoint(str(endpoint)) == parse_endpoint(endpoint) == endpoint


@given(st.text() | st.integers() | st.floats() | st.none() | st.booleans() | st.binary())
def test_any_value_is_read_or_is_a_value_error(value):
    for parse in (parse_size, parse_duration, parse_endpoint):
        with suppress(ValueError):
            assert parse(value) is not None
