"""All of a passwd-file at one moment: who is in it, what can be proven, and how to see that the file has changed.

Must not know: the event loop, how logins are verified.
"""

import hashlib
import os
import stat
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import structlog

from postane.sasl.base import Means

from .base import AccountsUnavailable
from .kept import Kept
from .names import domain_of
from .passwd_line import BadLine, Entry, parse_line
from .schema import UNAVAILABLE

WIDEST = 0o640
"""The file is shared with another server, by its group: a wider one is warned of, and not refused."""

SETTLED_NS = 2_000_000_000
"""A file that changed this short a time before it was read may change again without its times telling."""

ATTEMPTS = 3
WARNINGS = 20
"""Lines that are warned of at one reading; of more, how many they are."""

KINDS_OF_WORK = 4
"""Checks that each refusal costs at most, besides its own."""

Mark = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Table:
    """What a file says; `digest` is of its octets, `mark` tells this state of the
    file from others, and while it is not settled even that may fail."""

    entries: Mapping[str, Entry]
    digest: bytes
    mark: Mark
    is_settled: bool

    @cached_property
    def means(self) -> frozenset[Means]:
        """By what at least one of them can be verified."""
        return frozenset({Means.PASSWORD, Means.OUTSIDE}).union(*(each.kept.means for each in self.entries.values()))

    @cached_property
    def domains(self) -> frozenset[str]:
        """Those of the names."""
        return frozenset(map(domain_of, self.entries)) - {""}

    @cached_property
    def samples(self) -> Mapping[str, Kept]:
        """One of each kind of work that the file asks for, the most frequent kinds."""
        kinds = Counter(each.kept.cost for each in self.entries.values() if each.kept.cost)
        one_each = {each.kept.cost: each.kept for each in self.entries.values()}
        return {cost: one_each[cost] for cost, _ in kinds.most_common(KINDS_OF_WORK)}


def mark_of(path: Path) -> Mark:
    """What tells one state of a file from another. Raises AccountsUnavailable."""
    try:
        return _mark(path.stat())
    except OSError as error:
        raise _unavailable(path, error) from error


def read_table(path: Path, scheme: str, before: Table | None = None) -> Table:
    """Read the file; what is wrong in it is logged with its line, and costs that line alone.

    Where it says the same as `before`, nothing is logged again. Raises AccountsUnavailable.
    """
    try:
        octets, found, is_settled = _read(path)
    except OSError as error:
        raise _unavailable(path, error) from error
    digest = hashlib.sha256(octets).digest()
    if before is not None and before.digest == digest:
        return replace(before, mark=_mark(found), is_settled=is_settled)
    entries, troubles = _parse(octets, scheme)
    _warn(path, stat.S_IMODE(found.st_mode), troubles)
    return Table(entries, digest, _mark(found), is_settled)


def troubles_of(path: Path, scheme: str) -> list[tuple[int, str]]:
    """Lines of which the administrator should know, each with its number and why. Raises AccountsUnavailable."""
    try:
        octets, _, _ = _read(path)
    except OSError as error:
        raise _unavailable(path, error) from error
    return _parse(octets, scheme)[1]


def _parse(octets: bytes, scheme: str) -> tuple[dict[str, Entry], list[tuple[int, str]]]:
    entries: dict[str, Entry] = {}
    troubles: list[tuple[int, str]] = []
    for number, line in enumerate(octets.split(b"\n"), 1):
        try:
            entry = parse_line(line.removesuffix(b"\r").decode("utf-8", "surrogateescape"), scheme)
        except BadLine as error:
            troubles.append((number, str(error)))
            continue
        if entry is None:
            continue
        if entry.account.name in entries:
            troubles.append((number, "this name is in a line before: that one counts"))
        elif entry.trouble:
            troubles.append((number, entry.trouble))
        entries.setdefault(entry.account.name, entry)
    return entries, troubles


def _read(path: Path) -> tuple[bytes, os.stat_result, bool]:
    """The octets and the state that they belong to: where somebody wrote meanwhile, they are read again."""
    with path.open("rb") as file:
        for _ in range(ATTEMPTS):
            file.seek(0)
            before = os.fstat(file.fileno())
            octets = file.read()
            after = os.fstat(file.fileno())
            if _mark(before) == _mark(after):
                break
    is_settled = time.time_ns() - max(after.st_ctime_ns, after.st_mtime_ns) > SETTLED_NS
    return octets, before, is_settled and _mark(before) == _mark(after)


def _mark(found: os.stat_result) -> Mark:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _warn(path: Path, mode: int, troubles: list[tuple[int, str]]) -> None:
    log = structlog.get_logger("postane")
    if mode & 0o077 & ~WIDEST:
        log.warning("passwd-file is open to others", path=str(path), mode=f"{mode:o}", remedy=f"chmod {WIDEST:o}")
    for number, words in troubles[:WARNINGS]:
        log.warning("passwd-file line", place=f"{path}:{number}", why=words)
    if len(troubles) > WARNINGS:
        log.warning("passwd-file lines", path=str(path), more=len(troubles) - WARNINGS)


def _unavailable(path: Path, error: OSError) -> AccountsUnavailable:
    return AccountsUnavailable(UNAVAILABLE, f"{path}: {error.strerror or error}")
