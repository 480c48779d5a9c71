"""The log's lines."""

import json
import re
import ssl
import sys
from collections.abc import Iterator

import pytest
import structlog

from postane.net.tls import server_tls
from postane.observe.logs import configure_logs, log_unraisable
from support.certificates import Authority, Wish, client_context


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


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize(
    "tell",
    [
        lambda log, level: getattr(log, level)("it"),
        lambda log, level: getattr(log, level)(None, octets=5),
        lambda log, level: getattr(log, level)("%s of %s", "one", "two", octets=5),
        lambda log, level: getattr(log, level)("%(one)s", {"one": "two"}),
        lambda log, level: getattr(log.bind(session="3f2a"), level)("it", octets=5),
        lambda log, level: getattr(log, level)("it", exc_info=ValueError("why"), octets=5),
    ],
)
def test_what_is_told_most_is_told_as_all_else(capsys, form, tell):
    """The short way of `info` gives what structlog's own gives."""
    configure_logs("info", form)
    lines = []
    for level in ("info", "error"):
        tell(structlog.get_logger("postane"), level)
        told = re.sub(r"[-0-9]+T[:.0-9]+Z", "TIME", capsys.readouterr().err)
        assert "TIME" in told
        lines.append(told.replace("error    ", "info     ").replace('"error"', '"info"'))
    assert lines[0] == lines[1]


def test_what_is_told_can_be_caught(capsys):
    configure_logs("info", "json")
    log = structlog.get_logger("postane")
    log.info("before")
    with structlog.testing.capture_logs() as lines:
        log.info("it", octets=5)
    log.info("after")
    assert lines == [{"event": "it", "octets": 5, "log_level": "info"}]
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["before", "after"]


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


class _Failing:
    def __del__(self) -> None:
        raise ValueError("why")


def test_a_name_that_python_cannot_read_is_one_line(tmp_path, capsys, monkeypatch):
    """[[tls.sni]]: ssl decodes the name before our callback is asked, and would print a traceback."""
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    configure_logs("info", "json")
    log_unraisable()
    authority = Authority(tmp_path)
    tls = server_tls([authority.issue(name, Wish(dns=[name])) for name in ("a.b", "b.c")])
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context().wrap_bio(back, there, server_hostname="uu.example")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello = there.read()
    assert b"uu.example" in hello
    there.write(hello.replace(b"uu.example", b"\xc3\xbc.example"))
    with pytest.raises(ssl.SSLError):
        tls.context.wrap_bio(there, back, server_side=True).do_handshake()
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["level"], told["event"]) == ("info", "client asked for a name that is none")
    assert r"\xc3\xbc.example" in told["why"]


def test_any_other_is_told_in_full(capsys, monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    configure_logs("info", "json")
    log_unraisable()
    _Failing()
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["level"] == "error"
    assert "ValueError: why" in json.loads(line)["exception"]
