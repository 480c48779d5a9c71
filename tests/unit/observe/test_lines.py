"""The same octets as by structlog's own processors and logger, whatever is told."""

import io
import json
import math
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from postane.observe.lines import SECOND, JsonLine, LineWriter, Stamp

NOW = 1_790_000_000 * SECOND + 123_456_789
SCHEME = {"encoding": "utf-8", "errors": "backslashreplace"}  # Python's for standard error


class Ending(StrEnum):
    QUIT = "quit"


class Number(IntEnum):
    ONE = 1


class Told:
    def __structlog__(self) -> dict[str, Any]:
        return {"told": "by itself", "at": [1, None]}


class Shown:
    def __repr__(self) -> str:
        return '<Shown "\x1b[2J\n">'


def failure() -> ValueError:
    try:
        raise ValueError("ü \udcff\n\x1b[2J")
    except ValueError as error:
        return error


VALUES = [
    None,
    True,
    0,
    -(10**30),
    0.1 + 0.2,
    1e300,
    -0.0,
    math.inf,
    -math.inf,
    math.nan,
    "",
    "gül 🐫 \u2028 \u202e",
    "\udcff\ud800",
    'quote " back \\ slash / tab \t line \r\n nul \0 del \x7f esc \x1b[2J',
    b"octets \xff",
    bytearray(b"x"),
    Ending.QUIT,
    Number.ONE,
    Told(),
    Shown(),
    Path("/tmp/x"),
    {1, },
    (1, "two", [3.0, {"four": None, "fünf": (6,)}]),
    {"a": {"b": {"c": ["\udcff", Shown()]}}, 7: "seven", None: "none", True: 1, 2.5: 2},
    [[[[[[]]]]]],
    ValueError("why"),
]  # fmt: skip


