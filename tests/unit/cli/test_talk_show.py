"""How a conversation is written down."""

import io
import json
import stat
from pathlib import Path

import pytest

from postane.cli.talk_show import JsonPrinter, PlainPrinter, Tee, Transcript, text_of
from postane.talk.base import Answered, Heard, Mood, Remark, Said, Told, Tone
from postane.wire.chart import Outcome

DIALOGUE: list[Told] = [
    Heard(b"+OK ready", Tone.YES),
    Said("LIST", True),
    Heard(b"+OK", Tone.YES),
    Heard(b"1 120", Tone.BODY),
    Heard(b"2 200", Tone.BODY),
    Heard(b".", Tone.BODY),
    Answered("LIST", Outcome.ACCEPTED),
    Remark("a note"),
]


def test_a_dialogue_reads_as_in_an_rfc():
    out, err = io.StringIO(), io.StringIO()
    printer = PlainPrinter(out.write, err.write)
    for told in DIALOGUE:
        printer(told)
    assert out.getvalue() == "S: +OK ready\nC: LIST\nS: +OK\nS: 1 120\nS: 2 200\nS: .\n"
    assert err.getvalue() == "-- a note\n"


def test_bare_is_what_the_server_says_and_nothing_else():
    out = io.StringIO()
    printer = PlainPrinter(out.write, lambda _: None, is_bare=True)
    for told in DIALOGUE:
        printer(told)
    assert out.getvalue() == "+OK ready\n+OK\n1 120\n2 200\n.\n"


def test_a_long_line_is_one_line():
    out = io.StringIO()
    printer = PlainPrinter(out.write, out.write)
    for told in (Heard(b"ab", Tone.BODY, False), Heard(b"cd", Tone.BODY), Heard(b"e", Tone.BODY, False), Said("QUIT")):
        printer(told)
    assert out.getvalue() == "S: abcd\nS: e\nC: QUIT\n"


@pytest.mark.parametrize(
    ("octets", "text"),
    [(b"\x1b[2J\x07", r"\x1b[2J\x07"), (b"a\tb", "a       b"), ("dünya \u202e".encode(), r"dünya \u202e"),
     (b"\xff\r\x00", "\ufffd\\r\\x00"), (b"\x9b1m", "\ufffd1m"), ("\x9b1m".encode(), r"\x9b1m")],
)  # fmt: skip
def test_nothing_moves_the_cursor(octets, text):
    assert text_of(octets) == text


def test_a_limit_hides_the_rest_of_a_body_and_counts_it():
    told: list[Told] = []
    tee = Tee(told.append)
    tee.limit = 1
    for each in DIALOGUE:
        tee(each)
    assert told == [*DIALOGUE[:4], Remark("1 more line"), *DIALOGUE[5:]]
    del told[:]
    tee.limit = None
    for each in DIALOGUE:
        tee(each)
    assert told == DIALOGUE


def test_json_is_an_object_a_line_for_each_exchange():
    out = io.StringIO()
    printer = JsonPrinter(out.write, lambda: "transaction")
    for told in DIALOGUE[1:]:
        printer(told)
    printer(Said("RETR \udcff"))
    printer(Heard(b"half", Tone.BODY, False))
    printer(Heard(b"whole", Tone.BODY))
    printer(Remark("text", Mood.TEXT))
    printer.flush()
    printer.flush()
    first, second = map(json.loads, out.getvalue().splitlines())
    assert first == {
        "said": ["LIST"], "heard": ["+OK"], "body": ["1 120", "2 200", "."], "verb": "LIST", "outcome": "accepted",
        "remarks": ["a note"], "state": "transaction",
    }  # fmt: skip
    assert second == {"said": ["RETR ?"], "body": ["halfwhole"], "text": ["text"], "state": "transaction"}


def test_a_transcript_is_its_owners_alone(tmp_path: Path):
    path = tmp_path / "t.txt"
    transcript = Transcript(str(path), "pop3 with host:110")
    for told in (*DIALOGUE, Remark("shown", Mood.TEXT)):
        transcript(told)
    transcript.close()
    first, *lines = path.read_text().splitlines()
    assert first.startswith("-- ")
    assert first.endswith("pop3 with host:110")
    assert lines == ["S: +OK ready", "C: LIST", "S: +OK", "S: 1 120", "S: 2 200", "S: .", "-- a note"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        Transcript(str(path), "again")
