"""What a scenario and a row are, and the figures that rows take out of an outcome.

A scenario is one call of the driver. A row is one figure out of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from driver import Outcome
from messages import DOMAIN, Group

KIB, MIB = 1024, 1024 * 1024
TELLS_COUNT = ("session", "large", "dele")
"""Modes in which the driver checks how many messages STAT or UIDL tells."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `goal` is what the project wants: times better than the best tuned peer, or a value of its own."""

    title: str
    unit: str
    figure: Callable[[Outcome], float]
    goal: str = ""
    more_is_better: bool = True


@dataclass(frozen=True, slots=True)
class Scenario:
    """One dialogue in one load.

    `options` go to the driver (True: a flag); `seconds` bound a run where it is not a count that does. `warm` units are
    done before, unmeasured; `first_warm` before the first round. `fresh` starts the server anew before each run;
    `each_round` is how many accounts a round uses up, if it does. `most` has the peers that get fewer clients than
    `clients`; `without` names peers that are left out.
    """

    key: str
    mode: str
    group: str
    rows: tuple[Row, ...]
    service: str = "pop3"
    clients: int = 1
    seconds: float = 0.0
    warm: int = 0
    first_warm: int = 0
    fresh: bool = False
    each_round: int = 0
    rounds: int | None = None
    most: Mapping[str, int] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    options: Mapping[str, int | bool] = field(default_factory=dict)

    @property
    def wants_tls(self) -> bool:
        """Whether it is nothing without TLS."""
        return self.service == "pop3s"

    def words(self, groups: Mapping[str, Group], port: int, turn: int, peer: str = "") -> list[str]:
        """The driver's arguments for round `turn` against `peer`."""
        group = groups[self.group]
        clients = self.most.get(peer, self.clients)
        words = [self.mode, "--port", str(port), "--prefix", group.prefix, "--clients", str(clients)]
        if self.each_round:
            words += ["--first", str(turn * self.each_round), "--accounts", str(self.each_round)]
            words += ["--count", str(self.each_round)]
        else:
            words += ["--accounts", str(group.accounts)]
        if self.service in ("lmtp", "smtp"):
            words += ["--domain", DOMAIN]
        if self.wants_tls:
            words.append("--tls")
        if self.mode in TELLS_COUNT:
            words += ["--messages", str(group.messages)]
        if self.mode == "retr":
            words += ["--octets", str(group.octets)]
        for name, value in self.options.items():
            words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        return words


def per_second(run: Outcome) -> float:
    """Units a second."""
    return run.rate


def megabytes(run: Outcome) -> float:
    """Millions of octets a second."""
    return run.octets / run.seconds / 1e6 if run.seconds else 0.0


def kilobytes_each(run: Outcome) -> float:
    """By how much the server grew for each client, in KiB."""
    return run.held / run.units / KIB if run.units else 0.0


def middle(series: str) -> Callable[[Outcome], float]:
    """The median of a step, in milliseconds."""
    return lambda run: run.latencies[series].p50 / 1000


def later(series: str) -> Callable[[Outcome], float]:
    """The median of a step but for the first, in milliseconds."""
    return lambda run: run.latencies[series].later / 1000


def first(series: str) -> Callable[[Outcome], float]:
    """The first of a step, in milliseconds."""
    return lambda run: run.latencies[series].first / 1000
