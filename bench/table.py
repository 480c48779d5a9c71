"""The figures as a Markdown table: a row for each, a column for each peer, and how many times better the first is.

A ratio above 1 means that the first peer is better, whichever way the figure counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from driver import Outcome
from scenarios import Row, Scenario

Runs = Mapping[tuple[str, str], Sequence[Outcome]]
"""The outcomes of each scenario's key and peer's name, one for each round."""


CPU = Row("server CPU", "us", lambda run: run.cpu / run.units * 1e6, more_is_better=False)
"""What one unit costs the server: it hardly depends on what else the machine does."""


DISTURBED_FROM = 0.1
"""Cores that other programs may use before a round is left out, or its figure marked with "~"."""

JUDGED_FROM = 0.5
"""Seconds; the kernel counts CPU time in hundredths."""


@dataclass(frozen=True, slots=True)
class Column:
    """A peer in the table. The best of those that are rivals is what ratios are taken against."""

    name: str
    is_rival: bool = False


def is_disturbed(run: Outcome) -> bool:
    """Whether other programs took so much that rates and times mean little. A very short run cannot tell."""
    return run.seconds > JUDGED_FROM and run.others / run.seconds > DISTURBED_FROM


def counted(runs: Sequence[Outcome]) -> Sequence[Outcome]:
    """The rounds that count: those undisturbed, or all where there is none."""
    return [run for run in runs if not is_disturbed(run)] or runs


def figure(row: Row, runs: Sequence[Outcome]) -> float | None:
    """The median over the rounds that count; None where nothing was measured or anything went wrong."""
    if not runs or any(run.error for run in runs):
        return None
    return median(row.figure(run) for run in counted(runs))


def ratio(row: Row, mine: float | None, others: Sequence[float | None]) -> float | None:
    """How many times better `mine` is than the best of the others."""
    known = [other for other in others if other]
    if not mine or not known:
        return None
    return mine / max(known) if row.more_is_better else min(known) / mine


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
    if value is not None:
        return ("~" if is_disturbed(counted(runs)[0]) else "") + number(value)
    return "void" if runs else "-"


def figures_table(scenarios: Sequence[Scenario], columns: Sequence[Column], runs: Runs) -> str:
    """The main table."""
    rivals = [column.name for column in columns[1:] if column.is_rival]
    rows = []
    for scenario in scenarios:
        of = {column.name: runs.get((scenario.key, column.name), ()) for column in columns}
        for row in scenario.rows:
            mine = figure(row, of[columns[0].name])
            better = ratio(row, mine, [figure(row, of[name]) for name in rivals])
            shown = [cell(row, of[column.name]) for column in columns]
            told = f"{better:.2f}x" if better is not None else "-"
            rows.append([f"{row.title}, {row.unit}", *shown, told, row.goal or "-"])
    return markdown(["", *(column.name for column in columns), "ratio", "goal"], rows)


def costs_table(scenarios: Sequence[Scenario], columns: Sequence[Column], runs: Runs) -> str:
    """CPU time of the server for each unit, and how long a unit took: median and 99th percentile."""
    rows = []
    for scenario in scenarios:
        if scenario.mode in ("idle", "dele"):
            continue
        of = [runs.get((scenario.key, column.name), ()) for column in columns]
        rivals = [figure(CPU, each) for each, column in zip(of[1:], columns[1:], strict=True) if column.is_rival]
        better = ratio(CPU, figure(CPU, of[0]), rivals)
        rows.append([scenario.key, *(cost(each) for each in of), f"{better:.2f}x" if better is not None else "-"])
    head = ["server CPU a unit; unit p50 / p99, us", *(column.name for column in columns), "CPU ratio"]
    return markdown(head, rows)


def cost(runs: Sequence[Outcome]) -> str:
    """One cell of the costs."""
    cpu = figure(CPU, runs)
    if cpu is None:
        return "void" if runs else "-"
    p50 = median(run.latencies["unit"].p50 for run in counted(runs))
    p99 = median(run.latencies["unit"].p99 for run in counted(runs))
    return f"{number(cpu)}; {number(p50)} / {number(p99)}"


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
