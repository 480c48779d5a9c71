"""bench/scale's bound on a process: who has no share left stands still, and goes on once the bound is gone."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

Load = Callable[[str, str], ModuleType]


@pytest.fixture
def counting() -> Iterator[int]:
    """A process that counts for ever."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        yield process.pid
        process.send_signal(signal.SIGCONT)
        process.kill()


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def _state(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def test_who_is_ahead_of_its_share_is_stopped_and_let_go_at_the_end(load: Load, counting: int) -> None:
    governor = load("scale", "governor")
    with governor.Governor([counting], 0.0):
        _wait_until(lambda: _state(counting) == "T")
    _wait_until(lambda: _state(counting) != "T")


def test_who_has_share_left_goes_on(load: Load, counting: int) -> None:
    governor = load("scale", "governor")
    with governor.Governor([counting], 0.1):
        _wait_until(lambda: _state(counting) == "T")
        _wait_until(lambda: _state(counting) != "T")


def test_a_process_that_has_ended_is_no_trouble(load: Load) -> None:
    governor = load("scale", "governor")
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        with governor.Governor([process.pid], 0.0):
            pass
