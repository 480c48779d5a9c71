"""What the surrogate of a message promises, for any octets and any split."""

from hypothesis import example, given
from hypothesis import strategies as st

from postane.mail.downgrade import LINE_LIMIT, Downgrader, downgrade_header
from postane.mail.encoded_words import encoded_words
from postane.mail.measure import Measure, measure
from postane.maildrop.spool import joined_facts

NAMES = st.sampled_from(
    [
        "Subject",
        "From",
        "To",
        "Return-Path",
        "Content-Type",
        "Content-Disposition",
        "Received",
        "X-Y",
        "message-id",
        "ü",
    ]
)
VALUES = st.lists(
    st.one_of(
        st.text(max_size=8).map(str.encode),
        st.sampled_from([b"a@b", "ü@b".encode(), b"<a@b>", "<ü@b>".encode(), b"x" * 90, b"=?utf-8?q?a?=", b"name="]),
        st.sampled_from([b",", b":", b";", b'"', b"\\", b"(", b")", b"[", b"]", b" ", b"\r\n ", b"\r\n\t", b"\xff"]),
        st.binary(max_size=6),
    ),
    max_size=12,
).map(b"".join)
FIELDS = st.builds(lambda name, value: name.encode() + b": " + value + b"\r\n", NAMES, VALUES)
HEADERS = st.lists(FIELDS, max_size=5).map(b"".join)
BODIES = st.one_of(st.just(b""), st.binary(max_size=40).map(lambda octets: b"\r\n" + octets))
MESSAGES = st.builds(bytes.__add__, HEADERS, BODIES)


def is_whole(header: bytes) -> bool:
    """Whether it is fields and nothing else, and so may stand before others."""
    return not header or (header.endswith(b"\r\n") and not header.startswith(b"\r\n") and b"\r\n\r\n" not in header)


@given(MESSAGES)
@example("Subject: ü".encode())
@example(b"\r\n")
def test_the_header_part_is_ascii_and_stays_so(message):
    header = message[: measure(message).header_octets]
    made = downgrade_header(header)
    assert made.isascii()
    assert downgrade_header(made) == made
    assert made.endswith(b"\r\n\r\n") or not header.endswith(b"\r\n\r\n") or made == b"\r\n"


@given(MESSAGES)
def test_no_line_becomes_too_long(message):
    header = message[: measure(message).header_octets]
    longest = max(map(len, header.split(b"\r\n")), default=0)
    assert max(map(len, downgrade_header(header).split(b"\r\n")), default=0) <= max(longest, LINE_LIMIT)


@given(MESSAGES, st.lists(st.integers(0, 1000), max_size=6))
def test_any_split_gives_the_same_octets_and_the_size_is_the_promised_one(message, cuts):
    facts = measure(message)
    downgrader = Downgrader(facts.header_octets)
    places = sorted({cut % (len(message) + 1) for cut in cuts})
    pieces = [message[start:stop] for start, stop in zip([0, *places], [*places, len(message)], strict=True)]
    made = b"".join(map(downgrader.feed, pieces))
    body = message[facts.header_octets :]
    assert made == downgrade_header(message[: facts.header_octets]) + body
    assert len(made) == facts.octets + (facts.excess or 0)
    assert (facts.excess is None) is message[: facts.header_octets].isascii()


@given(HEADERS.filter(is_whole), MESSAGES)
def test_a_lead_and_a_body_are_downgraded_apart(lead, body):
    taken = Measure()
    taken.feed(body)
    facts = joined_facts(lead, taken.facts())
    made = downgrade_header(lead) + Downgrader(facts.header_octets - len(lead)).feed(body)
    assert len(made) == facts.octets + (facts.excess or 0)


@given(st.binary(min_size=1, max_size=200), st.integers(0, 100))
def test_encoded_words_have_no_octet_too_many(octets, used):
    words = encoded_words(octets, used)
    assert all(len(word) <= 75 and word.isascii() and " " not in word for word in words)
