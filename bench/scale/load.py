"""The benchmark's driver as a load of known size, and what the server spent on it."""

import resource
import time
from dataclasses import dataclass, replace

import driver
import fill
from scenarios import QUICK, groups, scenarios
from served import House

GROUPS = {group.prefix: group for name, group in groups(QUICK).items() if name in ("polled", "read", "delivered")}
"""Those of the benchmark that these loads use."""


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
    names = [f"c{number}" for number in range(also)] + [name for each in GROUPS.values() for name in each.names()]
    house.add_accounts(names, names)  # device passwords: a worker that meets an account first pays no slow hash
    for group in GROUPS.values():
        if group.messages:
            fill.fill_group(house.store, group)


def words(house: House, mode: str) -> list[str]:
    """The driver's arguments for one of the benchmark's scenarios, its accounts those of another group if one is named
    behind it."""
    key, _, group = mode.partition(" ")
    scenario = next(each for each in scenarios(QUICK) if each.key == key)
    scenario = replace(scenario, group=group) if group else scenario
    return [*scenario.words(groups(QUICK), house.ports[scenario.service], 0), "--deadline", "90"]


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
