"""Curves as an SVG that stands alone, with both axes logarithmic: what stays is level, what grows in step climbs at 45
degrees.
"""

import html
import math
from collections.abc import Iterator

from figures import Curve, Picture

WIDTH, HEIGHT = 860.0, 480.0
LEFT, RIGHT, ABOVE, BELOW = 90.0, 250.0, 50.0, 60.0
"""Pixels: of the picture, and of the room around the curves."""
MIDDLE = 'text-anchor="middle"'
COLOURS = ("#0072B2", "#E69F00", "#D55E00", "#CC79A7", "#009E73", "#000000")


class Axis:
    """A logarithmic axis from `least` to `most`, both whole powers of ten, over pixels `begin` to `end`."""

    def __init__(self, values: list[float], begin: float, end: float) -> None:
        self.low = math.floor(math.log10(min(values)))
        self.high = max(self.low + 1, math.ceil(math.log10(max(values))))
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        """Where a value lies."""
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return self._begin + part * (self._end - self._begin)

    def marks(self) -> Iterator[tuple[float, str]]:
        """The powers of ten, with their names."""
        for power in range(self.low, self.high + 1):
            yield 10.0**power, f"{10.0**power:,.0f}" if power >= 0 else f"{10.0**power:g}"


def draw(picture: Picture) -> str:
    """The picture; a value of nothing is drawn at the left edge, or left out on the other axis."""
    drawn = [curve for curve in picture.curves if any(y > 0 for _, y in curve.points)]
    xs = [max(x, 1.0) for curve in drawn for x, _ in curve.points] or [1.0]
    ys = [y for curve in drawn for _, y in curve.points if y > 0] or [1.0]
    x_axis, y_axis = Axis(xs, LEFT, WIDTH - RIGHT), Axis(ys, HEIGHT - BELOW, ABOVE)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" width="{WIDTH:.0f}"'
        f' height="{HEIGHT:.0f}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="26" font-size="16">{html.escape(picture.title)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 14}" {MIDDLE}>{html.escape(picture.x)}</text>',
        f'<text transform="translate(20 {HEIGHT / 2}) rotate(-90)" {MIDDLE}>{html.escape(picture.y)}</text>',
        *_grid(x_axis, y_axis),
    ]
    for number, curve in enumerate(drawn):
        lines += _curve(curve, COLOURS[number % len(COLOURS)], number, x_axis, y_axis)
    return "\n".join([*lines, "</svg>\n"])


def _grid(x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    for value, name in x_axis.marks():
        at = x_axis.at(value)
        yield f'<path d="M{at:.1f} {ABOVE}V{HEIGHT - BELOW}" stroke="#ddd"/>'
        yield f'<text x="{at:.1f}" y="{HEIGHT - BELOW + 18}" {MIDDLE}>{name}</text>'
    for value, name in y_axis.marks():
        at = y_axis.at(value)
        yield f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{name}</text>'


def _curve(curve: Curve, colour: str, number: int, x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    points = [(x_axis.at(max(x, 1.0)), y_axis.at(y), x, y) for x, y in curve.points if y > 0]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y, said_x, said_y in points:
        said = f"<title>{said_x:,.0f}: {said_y:,.1f}</title>"
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}">{said}</circle>'
    at = ABOVE + 14 + 20 * number
    yield f'<rect x="{WIDTH - RIGHT + 16}" y="{at - 9}" width="12" height="4" fill="{colour}"/>'
    yield f'<text x="{WIDTH - RIGHT + 34}" y="{at - 2}">{html.escape(curve.name)}</text>'
