"""When the system has run out of descriptors: the operator is told, and later it goes on."""

import asyncio
import errno
import os

import structlog

from postane.net import accept as module
from postane.net.accept import Acceptor


class Listening:
    """A listening socket of a process that has no descriptor left, for once."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.asked = 0
        self.is_closed = False
        self.is_asked_again = asyncio.Event()

    def fileno(self) -> int:
        return self._number

    def accept(self) -> None:
        self.asked += 1
        if self.asked == 1:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        self.is_asked_again.set()
        raise BlockingIOError

    def close(self) -> None:
        self.is_closed = True


async def test_it_is_told_and_tried_again(monkeypatch) -> None:
    monkeypatch.setattr(module, "PAUSE", 0.0)
    reading, writing = os.pipe()
    os.write(writing, b"somebody waits")
    listening = Listening(reading)
    with structlog.testing.capture_logs() as logs:
        acceptor = Acceptor(listening, lambda: None)
        await listening.is_asked_again.wait()
        acceptor.close()
    assert [(line["event"], line["log_level"]) for line in logs] == [("no more connections can be accepted", "warning")]
    assert listening.is_closed
    os.close(reading)
    os.close(writing)
