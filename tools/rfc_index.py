"""Reads the sections of an RFC from its text: number and title of each.

Texts of forty years are laid out in many ways, so a line at the margin counts as a heading only where its number can
follow the one before it. RFCs without numbered sections (918, 937) have their headings' words for names.
"""

import re
from collections.abc import Iterator

NUMBERED = re.compile(
    r"(?:([0-9]+(?:\.[0-9]+)*)\.?|Appendix ([A-Z](?:\.[0-9]+)*)[.:]?|([A-Z](?:\.[0-9]+)*)\.)(?: +|$)(?:- +)?(.*)"
)
UNNUMBERED = re.compile(r"[A-Z][A-Za-z]+(?: [A-Za-z-]+)*")
FURNITURE = re.compile(r"RFC \d+|.*\[Page ")


def sections(text: str) -> dict[str, str]:
    """Title by section, in the order of the text."""
    lines = list(_body(text))
    numbered = max(_numbered(lines, margin=0), _numbered(lines, margin=3), key=len)
    return numbered if len(numbered) > 2 else _unnumbered(lines)


def title(text: str) -> str:
    """The RFC's title: what stands by itself between the masthead and the first heading."""
    masthead, *blocks = re.split(r"\n[ \t\f]*\n\s*?(?=[ \S])", text.lstrip("\ufeff\f\r\n ").replace("\r", ""))
    del masthead
    return " ".join(blocks[0].split())


def _body(text: str) -> Iterator[str]:
    """Lines without the furniture of the pages."""
    for line in text.replace("\f", "\n").splitlines():
        if not FURNITURE.match(line):
            yield line.rstrip()


def _numbered(lines: list[str], *, margin: int) -> dict[str, str]:
    found: dict[str, str] = {}
    current: list[str] = []
    for before, line, after in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
        indent = len(line) - len(line.lstrip())
        heading = NUMBERED.fullmatch(line.strip())
        if not heading or indent > margin or before.strip() or re.search(r"\.{3,}|(\. ){3,}|\s{2,}\d+$", line):
            continue
        name = heading[1] or heading[2] or heading[3]
        if _follows(current, name.split(".")) and (heading[4] or after.strip()):
            current = name.split(".")
            found.setdefault(name, (heading[4] or after).strip())
    return found


def _follows(current: list[str], parts: list[str]) -> bool:
    """Whether section `parts` can be the next after `current`: its first child, or one more at some level."""
    if not current:
        return parts in (["1"], ["0"])
    if parts[:-1] == current:
        return parts[-1] == "1"
    level = len(parts)
    if len(parts) == 1 and parts[0].isalpha():
        return (current[0].isdecimal() and parts == ["A"]) or parts[0] == chr(ord(current[0][0]) + 1)
    if parts[:-1] != current[: level - 1] or len(current) < level:
        return len(parts) == 1 and current[0].isalpha() and parts[0].isdecimal()  # references after the appendices
    return current[level - 1].isdecimal() and parts[-1] == str(int(current[level - 1]) + 1)


def _unnumbered(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for before, line, after in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
        if UNNUMBERED.fullmatch(line) and not before.strip() and not after.strip() and line not in found:
            found[f"({line})"] = line
    return {
        name: words for name, words in found.items() if words not in ("Post Office Protocol", "Status of this Memo")
    }
