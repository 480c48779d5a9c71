"""What every command shares: its exit codes, its way to print and to fail.

Exit codes are those of sysexits.h; scripts and MTAs rely on them.

Must not know: options, which take a library that a command in a hurry does without.
"""

import asyncio
import json
import os
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


class NobodyReads(Exception):
    """Whoever read what is printed, as `head` does, has read enough."""


def run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a command's asynchronous part."""
    return asyncio.run(work)


def print_json(value: object) -> None:
    """Print one JSON document."""
    put(json_text(value, indent=2) + "\n")


def json_text(value: object, *, indent: int | None = None) -> str:
    """It as JSON, with its letters where standard output can have them all."""
    can_have_all = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    return json.dumps(value, ensure_ascii=not can_have_all, indent=indent, default=str)


def say(text: str, *, err: bool = False) -> None:
    """A line for people, on standard output or on standard error."""
    if err:
        print(text, file=sys.stderr, flush=True)
    else:
        put(f"{text}\n")


def put(text: str = "") -> None:
    """Write it to standard output, with what was printed before. Raises Failure where that cannot be, BrokenPipeError
    where nobody reads it any more."""
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is not tried again at the end
        raise Failure(f"standard output cannot be written: {error.strerror}", Exit.IO_ERROR) from None


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
