"""The parent process: binds ports, starts workers, replaces the dead, reloads, drains.

It serves nobody itself, runs no event loop and no thread, so that a fork is always clean. Signals: SIGTERM and SIGINT
end everything (a second one at once); SIGHUP reads the configuration again and lets a new generation of workers take
over, while the old one serves its sessions to their end.

Must not know: what the services say, what is in the stores.
"""

import os
import select
import signal
import time
from collections.abc import Callable, Mapping

import structlog

from postane.config.file import ConfigError
from postane.config.model import Config, listeners
from postane.config.units import Endpoint
from postane.net.listen import Bound, CannotListen, bind_tcp, bind_unix

from .children import WATCHED, Child, Children
from .privileges import raise_descriptors

START_WAIT = 60.0
"""Seconds in which the workers of a first generation must be ready."""

RESTART_PAUSE = 1.0
"""Seconds after its birth before which a worker that died is not replaced, so that a fault at start does not spin."""


class StartFailed(Exception):
    """The workers could not start; the text tells where to look."""


class Parent:
    """A running post office.

    `announce` is called with each line for the operator: "listening ..." and "ready". `reread` gives the
    configuration afresh, checked.
    """

    def __init__(self, config: Config, reread: Callable[[], Config], announce: Callable[[str], None]) -> None:
        self._config = config
        self._reread = reread
        self._announce = announce
        self._bound: dict[tuple[str, Endpoint], Bound] = {}
        self._generation = 0
        self._due: list[tuple[float, int]] = []  # when to start a worker again, and which
        self._wake = os.pipe()
        self._children = Children(self._let_go)
        self._log = structlog.get_logger("postane")
        self._stopping = 0  # how often the end was asked for

    def run(self) -> None:
        """Serve until told to stop. Raises CannotListen, StartFailed."""
        for end in self._wake:
            os.set_blocking(end, False)
        raise_descriptors()
        previous = {number: signal.signal(number, lambda *_: None) for number in WATCHED}
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        try:
            self._bind(self._config)
            self._start_generation()
            self._await_ready()
            if not self._stopping:
                self._announce("ready")
            while not self._stopping:
                self._turn(self._time_to_next_start())
                self._start_due()
                self._retire_old()
            self._end()
        finally:
            signal.set_wakeup_fd(-1)
            self._children.kill_all()
            for bound in self._bound.values():
                bound.close()
            for number, handler in previous.items():
                signal.signal(number, handler)
            self._let_go()

    def _let_go(self) -> None:
        for end in self._wake:
            os.close(end)

    # Listening

    def _bind(self, config: Config) -> None:
        """Listen on what `config` names; addresses that stay are kept as they are. Raises CannotListen."""
        wanted = {(service, endpoint) for service, ends in listeners(config).items() for endpoint in ends}
        new: dict[tuple[str, Endpoint], Bound] = {}
        try:
            for service, endpoint in sorted(wanted - self._bound.keys(), key=str):
                new[service, endpoint] = self._listen(endpoint, _workers(config))
        except CannotListen:
            for bound in new.values():
                bound.close()
            raise
        for key in self._bound.keys() - wanted:
            self._bound.pop(key).close()
        self._bound |= new
        for (service, _), bound in sorted(new.items(), key=str):
            self._announce(f"listening {service} {bound.name}")

    def _listen(self, endpoint: Endpoint, copies: int) -> Bound:
        if endpoint.is_unix:
            return bind_unix(endpoint.path)
        is_ours = endpoint.port in {bound.port for bound in self._bound.values()}
        return bind_tcp(endpoint.host, endpoint.port, copies, is_ours=is_ours)

    def _services(self) -> Mapping[str, list[Bound]]:
        services: dict[str, list[Bound]] = {}
        for (service, _), bound in self._bound.items():
            services.setdefault(service, []).append(bound)
        return services

    # Workers

    def _start_generation(self) -> None:
        self._generation += 1
        for index in range(_workers(self._config)):
            self._start(index)

    def _start(self, index: int) -> None:
        self._children.start(self._config, self._services(), index, self._generation)

    def _await_ready(self) -> None:
        limit = time.monotonic() + START_WAIT
        while not self._stopping and not all(child.is_ready for child in self._children):
            if time.monotonic() > limit:
                raise StartFailed(f"the workers did not become ready within {START_WAIT:g} seconds")
            self._turn(1.0)
            if self._due:
                raise StartFailed("a worker ended while it was starting; see what it said above")

    def _start_due(self) -> None:
        now = time.monotonic()
        for _, index in [due for due in self._due if due[0] <= now]:
            self._start(index)
        self._due = [due for due in self._due if due[0] > now]

    def _time_to_next_start(self) -> float | None:
        return max(0.0, min(when for when, _ in self._due) - time.monotonic()) if self._due else None

    def _retire_old(self) -> None:
        """Once every worker of this generation accepts, those of the one before need not."""
        if all(child.is_ready for child in self._children.of(self._generation)) and not self._due:
            old = [child for child in self._children if child.generation < self._generation and not child.is_retired]
            self._children.signal(old, signal.SIGHUP)
            for child in old:
                child.is_retired = True

    # What happens

    def _turn(self, timeout: float | None) -> None:
        """Wait for something to happen and act on it."""
        pipes = self._children.listen_to()
        readable, _, _ = select.select([self._wake[0], *pipes], [], [], timeout)
        for descriptor in readable:
            if descriptor in pipes:
                self._children.hear(pipes[descriptor])
        if self._wake[0] in readable:
            self._obey(set(os.read(self._wake[0], 512)))

    def _obey(self, signals: set[int]) -> None:
        if signals & {signal.SIGTERM, signal.SIGINT}:
            self._stopping += 1
        for child, code in self._children.bury():
            self._replace(child, code)
        if signal.SIGHUP in signals and not self._stopping:
            self._reload()

    def _replace(self, child: Child, code: int) -> None:
        if self._stopping or child.generation != self._generation:
            return
        self._log.error("worker died, another takes its place", pid=child.pid, code=code)
        self._due.append((child.born + RESTART_PAUSE, child.index))

    def _reload(self) -> None:
        try:
            config = self._reread()
            if _workers(config) != _workers(self._config):  # each has a socket of its own on every port
                raise ConfigError("server.workers cannot change while running: restart the server")
            self._bind(config)
        except (ConfigError, CannotListen) as error:
            self._log.error("reload refused, going on as before", error=str(error))
            return
        self._config = config
        self._due.clear()
        self._start_generation()
        self._log.info("reloaded", generation=self._generation)

    def _end(self) -> None:
        """Nobody new; sessions may go on for `server.drain`; asked twice, at once."""
        for bound in self._bound.values():
            bound.close()
        self._bound.clear()
        self._children.signal(self._children, signal.SIGTERM)
        limit = time.monotonic() + self._config.server.drain + 5.0
        while self._children and self._stopping < 2 and time.monotonic() < limit:
            self._turn(0.5)


def _workers(config: Config) -> int:
    workers = config.server.workers
    return (os.cpu_count() or 1) if workers == "auto" else workers
