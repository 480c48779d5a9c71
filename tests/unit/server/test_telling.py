"""What is told of a session, in which order, and what is left out."""

from dataclasses import replace
from typing import Any

import pytest
import structlog

from postane.net.memory import FACTS, MemoryStream
from postane.net.stream import Peer
from postane.server.record import Ending, SessionRecord
from postane.server.telling import tell_session

NOBODY = SessionRecord("3f2a", "pop3", Peer("192.0.2.1", 4711), since=1000.0)

SOMEBODY = replace(
    NOBODY,
    peer=Peer("192.0.2.1", 4711, Peer("198.51.100.9")),
    account="anna",
    credential="device phone",
    mechanism="APOP",
    messages=3,
    octets=4096,
    deleted=2,
    commands=9,
    ending=Ending.QUIT,
    trouble="why not",
)


def told(record: SessionRecord, stream: MemoryStream | None = None) -> dict[str, Any]:
    with structlog.testing.capture_logs() as lines:
        stream = MemoryStream(record.peer) if stream is None else stream
        tell_session(structlog.get_logger("test"), record, stream, now=1002.3456)
    (line,) = lines
    return dict(line)


def test_what_is_not_known_is_left_out() -> None:
    assert list(told(NOBODY).items()) == [
        ("session", "3f2a"),
        ("service", "pop3"),
        ("peer", "192.0.2.1"),
        ("messages", 0),
        ("octets", 0),
        ("deleted", 0),
        ("commands", 0),
        ("seconds", 2.346),
        ("ending", "dropped"),
        ("event", "session"),
        ("log_level", "info"),
    ]


def test_all_that_is_known_is_told_in_one_order() -> None:
    stream = MemoryStream(SOMEBODY.peer, is_encrypted=True)
    assert list(told(SOMEBODY, stream).items()) == [
        ("session", "3f2a"),
        ("service", "pop3"),
        ("peer", "192.0.2.1"),
        ("speaker", "198.51.100.9"),
        ("tls", FACTS.version),
        ("account", "anna"),
        ("credential", "device phone"),
        ("mechanism", "APOP"),
        ("messages", 3),
        ("octets", 4096),
        ("deleted", 2),
        ("commands", 9),
        ("seconds", 2.346),
        ("ending", "quit"),
        ("why", "why not"),
        ("event", "session"),
        ("log_level", "info"),
    ]


@pytest.mark.parametrize(
    ("record", "level"),
    [
        (replace(NOBODY, peer=Peer("127.0.0.1")), "debug"),
        (replace(NOBODY, peer=Peer("127.0.0.1"), commands=1), "info"),
        (replace(NOBODY, peer=Peer("127.0.0.1"), ending=Ending.TIMED_OUT), "info"),
        (replace(NOBODY, peer=Peer("127.0.0.1", 0, Peer("192.0.2.7"))), "info"),
    ],
)
def test_who_only_looks_in_from_this_machine_is_no_news(record: SessionRecord, level: str) -> None:
    assert told(record)["log_level"] == level
