"""The benchmark's driver as a load of known size, and what the server spent on it."""

import resource
import time
from dataclasses import dataclass
from pathlib import Path

import driver
import fill
from served import House

POLLED, POLLED_MESSAGES = 200, 10
READ, READ_MESSAGES = 8, 100
DELIVERED = 16
OCTETS = 4096


@dataclass(frozen=True, slots=True)
class Load:
    """What a run did: units a second, seconds of processor time for one of them, microseconds that one took."""

    rate: float
    cpu: float
    cores: float
    driver_cores: float
    p50: float
    p99: float


def fill_load(house: House, *, also: int = 0) -> None:
    """Accounts and mail for all loads; `also` accounts c0, c1 ... beside them, without mail."""
    crowd = [f"c{number}" for number in range(also)]
    groups = {"u": POLLED, "r": READ, "d": DELIVERED}
    names = crowd + [f"{prefix}{n}" for prefix, count in groups.items() for n in range(count)]
    house.add_accounts(names, names)  # device passwords: a worker that meets an account first pays no slow hash
    for prefix, count, messages in (("u", POLLED, POLLED_MESSAGES), ("r", READ, READ_MESSAGES)):
        for number in range(count):
            fill.fill_drop(Path(house.store), f"{prefix}{number}", messages, OCTETS)


def words(house: House, mode: str) -> list[str]:
    """The driver's arguments: sessions, retr16 (a pipeline of RETR), lmtp16."""
    if mode == "sessions":
        own = [
            "session",
            "--prefix",
            "u",
            "--accounts",
            str(POLLED),
            "--messages",
            str(POLLED_MESSAGES),
            "--clients",
            "16",
        ]
    elif mode == "retr16":
        own = ["retr", "--prefix", "r", "--accounts", str(READ), "--octets", str(OCTETS), "--window", "16"]
        own += ["--clients", str(READ)]
    else:
        own = ["lmtp", "--prefix", "d", "--accounts", str(DELIVERED), "--domain", "bench.example", "--clients", "16"]
    port = house.ports["lmtp" if mode == "lmtp16" else "pop3"]
    return [*own, "--port", str(port), "--deadline", "90"]


def apply(house: House, mode: str, seconds: float, core: int | None, warm: int = 1600) -> Load:
    """Run a load beside whatever else there is. Raises RuntimeError where an answer was wrong."""
    line = words(house, mode)
    if warm:
        _checked(driver.drive(house.pid, core, [*line, "--count", str(warm)]))
    begun, cpu, own = time.monotonic(), house.cpu(), _own_cpu()
    outcome = _checked(driver.drive(house.pid, core, [*line, "--seconds", str(seconds)]))
    took, cpu, own = time.monotonic() - begun, house.cpu() - cpu, _own_cpu() - own
    unit = outcome.latencies["unit"]
    return Load(outcome.rate, cpu / max(outcome.units, 1), cpu / took, own / took, unit.p50, unit.p99)


def _checked(outcome: driver.Outcome) -> driver.Outcome:
    if outcome.error:
        raise RuntimeError(f"the driver says: {outcome.error}")
    return outcome


def _own_cpu() -> float:
    """Processor time of programs that this one ran and that have ended: the driver's."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
