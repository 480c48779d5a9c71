"""The figures as Markdown tables: a row for each, a column for each peer, and how many times better the first is.

A ratio above 1 means that the first peer is better, whichever way the figure counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from driver import Outcome
from plan import MIB, Row, Scenario

Runs = Mapping[tuple[str, str], Sequence[Outcome]]
"""The outcomes of each scenario's key and peer's key, one for each round."""


CPU = Row("server CPU for one unit", "us", lambda run: run.cpu / run.units * 1e6, more_is_better=False)
"""What one unit costs the server: it hardly depends on what else the machine does."""


DISTURBED_FROM = 0.1
"""Cores that other programs may use before a round is left out, or its figure marked with "~"."""

JUDGED_FROM = 0.5
"""Seconds; the kernel counts the CPU time of all programs together in hundredths."""

DRIVEN_FROM = 0.95
"""How busy the driver may be before a figure is marked with "^": it may be the driver's, and not the server's."""

MET_FROM = 0.995
"""What is shown as the goal is the goal."""


@dataclass(frozen=True, slots=True)
class Column:
    """A peer in the table. The best of those that are rivals is what ratios are taken against."""

    key: str
    name: str
    is_rival: bool = False


def is_disturbed(run: Outcome) -> bool:
    """Whether other programs took so much that rates and times mean little. A very short run cannot tell."""
    return run.seconds > JUDGED_FROM and run.others / run.seconds > DISTURBED_FROM


def is_driven(run: Outcome) -> bool:
    """Whether the driver had no time to spare."""
    return run.seconds > JUDGED_FROM and busy(run) > DRIVEN_FROM


def counted(runs: Sequence[Outcome]) -> Sequence[Outcome]:
    """The rounds that count: those undisturbed, or all where there is none."""
    return [run for run in runs if not is_disturbed(run)] or runs


def figures(row: Row, runs: Sequence[Outcome]) -> list[float]:
    """Of the rounds that count; none where nothing was measured or anything went wrong."""
    if any(run.error for run in runs):
        return []
    return [row.figure(run) for run in counted(runs)]


def figure(row: Row, runs: Sequence[Outcome]) -> float | None:
    """Their median."""
    found = figures(row, runs)
    return median(found) if found else None


def ratio(row: Row, mine: float | None, others: Sequence[float | None]) -> float | None:
    """How many times better `mine` is than the best of the others."""
    known = [other for other in others if other]
    if not mine or not known:
        return None
    return mine / max(known) if row.more_is_better else min(known) / mine


def is_met(row: Row, mine: float | None, better: float | None) -> bool | None:
    """Whether the goal is reached; None where there is none, or nothing to tell by."""
    if not row.goal or mine is None:
        return None
    if row.goal.endswith("x"):
        return None if better is None else better >= float(row.goal[:-1]) * MET_FROM
    return mine * MET_FROM <= float(row.goal.split()[0])


def number(value: float) -> str:
    """Three figures that count, thousands with commas."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cell(row: Row, runs: Sequence[Outcome]) -> str:
    """One figure as it is shown."""
    value = figure(row, runs)
    if value is None:
        return _shown(value, runs)
    kept = counted(runs)
    is_bound = row.unit.endswith("/s") and all(is_driven(run) for run in kept)
    return ("~" if is_disturbed(kept[0]) else "") + number(value) + ("^" if is_bound else "")


def verdict(
    row: Row, columns: Sequence[Column], of: Mapping[str, Sequence[Outcome]]
) -> tuple[float | None, bool | None]:
    """How many times better the first peer is than the best rival, and whether that is its goal."""
    mine = figure(row, of[columns[0].key])
    better = ratio(row, mine, [figure(row, of[column.key]) for column in columns[1:] if column.is_rival])
    return better, is_met(row, mine, better)


def figures_table(scenarios: Sequence[Scenario], columns: Sequence[Column], runs: Runs) -> str:
    """The main table."""
    rows = []
    for scenario in scenarios:
        of = {column.key: runs.get((scenario.key, column.key), ()) for column in columns}
        for row in scenario.rows:
            better, met = verdict(row, columns, of)
            told = f"{better:.2f}x" if better is not None else "-"
            shown = [cell(row, of[column.key]) for column in columns]
            rows.append(
                [f"{row.title}, {row.unit}", *shown, told, row.goal or "-", {True: "yes", False: "no"}.get(met, "-")]
            )
    return markdown(["", *(column.name for column in columns), "ratio", "goal", "met"], rows)


