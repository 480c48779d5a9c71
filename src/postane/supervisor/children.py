"""The worker processes as the parent sees them: started by fork, heard from by a pipe, buried by waitpid.

Must not know: when a worker is wanted (that is `parent`), what it does (that is `worker`).
"""

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from postane.config.file import ConfigError
from postane.config.model import Config
from postane.net.listen import Bound

from .board import ROWS, Board
from .plan import Plan
from .privileges import drop_privileges
from .worker import Assignment, work

EX_SOFTWARE = 70
EX_CONFIG = 78

WATCHED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
"""The signals that the parent listens for; a worker begins with their defaults."""


@dataclass(slots=True)
class Child:
    """A worker process. `generation` counts reloads; `pipe` is where it says that it accepts, -1 once it is closed."""

    pid: int
    row: int
    index: int
    generation: int
    pipe: int
    born: float = field(default_factory=time.monotonic)
    is_ready: bool = False
    is_retired: bool = False


class Children:
    """All workers that live. `before_work` runs in each new process first: it lets go of what is the parent's alone."""

    def __init__(self, before_work: Callable[[], None]) -> None:
        self._board = Board()
        self._by_pid: dict[int, Child] = {}
        self._before_work = before_work
        # Its write end is the parent's alone: workers see it close when the parent is gone.
        self._lifeline = os.pipe()

    def __iter__(self) -> Iterator[Child]:
        return iter(tuple(self._by_pid.values()))

    def __bool__(self) -> bool:
        return bool(self._by_pid)

    def has_room(self, workers: int) -> bool:
        """Whether so many more may live beside those that do."""
        return len(self._by_pid) + workers <= ROWS

    def of(self, generation: int) -> list[Child]:
        """The workers of one generation."""
        return [child for child in self if child.generation == generation]

    def start(self, plan: Plan, bound: Mapping[str, list[Bound]], index: int, generation: int) -> None:
        """Fork a worker."""
        row = self._board.take_row()
        pipe, says_ready = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            os.close(says_ready)
            self._by_pid[pid] = Child(pid, row, index, generation, pipe)
            return
        os.close(pipe)
        shared = self._board.connections(row), self._board.sessions(row), self._board.failures
        config, pipes = plan.config, (self._lifeline[0], says_ready)
        _live(lambda: self._prepare(config), Assignment(config, plan.tls, index, bound, *shared, *pipes))

    def listen_to(self) -> dict[int, Child]:
        """The pipes of workers that have not said yet that they accept."""
        return {child.pipe: child for child in self if child.pipe >= 0}

    def hear(self, child: Child) -> None:
        """Something came through a worker's pipe: it accepts, or it is gone."""
        child.is_ready = bool(os.read(child.pipe, 1))
        os.close(child.pipe)
        child.pipe = -1

    def bury(self) -> Iterator[tuple[Child, int]]:
        """Every worker that has ended since the last call, with its exit code."""
        while self._by_pid:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            child = self._by_pid.pop(pid, None)
            if child is not None:
                self._board.clear(child.row)
                if child.pipe >= 0:
                    os.close(child.pipe)
                yield child, os.waitstatus_to_exitcode(status)

    def signal(self, children: Iterable[Child], number: signal.Signals) -> None:
        """Send a signal to some of them."""
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, number)

    def kill_all(self) -> None:
        """End all at once, and wait until they are gone."""
        self.signal(self, signal.SIGKILL)
        for pid in tuple(self._by_pid):
            os.waitpid(pid, 0)
            self._by_pid.pop(pid)

    def _prepare(self, config: Config) -> None:
        """In the new process: let go of what is the parent's."""
        signal.set_wakeup_fd(-1)
        for number in WATCHED:
            signal.signal(number, signal.SIG_DFL)
        for descriptor in (self._lifeline[1], *self.listen_to()):
            os.close(descriptor)
        self._before_work()
        if config.server.user is not None:
            drop_privileges(config.server.user)


def _live(prepare: Callable[[], None], assignment: Assignment) -> None:
    """The whole life of a worker process; never returns into the parent's frames."""
    code = EX_SOFTWARE
    try:
        prepare()
        work(assignment)
        code = 0
    except ConfigError as error:
        print(f"postane: {error}", file=sys.stderr)
        code = EX_CONFIG
    except BaseException:  # noqa: BLE001 - whatever it is, it is told and this process ends
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
