"""The log's lines."""

import json
from collections.abc import Iterator

import pytest
import structlog

from postane.observe.logs import configure_logs


@pytest.fixture(autouse=True)
def _defaults_again() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_json_in_a_pipe(capsys):
    configure_logs("info", "auto")
    structlog.get_logger("postane").info("session", account="gül", octets=5)
    told = json.loads(capsys.readouterr().err)
    assert told.pop("timestamp").endswith("Z")
    assert told == {"event": "session", "level": "info", "account": "gül", "octets": 5}


@pytest.mark.parametrize("form", ["json", "text"])
def test_what_a_peer_said_stays_in_its_line(capsys, form):
    configure_logs("info", form)
    structlog.get_logger("postane").info("session", name="a\nb", why="\x1b[2J")
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "\x1b" not in told


def test_an_error_is_told_in_full(capsys):
    configure_logs("info", "json")
    structlog.get_logger("postane").error("unexpected error", exc_info=ValueError("why"))
    assert "ValueError: why" in json.loads(capsys.readouterr().err)["exception"]


@pytest.mark.parametrize(("level", "count"), [("debug", 3), ("info", 2), ("error", 1)])
def test_what_is_less_important_is_not_told(capsys, level, count):
    configure_logs(level, "json")
    log = structlog.get_logger("postane")
    log.debug("one")
    log.info("two")
    log.error("three")
    assert len(capsys.readouterr().err.splitlines()) == count


def test_text_for_people(capsys):
    configure_logs("info", "text")
    structlog.get_logger("postane").info("session", account="anna")
    told = capsys.readouterr().err
    assert "session" in told
    assert "anna" in told
    assert not told.startswith("{")


def test_a_line_is_one_write(monkeypatch):
    """Several workers write to one file: a line in two writes would mix with another's."""
    writes: list[str] = []

    class Unbuffered:
        write = staticmethod(writes.append)
        flush = isatty = staticmethod(lambda: False)

    monkeypatch.setattr("sys.stderr", Unbuffered)
    configure_logs("info", "json")
    structlog.get_logger("postane").info("session", account="anna")
    assert [text.endswith("}\n") for text in writes] == [True]
