"""What a part of bench/scale found: rows for a table, curves for a picture, and what is to be said of each curve.

A curve says what it should do: stay, or grow with what is counted. One that grows where it need not is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FLAT_UNTIL = 1.8
"""A curve that should stay and ends at more than so many times its least has grown."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a picture; `points` are (x, y). `why` says what it is allowed to do, where it may grow."""

    name: str
    points: Sequence[tuple[float, float]]
    may_grow: bool = False
    why: str = ""

    @property
    def growth(self) -> float:
        """The last value by the least; of four and more by the second least, as one look may have been a lucky one."""
        values = [y for _, y in self.points if y > 0]
        return values[-1] / sorted(values)[len(values) > 3] if values else 1.0

    @property
    def has_grown(self) -> bool:
        """Whether it does what it should not."""
        return not self.may_grow and self.growth > FLAT_UNTIL

    def verdict(self) -> str:
        """In words."""
        span = f"{self.points[0][0]:,.0f} to {self.points[-1][0]:,.0f}"
        if self.has_grown:
            return f"{self.name}: GROWS {self.growth:.1f}x from {span}, and need not. {self.why}".strip()
        first, last = self.points[0][1], self.points[-1][1]
        falls = first > FLAT_UNTIL * last > 0
        does = f"falls to 1/{first / last:.0f}" if falls else f"stays ({self.growth:.2f}x)"
        does = f"grows {self.growth:.1f}x" if self.growth > FLAT_UNTIL else does
        return f"{self.name}: {does} from {span}. {self.why}".strip()


@dataclass(frozen=True, slots=True)
class Picture:
    """Curves that share their axes."""

    key: str
    title: str
    x: str
    y: str
    curves: Sequence[Curve]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with a head."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """For people."""
        lines = [self.head, ["---", *["---:"] * (len(self.head) - 1)], *self.rows]
        return f"### {self.title}\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


@dataclass(frozen=True, slots=True)
class Part:
    """What one part found. `remarks` are sentences; `findings` those that ask for a mend."""

    key: str
    tables: Sequence[Table]
    pictures: Sequence[Picture] = ()
    remarks: Sequence[str] = ()
    findings: Sequence[str] = ()
    raw: Mapping[str, object] = field(default_factory=dict)

    def said(self) -> list[str]:
        """All sentences: of the curves, and of the part."""
        return [curve.verdict() for picture in self.pictures for curve in picture.curves] + list(self.remarks)

    def grown(self) -> list[str]:
        """What asks for a mend."""
        curves = [curve.verdict() for each in self.pictures for curve in each.curves if curve.has_grown]
        return curves + list(self.findings)


def micro(seconds: float) -> str:
    """Seconds as microseconds for a table: three digits that count."""
    value = seconds * 1e6
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
