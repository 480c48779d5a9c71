"""Imports many accounts: reads the lines, hashes the passwords on all processors.

A line is `NAME:PASSWORD` or `NAME:HASH` (`imported` says which hashes); the password begins after the first colon and
ends with the line, spaces and further colons belong to it. Lines may end with LF or CRLF; `#` begins a comment line.

Must not know: files, the database.
"""

import codecs
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from .hashes import FULL, LIGHT, BadPassword, Cost, checked, hash_password
from .imported import Credential, HashError, parse
from .names import BadName, parse_name, show_name
from .partial import Salts
from .records import Entry
from .scram_keys import derive

LIGHT_OVER = 1000
"""Passwords in one import above which LIGHT hashes are made (decision 0002)."""


@dataclass(frozen=True, slots=True)
class Line:
    """An account to be made, from line `number` of the file."""

    number: int
    name: str
    credential: Credential


@dataclass(frozen=True, slots=True)
class Problem:
    """Why line `number` cannot be taken. The text never repeats a password."""

    number: int
    text: str


def parse_lines(octets: bytes) -> tuple[list[Line], list[Problem]]:
    """Everything in the file that can be taken, and everything that cannot."""
    lines: list[Line] = []
    problems: list[Problem] = []
    first: dict[str, int] = {}
    for number, raw in enumerate(octets.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        text = raw.removesuffix(b"\r").decode("utf-8", "surrogateescape")
        if not text.strip() or text.startswith("#"):
            continue
        try:
            line = _parse_line(number, text)
        except (BadName, BadPassword, HashError) as error:
            problems.append(Problem(number, str(error)))
            continue
        if line.name in first:
            problems.append(Problem(number, f"{show_name(line.name)} is in line {first[line.name]} already"))
            continue
        first[line.name] = number
        lines.append(line)
    return lines, problems


def cost_for(lines: Sequence[Line]) -> Cost:
    """What the passwords among the lines are to be hashed with."""
    return LIGHT if sum(line.credential.password is not None for line in lines) > LIGHT_OVER else FULL


def hash_lines(lines: Sequence[Line], cost: Cost, salts: Salts | None, advance: Callable[[], None]) -> list[Entry]:
    """What is stored for each line, with SCRAM keys where there are salts; `advance` is called as each is ready."""
    entries: list[Entry] = []
    pool = ThreadPoolExecutor(os.cpu_count(), "postane-import")  # argon2 lets other threads run
    try:
        for entry in pool.map(lambda line: _entry(line, cost, salts), lines):
            entries.append(entry)
            advance()
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt does not wait for the rest
    return entries


def _parse_line(number: int, text: str) -> Line:
    name, colon, value = text.partition(":")
    if not colon:
        raise BadName("a line is NAME:PASSWORD, and this one has no colon")
    credential = parse(value)
    if credential.password is not None:
        credential = replace(credential, password=checked(credential.password))
    return Line(number, parse_name(name), credential)


def _entry(line: Line, cost: Cost, salts: Salts | None) -> Entry:
    """SCRAM keys are twice the work of a LIGHT hash: with those they are left to the first login as well."""
    password = line.credential.password
    if password is None:
        return Entry(line.name, line.credential.hash or "")
    keys = derive(password, line.name, salts) if cost == FULL and salts is not None else {}
    return Entry(line.name, hash_password(password, cost), keys)
