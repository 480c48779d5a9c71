"""Pages of docs that have a place for what a program measured: between two comments, which stay."""

from collections.abc import Mapping
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def put(page: Path, begin: str, end: str, text: str) -> None:
    """Put it in the place of what was there. Raises RuntimeError where the page has no such place."""
    head, _, rest = page.read_text().partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise RuntimeError(f"{page} has no {begin} and {end}")
    page.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}")


def put_pictures(page: Path, pictures: Mapping[str, str]) -> dict[str, str]:
    """Write SVG pictures, by their names, into the page's own folder in place of those there: links to them."""
    folder = page.with_suffix("")
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for name, drawn in pictures.items():
        (folder / f"{name}.svg").write_text(drawn)
    return {name: f"{folder.name}/{name}.svg" for name in pictures}
