"""docs/clients.md, the matrix in short: what clients do by themselves, what they can be told, what a refusal says.

Must not know: servers, programs.
"""

import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from support.matrix import Case, House, Protocol, Result, Shown, Tls

Row = tuple[Case, Result]
Versions = Mapping[str, str | None]

INTRODUCTION = """# Clients that were tried

*Written by `make matrix MATRIX_ARGS=--write` on {day}. `make matrix` prints every row as it is on your machine,
with the version and the cipher of TLS.*

Real programs logged in to a server as it comes (usual), to one with `auth.plaintext_without_tls = "never"`
(never), and to one that takes access tokens and certificates of clients (tokens). They came over loopback,
where by default a password may cross without TLS. `postane` is this package's own side of the mechanisms. What
each mechanism is, and when it is offered, says [who may enter](who-may-enter.md).
"""

MODES = {Tls.NONE: "none", Tls.START: "STLS, STARTTLS", Tls.DIRECT: "implicit"}


def page(rows: Sequence[Row], versions: Versions) -> Iterator[str]:
    """The lines of the page."""
    tried = list(dict.fromkeys(case.client for case, _ in rows))
    yield INTRODUCTION.format(day=f"{datetime.now(UTC):%Y-%m-%d}")
    yield f"{platform.system()}: " + ", ".join(f"{name} {versions[name]}" for name in tried) + ".\n"
    yield from _free([row for row in rows if row[0].asked is None and row[0].house is House.USUAL])
    yield from _told([row for row in rows if row[0].asked and row[1].is_in])
    yield from _refused([row for row in rows if not row[1].is_in and not row[1].is_skipped])
    if cannot := sorted({(case.client, case.asked) for case, result in rows if result.is_skipped}, key=str):
        yield "\nNot tried, because this build of the client has it not: "
        yield ", ".join(f"{name} {asked}" for name, asked in cannot) + "."


def _free(rows: Sequence[Row]) -> Iterator[str]:
    """Which mechanism each chose."""
    yield "## What they do by themselves\n"
    yield "| client | protocol | credential | " + " | ".join(MODES.values()) + " |"
    yield "|---|---|---|---|---|---|"
    cells: dict[tuple[str, Protocol, Shown], dict[Tls, str]] = {}
    for case, result in rows:
        if case.shown in (Shown.PASSWORD, Shown.DEVICE):
            done = result.used or f"refused after {', '.join(result.tried)}"
            cells.setdefault((case.client, case.protocol, case.shown), {})[case.tls] = done
    for (client, protocol, shown), modes in cells.items():
        yield f"| {client} | {protocol} | {shown.value} | {' | '.join(modes.get(tls, '') for tls in Tls)} |"
    yield ""
    yield from dict.fromkeys(f"{case.client}: {case.note}.\n" for case, _ in rows if case.note)


def _told(rows: Sequence[Row]) -> Iterator[str]:
    """Which let them in when they were told to."""
    yield "## What they can be told to use\n"
    yield "| client | protocol | credential | mechanisms |"
    yield "|---|---|---|---|"
    found: dict[tuple[str, Protocol, Shown], dict[str, list[str]]] = {}
    for case, result in rows:
        mechanisms = found.setdefault((case.client, case.protocol, case.shown), {})
        mode = MODES[case.tls] + (" (never)" if case.house is House.NEVER else "")
        mechanisms.setdefault(result.used or "", []).append(mode)
    for (client, protocol, shown), mechanisms in found.items():
        words = [f"{name}{_where(modes)}" for name, modes in mechanisms.items()]
        yield f"| {client} | {protocol} | {shown.value} | {', '.join(words)} |"


def _where(modes: Sequence[str]) -> str:
    return "" if set(MODES.values()) <= set(modes) else f" ({'; '.join(dict.fromkeys(modes))})"


def _refused(rows: Sequence[Row]) -> Iterator[str]:
    """The words, and who heard them."""
    yield "\n## What they hear when they are refused\n"
    yield "| shown | asked for | server, TLS | the words | clients |"
    yield "|---|---|---|---|---|"
    heard: dict[tuple[str, str, str, str], list[str]] = {}
    for case, result in rows:
        where = f"{case.house}, {MODES[case.tls]}"
        key = (case.shown.value, case.asked or "its choice", where, result.said.replace("|", "\\|"))
        heard.setdefault(key, []).append(case.client)
    for key, clients in sorted(heard.items()):
        yield f"| {' | '.join(key)} | {', '.join(dict.fromkeys(clients))} |"
