"""What is measured: the scenarios, the mail they need, and the rows of the table that come out of each.

A scenario is one call of the driver. A row is one figure out of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from driver import Outcome
from messages import DOMAIN, Group

KIB, MIB = 1024, 1024 * 1024


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

    `options` go to the driver; `seconds` bound a run where it is not a count that does. `warm` units are done before,
    unmeasured. `fresh` starts the server anew before each run; `each_round` takes another account for each.
    """

    key: str
    mode: str
    group: str
    rows: tuple[Row, ...]
    service: str = "pop3"
    clients: int = 1
    seconds: float = 0.0
    warm: int = 0
    fresh: bool = False
    each_round: bool = False
    rounds: int | None = None
    options: Mapping[str, int] = field(default_factory=dict)

    def words(self, groups: Mapping[str, Group], port: int, turn: int) -> list[str]:
        """The driver's arguments for round `turn`."""
        group = groups[self.group]
        words = [self.mode, "--port", str(port), "--prefix", group.prefix, "--clients", str(self.clients)]
        if self.each_round:
            words += ["--first", str(turn), "--accounts", "1"]
        else:
            words += ["--accounts", str(group.accounts)]
        if self.service != "pop3":
            words += ["--domain", DOMAIN]
        if self.mode in ("session", "large", "dele"):
            words += ["--messages", str(group.messages)]
        if self.mode == "retr":
            words += ["--octets", str(group.octets)]
        for name, value in self.options.items():
            words += [f"--{name}", str(value)]
        return words


@dataclass(frozen=True, slots=True)
class Load:
    """How much: `quick` is for a first look, `full` for the table."""

    seconds: float
    rounds: int
    idle: int
    logins: int
    large_letters: int


QUICK = Load(seconds=1.0, rounds=1, idle=200, logins=4, large_letters=60)
FULL = Load(seconds=2.5, rounds=3, idle=1000, logins=8, large_letters=150)
LARGE_DROP = 100_000
DELETED = 1000


def per_second(run: Outcome) -> float:
    """Units a second."""
    return run.rate


def megabytes(run: Outcome) -> float:
    """Millions of octets a second."""
    return run.octets / run.seconds / 1e6 if run.seconds else 0.0


def middle(series: str) -> Callable[[Outcome], float]:
    """The median of a step, in milliseconds."""
    return lambda run: run.latencies[series].p50 / 1000


def later(series: str) -> Callable[[Outcome], float]:
    """The median of a step but for the first, in milliseconds."""
    return lambda run: run.latencies[series].later / 1000


def first(series: str) -> Callable[[Outcome], float]:
    """The first of a step, in milliseconds."""
    return lambda run: run.latencies[series].first / 1000


def groups(load: Load) -> dict[str, Group]:
    """The accounts and their mail, by name."""
    return {
        "polled": Group("u", 200, 10, 4 * KIB),
        "read": Group("r", 8, 100, 4 * KIB),
        "attachments": Group("m", 4, 1, 10 * MIB),
        "large": Group("big", 1, LARGE_DROP, KIB, one_off=True),
        "emptied": Group("x", load.rounds, DELETED, 4 * KIB, one_off=True),
        "delivered": Group("d", 16),
        "idle": Group("i", load.idle, one_off=True),
    }


def scenarios(load: Load) -> list[Scenario]:
    """What is measured, in the order of the table."""
    return [*reading(load), *standing(load), *delivering(load)]


def reading(load: Load) -> list[Scenario]:
    """Sessions and RETR."""
    seconds = load.seconds
    each = Row("RETR 4 KiB, one at a time, 8 clients", "messages/s", per_second, "1.3x")
    piped = Row("RETR 4 KiB, 16 in the pipeline, 8 clients", "messages/s", per_second, "1.5x")
    return [
        Scenario(
            "sessions",
            "session",
            "polled",
            (Row("sessions: connect, USER, PASS, STAT, QUIT; 200 drops, 16 at once", "sessions/s", per_second, "5x"),),
            clients=16,
            seconds=seconds,
            warm=200,
        ),
        Scenario("retr", "retr", "read", (each,), clients=8, seconds=seconds, warm=400),
        Scenario("retr16", "retr", "read", (piped,), clients=8, seconds=seconds, warm=400, options={"window": 16}),
        Scenario(
            "retr10m",
            "retr",
            "attachments",
            (Row("RETR 10 MiB, 4 clients", "MB/s", megabytes, "5x"),),
            clients=4,
            seconds=seconds,
            warm=4,
        ),
    ]


def standing(load: Load) -> list[Scenario]:
    """A very large drop, deletions, clients that do nothing."""
    return [
        Scenario(
            "large",
            "large",
            "large",
            (
                Row("100,000 messages: connect to STAT, first after a start", "ms", first("stat"), "25 ms", False),
                Row("100,000 messages: connect to STAT, later", "ms", later("stat"), "5 ms", False),
                Row("100,000 messages: LIST", "ms", later("list"), "15 ms", False),
                Row("100,000 messages: UIDL", "ms", later("uidl"), "25 ms", False),
            ),
            fresh=True,
            options={"count": load.logins},
        ),
        Scenario(
            "dele",
            "dele",
            "emptied",
            (
                Row("DELE of 1,000 messages, pipelined", "ms", middle("dele"), "1x", False),
                Row("QUIT that removes 1,000 messages", "ms", middle("quit"), "1.5x", False),
            ),
            each_round=True,
        ),
        Scenario(
            "idle",
            "idle",
            "idle",
            (
                Row(
                    "memory of an idle logged-in client (PSS)",
                    "kB",
                    lambda run: run.held / load.idle / KIB,
                    "6 kB",
                    False,
                ),
            ),
            clients=load.idle,
            fresh=True,
            rounds=1,
        ),
    ]


def delivering(load: Load) -> list[Scenario]:
    """Mail that comes in."""
    seconds, large = load.seconds, {"octets": MIB, "count": load.large_letters}
    one = Row("LMTP delivery 4 KiB, one at a time", "messages/s", per_second, "3x")
    many = Row("LMTP delivery 4 KiB, 16 at once", "messages/s", per_second, "3x")
    by_smtp = Row("SMTP delivery 4 KiB, 16 at once", "messages/s", per_second)
    heavy = Row("LMTP delivery 1 MiB, 4 at once", "MB/s", megabytes, "2x")
    return [
        Scenario("lmtp1", "lmtp", "delivered", (one,), "lmtp", 1, seconds, warm=16),
        Scenario("lmtp16", "lmtp", "delivered", (many,), "lmtp", 16, seconds, warm=16),
        Scenario("smtp16", "smtp", "delivered", (by_smtp,), "smtp", 16, seconds, warm=16),
        Scenario("lmtp1m", "lmtp", "delivered", (heavy,), "lmtp", 4, seconds, warm=4, options=large),
    ]
