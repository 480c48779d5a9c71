"""A flame graph of sampled stacks as an SVG that stands alone: a click widens a frame, a click at the bottom undoes it.

Width is a frame's part of the samples, height how deep it was called; the colour tells whose code it is.
"""

import html
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from stacks import Stacks

WIDTH, ROW, TOP, LETTER = 1200.0, 17, 40, 6.6
"""Pixels: of the picture, of a frame's height, of the title, of a letter."""
LEAST = 0.0005
"""Part of the samples below which a frame is left out: it could not be seen."""

_SCRIPT = """
const all = [...document.querySelectorAll('g.f')];
function show(x, w) {
  for (const g of all) {
    const at = (+g.dataset.x - x) / w * %(width)s, wide = +g.dataset.w / w * %(width)s;
    const left = Math.max(at, 0), right = Math.min(at + wide, %(width)s);
    g.style.display = right - left < 0.3 ? 'none' : '';
    const [rect, text] = [g.querySelector('rect'), g.querySelector('text')];
    rect.setAttribute('x', left); rect.setAttribute('width', Math.max(right - left - 0.5, 0.2));
    text.setAttribute('x', left + 3);
    const room = Math.floor((right - left - 6) / %(letter)s), name = g.dataset.name;
    text.textContent = room < 3 ? '' : name.length <= room ? name : name.slice(0, room - 1) + '\u2026';
  }
}
for (const g of all) g.addEventListener('click', () => show(+g.dataset.x, +g.dataset.w));
show(0, 1);
"""


@dataclass(slots=True)
class Node:
    """A frame in its place: how many samples were in it."""

    count: int = 0
    below: dict[str, "Node"] = field(default_factory=dict)


def flame_graph(stacks: Stacks, title: str) -> str:
    """The picture."""
    root = Node()
    for frames, count in stacks.items():
        node = root
        node.count += count
        for frame in frames:
            node = node.below.setdefault(frame, Node())
            node.count += count
    boxes = list(_boxes("all", root, 0.0, 0, root.count or 1))
    height = TOP + ROW * (max(depth for _, _, _, depth in boxes) + 2)
    body = "\n".join(_draw(name, x, width, height - ROW * (depth + 2)) for name, x, width, depth in boxes)
    script = _SCRIPT % {"width": WIDTH, "letter": LETTER}
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height}" width="{WIDTH:.0f}"'
        f' height="{height}" font-family="monospace" font-size="11">\n'
        f'<rect width="100%" height="100%" fill="#fffdf7"/>\n'
        f'<text x="10" y="24" font-size="15">{html.escape(title)}: {root.count} samples</text>\n'
        f"{body}\n<script><![CDATA[{script}]]></script>\n</svg>\n"
    )


def _boxes(name: str, node: Node, x: float, depth: int, total: int) -> Iterator[tuple[str, float, float, int]]:
    """Name, left edge and width (parts of 1), depth."""
    yield name, x, node.count / total, depth
    for below_name, below in sorted(node.below.items()):
        if below.count / total >= LEAST:
            yield from _boxes(below_name, below, x, depth + 1, total)
        x += below.count / total


def _draw(name: str, x: float, width: float, y: float) -> str:
    said = html.escape(name, quote=True)
    room = int((width * WIDTH - 6) / LETTER)
    short = "" if room < 3 else name if len(name) <= room else name[: room - 1] + "…"
    return (
        f'<g class="f" data-x="{x:.6f}" data-w="{width:.6f}" data-name="{said}"><title>{said}, {width:.2%}</title>'
        f'<rect x="{x * WIDTH:.1f}" y="{y}" width="{max(width * WIDTH - 0.5, 0.2):.1f}" height="{ROW - 1}"'
        f' rx="2" fill="{_colour(name)}"/>'
        f'<text x="{x * WIDTH + 3:.1f}" y="{y + 12}">{html.escape(short)}</text></g>'
    )


def _colour(name: str) -> str:
    """Ours are orange, other Python is green, what is compiled is blue; a name has one shade."""
    hue = 28 if "postane/" in name else 95 if ".py" in name else 205
    shade = zlib.crc32(name.encode())
    return f"hsl({hue + shade % 14}, {60 + shade // 16 % 20}%, {66 + shade // 512 % 14}%)"