def summary(scenarios: Sequence[Scenario], columns: Sequence[Column], runs: Runs) -> str:
    """How many goals are met, and which are not."""
    met, unmet = 0, []
    for scenario in scenarios:
        of = {column.key: runs.get((scenario.key, column.key), ()) for column in columns}
        for row in scenario.rows:
            better, answer = verdict(row, columns, of)
            met += answer is True
            if answer is False:
                shown = f"{better:.2f}x" if row.goal.endswith("x") else f"{cell(row, of[columns[0].key])} {row.unit}"
                unmet.append(f"{row.title} ({shown} for {row.goal})")
    told = f"{met} of {met + len(unmet)} goals met."
    return f"{told} Not met: {'; '.join(unmet)}." if unmet else told


def cpu_table(scenarios: Sequence[Scenario], columns: Sequence[Column], runs: Runs) -> str:
    """CPU time of the server for each unit, with a ratio of its own."""
    rows = []
    for scenario in scenarios:
        of = [runs.get((scenario.key, column.key), ()) for column in columns]
        rivals = [figure(CPU, each) for each, column in zip(of[1:], columns[1:], strict=True) if column.is_rival]
        better = ratio(CPU, figure(CPU, of[0]), rivals)
        shown = [_shown(figure(CPU, each), each) for each in of]
        rows.append([scenario.key, *shown, f"{better:.2f}x" if better is not None else "-"])
    return markdown([f"{CPU.title}, {CPU.unit}", *(column.name for column in columns), "ratio"], rows)


def others_table(
    head: str, cell: Callable[[Sequence[Outcome]], str], of: Sequence[Scenario], columns: Sequence[Column], runs: Runs
) -> str:
    """A table of something else about each run that counts."""
    rows = []
    for scenario in of:
        each = [runs.get((scenario.key, column.key), ()) for column in columns]
        rows.append([scenario.key, *(cell(counted(run)) if figures(CPU, run) else _shown(None, run) for run in each)])
    return markdown([head, *(column.name for column in columns)], rows)


def side_tables(scenarios: Sequence[Scenario], columns: Sequence[Column], runs: Runs) -> list[str]:
    """Latency, memory, and how much the driver had to do."""
    cells: dict[str, Callable[[Sequence[Outcome]], str]] = {
        "one unit took, median / 99th percentile, ms": lambda kept: " / ".join(
            number(each / 1000) for each in latency(kept)
        ),
        "memory of the server at the end (PSS), MiB": lambda kept: number(median(run.memory for run in kept) / MIB),
        "the driver was busy": lambda kept: f"{median(map(busy, kept)):.0%}",
    }
    return [others_table(head, cell, scenarios, columns, runs) for head, cell in cells.items()]


def busy(run: Outcome) -> float:
    """The part of its core that the driver used."""
    return min(1.0, run.driver / run.seconds) if run.seconds else 0.0


def _shown(value: float | None, runs: Sequence[Outcome]) -> str:
    return number(value) if value is not None else "void" if runs else "-"


def latency(runs: Sequence[Outcome]) -> tuple[float, float]:
    """How long a unit took: median and 99th percentile in microseconds, medians of the rounds that count."""
    units = [run.latencies["unit"] for run in counted(runs)]
    return median(unit.p50 for unit in units), median(unit.p99 for unit in units)


def complaints(runs: Runs) -> list[str]:
    """Why figures are void."""
    return [
        f"{scenario}, {peer}: {run.error}"
        for (scenario, peer), outcomes in runs.items()
        for run in outcomes
        if run.error
    ]


def noise(runs: Runs) -> str:
    """How much CPU time other programs took meanwhile: what rates and times suffer from."""
    shares = sorted(
        run.others / run.seconds for outcomes in runs.values() for run in outcomes if run.seconds > JUDGED_FROM
    )
    if not shares:
        return "other programs: not measured"
    return f"other programs used {median(shares):.2f} cores (median of the runs; at most {shares[-1]:.2f})"