def by_structlog(level: str, event: str | None, facts: dict[str, Any]) -> bytes:
    """As it was before there was `lines`, but for the clock."""

    def stamp(_log: object, _method: str, told: Any) -> Any:
        told["timestamp"] = datetime.fromtimestamp(NOW // 1000 / 10**6, UTC).isoformat().replace("+00:00", "Z")
        return told

    file = io.BytesIO()
    stream = io.TextIOWrapper(file, **SCHEME, newline="\n", line_buffering=True)
    processors = [
        structlog.processors.add_log_level,
        stamp,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    log = structlog.wrap_logger(structlog.WriteLogger(stream), processors=processors, wrapper_class=FILTER)
    getattr(log, level)(event, **facts)
    return file.getvalue()


def by_ours(level: str, event: str | None, facts: dict[str, Any]) -> bytes:
    reads, writes = os.pipe()
    try:
        processors = [Stamp(lambda: NOW), JsonLine()]
        writer = LineWriter(writes, **SCHEME)
        log = structlog.wrap_logger(writer, processors=processors, wrapper_class=FILTER)
        getattr(log, level)(event, **facts)
        os.close(writes)
        with open(reads, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(reads)


FILTER = structlog.make_filtering_bound_logger(0)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_has_the_same_octets_as_before(value: Any) -> None:
    facts = {"why": value, "seconds": 0.125}
    told = by_ours("info", "session", facts)
    assert told == by_structlog("info", "session", facts)
    assert told.count(b"\n") == 1


@pytest.mark.parametrize("level", ["debug", "info", "warning", "warn", "error", "critical", "fatal"])
def test_a_level_has_its_name_as_before(level: str) -> None:
    assert by_ours(level, "it", {}) == by_structlog(level, "it", {})


@pytest.mark.parametrize(
    "trouble", [None, False, True, failure(), (ValueError, failure(), None), "yes", 5], ids=lambda each: repr(each)[:20]
)
def test_an_error_has_the_same_octets_as_before(trouble: Any) -> None:
    facts = {"exc_info": trouble, "session": "3f2a"}
    assert by_ours("error", "unexpected error", facts) == by_structlog("error", "unexpected error", facts)


def test_an_error_that_is_being_handled_has_them_too() -> None:
    try:
        raise KeyError("\udcff")
    except KeyError:
        assert by_ours("exception", "it", {"a": 1}) == by_structlog("exception", "it", {"a": 1})
        facts = {"exc_info": True}
        told = by_ours("error", "it", facts)
        assert told == by_structlog("error", "it", facts)
        assert b"KeyError" in told


@pytest.mark.parametrize("name", ["level", "timestamp", "exception", "exc_info"])
def test_what_is_told_by_a_name_of_ours_is_no_other_than_before(name: str) -> None:
    facts = {name: "x", "session": "3f2a"}
    assert by_ours("info", "session", facts) == by_structlog("info", "session", facts)


texts = st.text(st.characters(exclude_categories=()), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(texts, st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), values, max_size=6))
def test_any_line_has_the_same_octets_as_before(event: str, facts: dict[str, Any]) -> None:
    facts = {f"x{name}": value for name, value in facts.items()}
    assert by_ours("info", event, facts) == by_structlog("info", event, facts)


def test_what_holds_itself_is_an_error_as_before() -> None:
    circle: list[Any] = []
    circle.append(circle)
    for tell in (by_ours, by_structlog):
        with pytest.raises(ValueError, match="Circular reference"):
            tell("info", "session", {"why": circle})
    assert by_ours("info", "session", {}) == by_structlog("info", "session", {}), "and the next line is a line"


def test_without_cpythons_encoder_they_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    facts = {str(number): value for number, value in enumerate(VALUES)}
    assert by_ours("info", "session", facts) == by_structlog("info", "session", facts)


@given(
    st.integers(0, 4 * 10**9),
    st.sampled_from([0, 999, 1000, 1999, 123_456_789, SECOND - 1]) | st.integers(0, SECOND - 1),
)
def test_the_time_is_that_of_structlogs_stamp(second: int, fraction: int) -> None:
    moment = datetime.fromtimestamp(second, UTC).replace(microsecond=fraction // 1000)
    clock = SimpleNamespace(datetime=SimpleNamespace(now=lambda tz: moment), timezone=SimpleNamespace(utc=UTC))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog.processors, "datetime", clock)
        theirs = structlog.processors.TimeStamper(fmt="iso", utc=True)(None, "info", {})
    stamp = Stamp(lambda: second * SECOND + fraction)
    for _ in range(2):
        assert stamp(None, "info", {}) == {"level": "info"} | theirs


def test_a_new_second_is_seen() -> None:
    times = iter([NOW, NOW + 1000, NOW + SECOND, NOW - SECOND])
    stamp = Stamp(lambda: next(times))
    told = [stamp(None, "info", {})["timestamp"] for _ in range(4)]
    assert told == [
        "2026-09-21T14:13:20.123456Z",
        "2026-09-21T14:13:20.123457Z",
        "2026-09-21T14:13:21.123456Z",
        "2026-09-21T14:13:19.123456Z",
    ]


def test_a_line_is_written_when_it_is_told(tmp_path: Path) -> None:
    """A process that ends at once, without another word to anybody, has told what it has told."""
    code = (
        "import os, structlog; from postane.observe.logs import configure_logs; configure_logs('info', 'json');"
        " structlog.get_logger('x').info('the last words', name='\\udcff'); os._exit(0)"
    )
    told = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, check=True).stderr
    assert told.endswith(b"\n")
    assert json.loads(told)["event"] == "the last words"


def test_lines_of_several_threads_do_not_mix() -> None:
    reads, writes = os.pipe()
    writer = LineWriter(writes, **SCHEME)
    telling = [
        threading.Thread(target=lambda letter=letter: [writer.msg(letter * 4000) for _ in range(50)])
        for letter in "abc"
    ]
    for each in telling:
        each.start()
    with open(reads, "rb") as file:
        lines = [file.readline() for _ in range(150)]
    for each in telling:
        each.join()
    os.close(writes)
    assert all(len(line) == 4001 and len(set(line)) == 2 for line in lines)


def test_what_does_not_fit_at_once_is_written_all_the_same() -> None:
    """A pipe that another program has made one that does not wait, and a line that is longer than it."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    telling = threading.Thread(target=LineWriter(writes, **SCHEME).msg, args=("x" * 1_000_000,))
    telling.start()
    with open(reads, "rb") as file:
        assert len(file.readline()) == 1_000_001
    telling.join()
    os.close(writes)


def test_a_line_that_cannot_be_written_is_nobodys_error() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    LineWriter(writes, **SCHEME).msg("to nobody")
    os.close(writes)
