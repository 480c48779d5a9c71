"""What every command shares: its exit codes, its way to print and to fail.

Exit codes are those of sysexits.h; scripts and MTAs rely on them.

Must not know: options, which take a library that a command in a hurry does without.
"""

import asyncio
import json
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


class Exit(IntEnum):
    """sysexits.h"""

    OK = 0
    USAGE = 64
    DATA = 65
    NO_INPUT = 66
    NO_USER = 67
    UNAVAILABLE = 69
    SOFTWARE = 70
    OS_ERROR = 71
    CANNOT_CREATE = 73
    IO_ERROR = 74
    TEMP_FAIL = 75
    PROTOCOL = 76
    NO_PERMISSION = 77
    CONFIG = 78


class Failure(Exception):
    """A command cannot do what was asked; `text` tells the person what to do about it."""

    def __init__(self, text: str, code: Exit) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


def run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a command's asynchronous part."""
    return asyncio.run(work)


def print_json(value: object) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def say(text: str, *, err: bool = False) -> None:
    """A line for people, on standard output or on standard error."""
    print(text, file=sys.stderr if err else sys.stdout, flush=True)


def show(value: object) -> str:
    """A value for people, on one line: control characters of hostile names are made visible."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(value))


def moment(seconds: float) -> str:
    """A time for people and programs."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
