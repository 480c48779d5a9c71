"""What `postane doctor` finds: how bad it is, what it is about, and what to do.

Must not know: how anything is looked at.
"""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """`about` is a word or two: "certificate", "storage"; `remedy` is what to do, empty where nothing is to be done."""

    severity: Severity
    about: str
    words: str
    remedy: str = ""


def fine(about: str, words: str) -> Finding:
    """Something is as it should be."""
    return Finding(Severity.OK, about, words)


def warning(about: str, words: str, remedy: str) -> Finding:
    """Something works and is worth a look."""
    return Finding(Severity.WARNING, about, words, remedy)


def error(about: str, words: str, remedy: str) -> Finding:
    """Something does not work, or is open to others."""
    return Finding(Severity.ERROR, about, words, remedy)
