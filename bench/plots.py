"""A scenario as a picture: bars for each row and peer with the spread of the rounds, and what a unit cost and took.

Plain SVG, small, without scripts. Peers are told by their names first; colours are Okabe and Ito's, which people see
who confuse red and green. A bar that would make the others tiny is broken off and says its figure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from statistics import median

from driver import Outcome
from plan import Row, Scenario
from table import CPU, Column, Runs, counted, figures, latency, number

COLOURS = ("#0072B2", "#E69F00", "#D55E00", "#CC79A7", "#009E73")
FLOOR_COLOUR = "#999999"
WIDTH, LEFT, RIGHT = 760, 190, 110
BAR, GAP = 16, 8
HEAD, FOOT = 26, 26
BROKEN_FROM = 2.5
"""How many times the best of the servers that keep mail a bar may be before it is broken off."""

STYLE = (
    "text{font:12px sans-serif;fill:#222}.t{font-size:15px;font-weight:bold}.h{font-weight:bold}.n{fill:#555}"
    ".a{stroke:#ddd}.w{stroke:#222;stroke-width:1.5}"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A peer in the picture."""

    name: str
    colour: str
    runs: Sequence[Outcome]
    is_floor: bool


def plot(scenario: Scenario, columns: Sequence[Column], runs: Runs) -> str:
    """The SVG; "" where there is nothing to show."""
    lines = [
        Line(column.name, colour, runs[scenario.key, column.key], column.key == "floor")
        for column, colour in zip(columns, colours(columns), strict=True)
        if (scenario.key, column.key) in runs and figures(scenario.rows[0], runs[scenario.key, column.key])
    ]
    if not lines:
        return ""
    drawn, at = [], 34
    for row in (*scenario.rows, CPU):
        drawn += bars(row, lines, at)
        at += panel_height(lines)
    drawn += spans(lines, at)
    at += panel_height(lines) + 14
    title = f'<text class="t" x="12" y="20">{escape(scenario.key)}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {at}" width="{WIDTH}" height="{at}">'
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>{title}\n'
        + "\n".join(drawn)
        + "\n</svg>\n"
    )


def colours(columns: Sequence[Column]) -> list[str]:
    """One for each peer, grey for the floor."""
    plain = iter(COLOURS)
    return [FLOOR_COLOUR if column.key == "floor" else next(plain) for column in columns]


def panel_height(lines: Sequence[Line]) -> int:
    """Of one panel."""
    return HEAD + len(lines) * (BAR + GAP) + FOOT


def bars(row: Row, lines: Sequence[Line], top: int) -> Iterator[str]:
    """One row: a bar for each peer up to the median, a whisker from the least to the most of its rounds."""
    found = {line.name: sorted(figures(row, line.runs)) for line in lines}
    served = [max(found[line.name]) for line in lines if not line.is_floor] or [max(map(max, found.values()))]
    most = max(max(map(max, found.values())), 1e-9)
    end = most if most <= BROKEN_FROM * max(served) else max(served) * 1.15
    scale = (WIDTH - LEFT - RIGHT) / end
    way = "more is better" if row.more_is_better else "less is better"
    yield heading(f"{row.title}, {row.unit}", way, top)
    for place, line in enumerate(lines):
        values, y = found[line.name], top + HEAD + place * (BAR + GAP)
        value = median(values)
        is_broken = value > end
        width = max(1.0, min(value, end) * scale)
        yield label(line.name, y)
        yield f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{line.colour}"/>'
        if is_broken:
            x = LEFT + width - 18
            yield f'<path d="M{x:.0f} {y + BAR}l6 -{BAR}h5l-6 {BAR}z" fill="#fff"/>'
        elif values[0] < values[-1]:
            low, high = (LEFT + each * scale for each in (values[0], min(values[-1], end)))
            middle = y + BAR / 2
            yield f'<path class="w" d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {y + 4}v8M{high:.1f} {y + 4}v8"/>'
        x = LEFT + max(width, min(values[-1], end) * scale) + 6
        yield f'<text x="{x:.0f}" y="{y + 12}">{number(value)}</text>'


def spans(lines: Sequence[Line], top: int) -> Iterator[str]:
    """How long a unit took: a line from the median (round) to the 99th percentile (square), on a logarithmic scale."""
    found = [latency(counted(line.runs)) for line in lines]
    first = floor(log10(max(1.0, min(p50 for p50, _ in found))))
    last = max(first + 1, ceil(log10(max(10.0, max(p99 for _, p99 in found)))))
    scale = (WIDTH - LEFT - RIGHT) / (last - first)
    yield heading("time for one unit: median (round) to 99th percentile (square)", "less is better", top)
    bottom = top + HEAD + len(lines) * (BAR + GAP)
    for power in range(first, last + 1):
        x = LEFT + (power - first) * scale
        yield f'<path class="a" d="M{x:.0f} {top + HEAD - 4}V{bottom}"/>'
        yield f'<text class="n" x="{x:.0f}" y="{bottom + 14}" text-anchor="middle">{duration(10.0**power)}</text>'
    for place, (line, (p50, p99)) in enumerate(zip(lines, found, strict=True)):
        y = top + HEAD + place * (BAR + GAP) + BAR / 2
        low, high = (LEFT + (log10(max(each, 1.0)) - first) * scale for each in (p50, p99))
        yield label(line.name, y - BAR / 2)
        yield f'<path d="M{low:.1f} {y}H{high:.1f}" stroke="{line.colour}" stroke-width="4"/>'
        yield f'<circle cx="{low:.1f}" cy="{y}" r="6" fill="{line.colour}"/>'
        yield f'<rect x="{high - 5:.1f}" y="{y - 5}" width="10" height="10" fill="{line.colour}"/>'
        yield f'<text x="{max(low, high) + 12:.0f}" y="{y + 4}">{duration(p50)} / {duration(p99)}</text>'


def heading(text: str, note: str, top: int) -> str:
    """A panel's words."""
    note = f'<tspan class="n" font-weight="normal">({note})</tspan>'
    return f'<text class="h" x="12" y="{top + 14}">{escape(text)} {note}</text>'


def label(name: str, y: float) -> str:
    """A peer's name at the left."""
    return f'<text x="{LEFT - 8}" y="{y + 12:.0f}" text-anchor="end">{escape(name)}</text>'


def duration(microseconds: float) -> str:
    """In the unit that it is best read in."""
    for unit, size in (("s", 1e6), ("ms", 1e3), ("us", 1.0)):
        if microseconds >= size:
            return f"{microseconds / size:.3g} {unit}"
    return "0 us"
