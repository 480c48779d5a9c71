"""The matrix of clients, mechanisms and TLS modes: real programs log in, and a table tells what was negotiated.

    matrix.py [--only CLIENT ...] [--json] [--write]

Starts the servers that it needs on free loopback ports, and stops them. A row that is not as expected is marked, and
the exit code is 1; tests/interop/test_matrix.py asserts the same rows. Programs that are not installed are named.
"""

import argparse
import json
import platform
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from matrix_summary import MODES, page

from support.matrix import Case, House, Result, complaint
from support.matrix_cases import cases
from support.matrix_houses import CLIENTS, Houses, Row, version_of

PAGE = Path(__file__).resolve().parent.parent / "docs" / "clients.md"
HEAD = ("client", "protocol", "TLS mode", "TLS, cipher", "shown", "asked for", "used", "credential", "result")


def main(words: Sequence[str]) -> int:
    """0 when every row is as expected."""
    parser = argparse.ArgumentParser(description="clients x mechanisms x TLS modes, and what was negotiated")
    parser.add_argument(
        "--only", nargs="+", choices=CLIENTS, metavar="CLIENT", default=list(CLIENTS), help=", ".join(CLIENTS)
    )
    parser.add_argument("--json", action="store_true", help="rows as JSON")
    parser.add_argument("--write", action="store_true", help="write docs/clients.md, which is the matrix in short")
    asked = parser.parse_args(words)
    if asked.write and len(asked.only) < len(CLIENTS):
        parser.error("the page is about all clients: --write goes without --only")
    versions = {name: version_of(CLIENTS[name]) for name in asked.only}
    wanted = [case for case in cases() if versions.get(case.client)]
    rows = _walk(wanted)
    if asked.json:
        print(json.dumps([_as_json(case, result, versions) for case, result in rows], indent=1))
    else:
        print("\n".join(_page(rows, versions)))
    if asked.write:
        PAGE.write_text("\n".join(page(rows, versions)) + "\n")
    return 1 if any(complaint(case, result) for case, result in rows) else 0


def _walk(wanted: Sequence[Case]) -> list[Row]:
    done = 0

    def tell(case: Case, result: Result) -> None:
        del result
        nonlocal done
        done += 1
        if sys.stderr.isatty():
            print(f"\r\033[K{done} of {len(wanted)}  {case}", end="", file=sys.stderr, flush=True)

    with Houses(case.client for case in wanted) as houses:
        rows = houses.run(wanted, tell)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    order = {case: number for number, case in enumerate(wanted)}
    return sorted(rows, key=lambda row: order[row[0]])


def _page(rows: Sequence[Row], versions: dict[str, str | None]) -> Iterator[str]:
    wrong = [(case, problem) for case, result in rows if (problem := complaint(case, result))]
    skipped = sum(result.is_skipped for _, result in rows)
    let_in = sum(result.is_in for _, result in rows)
    yield from _table([_cells(case, result, versions) for case, result in rows])
    yield f"\n{platform.system()}, Python {platform.python_version()}. {len(rows)} rows: {let_in} let in," + (
        f" {len(rows) - let_in - skipped} refused, {skipped} that this build of the client cannot do;"
        f" {len(rows) - len(wrong)} as expected."
    )
    if missing := [name for name, version in versions.items() if version is None]:
        yield f"Not installed: {', '.join(missing)}."
    yield from dict.fromkeys(f"{case.client}: {case.note}." for case, _ in rows if case.note)
    yield from (f"NOT AS EXPECTED: {case}: {problem}" for case, problem in wrong)


def _cells(case: Case, result: Result, versions: dict[str, str | None]) -> tuple[str, ...]:
    house = {House.NEVER: " (never)", House.TOKENS: " (tokens)"}.get(case.house, "")
    outcome = (
        "in" if result.is_in else f"cannot: {result.said}" if result.is_skipped else f"refused: {result.said[:70]}"
    )
    return (
        f"{case.client} {versions[case.client]}",
        case.protocol.value,
        MODES[case.tls] + house,
        f"{result.version} {result.cipher}".strip(),
        case.shown.value,
        case.asked or "(its choice)",
        ", ".join(result.tried),
        result.credential,
        ("NOT AS EXPECTED, " if complaint(case, result) else "") + outcome,
    )


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    for cells in (HEAD, ["-" * width for width in widths], *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _as_json(case: Case, result: Result, versions: dict[str, str | None]) -> dict[str, Any]:
    return {
        "client": case.client,
        "client_version": versions[case.client],
        "protocol": case.protocol,
        "tls_mode": case.tls,
        "house": case.house,
        "tls": result.version or None,
        "cipher": result.cipher or None,
        "shown": case.shown.value,
        "asked": case.asked,
        "tried": list(result.tried),
        "used": result.used,
        "credential": result.credential or None,
        "is_in": result.is_in,
        "said": result.said or None,
        "is_skipped": result.is_skipped,
        "complaint": complaint(case, result) or None,
        "note": case.note or None,
    }


def _end(number: int, frame: object) -> None:
    """SIGTERM stops the servers too."""
    del frame
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    sys.exit(main(sys.argv[1:]))
