"""The parent process: binds ports, starts workers, replaces the dead, reloads, drains.

It serves nobody itself, runs no event loop and no thread, so that a fork is always clean. Signals: SIGTERM and SIGINT
end everything (a second one at once); SIGHUP reads the configuration and the certificates again and lets a new
generation of workers take over, while the old one serves its sessions to their end. The same is done when one of those
files has changed.

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
from .descriptors import descriptors_allowed, shortfall
from .plan import Plan, worker_count
from .privileges import forbid_cores, raise_descriptors
from .watch import Watch

START_WAIT = 60.0
"""Seconds in which the workers of a first generation must be ready."""

RESTART_PAUSE = 1.0
"""Seconds after its birth before which a worker that died is not replaced, so that a fault at start does not spin."""

LOOK_PAUSE = 2.0
"""Seconds between two looks at the files: what has changed and then rested for so long is read."""

RENEWAL_PAUSE = 24 * 3600.0
"""Seconds after which a renewal that was refused is tried again."""


class StartFailed(Exception):
    """The workers could not start; the text tells where to look."""


class Parent:
    """A running post office.

    `announce` is called with each line for the operator: "listening ..." and "ready". `reread` gives the plan
    afresh, checked; it raises ConfigError.
    """

    def __init__(self, plan: Plan, reread: Callable[[], Plan], announce: Callable[[str], None]) -> None:
        self._plan = plan
        self._watch = Watch(plan.files)
        self._next_look = time.monotonic() + LOOK_PAUSE
        self._renewal = plan.renewal
        self._is_reload_due = self._is_reload_late = False
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
        forbid_cores()
        previous = {number: signal.signal(number, lambda *_: None) for number in WATCHED}
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        try:
            self._bind(self._plan.config)
            self._start_generation()
            self._await_ready()
            if not self._stopping:
                self._announce("ready")
            while not self._stopping:
                self._turn(self._time_to_next())
                self._look()
                self._reload_due()
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
                new[service, endpoint] = self._listen(endpoint, worker_count(config))
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
        config, count = self._plan.config, worker_count(self._plan.config)
        words = shortfall(config.limits.connections, count, descriptors_allowed())
        if words is not None:
            self._log.warning(words)
        for index in range(count):
            self._start(index)

    def _start(self, index: int) -> None:
        self._children.start(self._plan, self._services(), index, self._generation)

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

    def _time_to_next(self) -> float:
        return max(0.0, min([self._next_look, *(when for when, _ in self._due)]) - time.monotonic())

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
        self._is_reload_due |= signal.SIGHUP in signals

    def _replace(self, child: Child, code: int) -> None:
        if self._stopping or child.generation != self._generation:
            return
        self._log.error("worker died, another takes its place", pid=child.pid, code=code)
        self._due.append((child.born + RESTART_PAUSE, child.index))

    # Reloading

    def _look(self) -> None:
        """See, now and then, whether what was read has changed, or is to be made anew."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_PAUSE
        self._is_reload_due |= self._watch.has_changed()
        if time.time() >= self._renewal:
            self._renewal = time.time() + RENEWAL_PAUSE
            self._is_reload_due = True

    def _reload_due(self) -> None:
        """Reload where it is due, once there is room for another generation beside those that have sessions."""
        if not self._is_reload_due or self._stopping:
            return
        if self._children.has_room(worker_count(self._plan.config)):
            self._is_reload_due = self._is_reload_late = False
            self._reload()
        elif not self._is_reload_late:
            self._is_reload_late = True
            self._log.warning("reload waits until workers of older generations have ended their sessions")

    def _reload(self) -> None:
        changed = self._watch.take()
        try:
            plan = self._reread()
            before, after = worker_count(self._plan.config), worker_count(plan.config)
            if before != after:  # each has a socket of its own on every port
                raise ConfigError("server.workers cannot change while running: restart the server")
            self._bind(plan.config)
        except (ConfigError, CannotListen) as error:
            self._log.error("reload refused, going on as before", error=str(error))
            return
        self._plan, self._renewal = plan, plan.renewal
        self._watch.follow(plan.files)
        self._due.clear()
        self._start_generation()
        self._log.info(
            "reloaded",
            generation=self._generation,
            changed=[str(path) for path in changed],
            certificates=[str(each) for each in plan.shown],
        )

    def _end(self) -> None:
        """Nobody new; sessions may go on for `server.drain`; asked twice, at once."""
        for bound in self._bound.values():
            bound.close()
        self._bound.clear()
        self._children.signal(self._children, signal.SIGTERM)
        limit = time.monotonic() + self._plan.config.server.drain + 5.0
        while self._children and self._stopping < 2 and time.monotonic() < limit:
            self._turn(0.5)
