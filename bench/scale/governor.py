"""A bound on what a process may use of a core, for a machine that has no core to spare.

Two workers that each have half a core, and a driver beside them, fit on two cores. The governor looks each millisecond
at what each process has used; who is ahead of its share is stopped (SIGSTOP) until it is not. It needs no right that
whoever started the processes has not, and no control groups. What a stopped process holds, a lock for one, it holds
meanwhile: that is to the disadvantage of more processes, never to their advantage.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from peers import cpu_of

TICK = 0.001
SAVED = 0.004
"""Seconds of its share that a process keeps which had nothing to do."""


class Governor:
    """Holds each of `processes` to `share` of a core while it is entered, and lets all of them go at its end."""

    def __init__(self, processes: Sequence[int], share: float) -> None:
        self._processes = processes
        self._share = share
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._govern)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def _govern(self) -> None:
        before = time.monotonic()
        used = {pid: cpu_of(pid) for pid in self._processes}
        left = dict.fromkeys(self._processes, 0.0)
        stopped: set[int] = set()
        try:
            while not self._end.wait(TICK):
                now = time.monotonic()
                for pid in self._processes:
                    spent = cpu_of(pid)
                    left[pid] = min(left[pid] + (now - before) * self._share - (spent - used[pid]), SAVED)
                    used[pid] = spent
                    if (left[pid] < 0) != (pid in stopped):
                        stopped ^= {pid}
                        _tell(pid, signal.SIGSTOP if pid in stopped else signal.SIGCONT)
                before = now
        finally:
            for pid in stopped:
                _tell(pid, signal.SIGCONT)


def _tell(pid: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)
