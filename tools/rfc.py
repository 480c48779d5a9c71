"""The references to RFCs in the source: do they exist, and what do they show?

    rfc.py check        every reference in src names an RFC and a section that exist, and has the one format
    rfc.py write        write docs/reference/rfc.md: requirement, where it is met, or why not
    rfc.py stale        fail when docs/reference/rfc.md is not what `write` would write
    rfc.py index DIR    make tools/rfc_sections.json anew from a folder of texts named rfcNNNN.txt

The format: `RFC 1939 s5`, more sections after a comma, "and" or "to": `RFC 1939 s3, s5 and s7`. A section is `s` and
its number (`s4.5.3.1`), its letter for an appendix (`sA.1`), or its heading in brackets where an RFC does not number:
`RFC 937 s(Formal Syntax)`. An RFC may be named without a section where it is meant as a whole.
"""

import json
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rfc_index
import rfc_places

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "postane"
INDEX = ROOT / "tools" / "rfc_sections.json"
PAGE = ROOT / "docs" / "reference" / "rfc.md"
REQUIREMENTS = ROOT / "docs" / "reference" / "rfc-requirements.toml"

GAP = r"(?: +|[ \t]*\n[ \t]*(?:#[ \t]*)?)"  # a reference may run over the end of a line
SECTION = r"s(?:[0-9]+(?:\.[0-9]+)*|[A-Z](?:\.[0-9]+)*(?![a-z])|\([A-Z][^)\n]*\))"
SECTIONS = rf"{SECTION}(?:(?:,|{GAP}(?:and|to)){GAP}{SECTION})*"
REFERENCE = re.compile(rf"RFC (?P<rfc>[0-9]+)(?![0-9])(?:{GAP}(?P<sections>{SECTIONS}))?")
MENTION = re.compile(r"\bRFC[- ]?(?=[0-9])(?![0-9]+\.?[A-Z][A-Za-z])")
"""But for names that others gave: x509.RFC822Name, RFC822.SIZE."""
OTHER_FORM = re.compile(r"(?i:,? ?(?:\(?(?:section|sect|sec|chapter|appendix)\b|§))|,? S[0-9]")

LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY")
STATUS = re.compile(r"met|not met: \S.*|later: \S.*")


@dataclass(frozen=True, slots=True)
class Reference:
    """Section `section` of `rfc` is named in `path`; "" for the RFC as a whole."""

    rfc: str
    section: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Source:
    """A file of src, with its path relative to it."""

    path: str
    text: str


def read_sources() -> list[Source]:
    """Every file of src."""
    return [Source(p.relative_to(SOURCE).as_posix(), p.read_text()) for p in sorted(SOURCE.rglob("*.py"))]


def references(source: Source) -> Iterator[Reference | str]:
    """Every reference, and a complaint for every mention in another form."""
    for mention in MENTION.finditer(source.text):
        line = source.text.count("\n", 0, mention.start()) + 1
        found = REFERENCE.match(source.text, mention.start())
        if found is None or OTHER_FORM.match(source.text, found.end()):
            words = source.text[mention.start() : mention.end() + 20].split("\n")[0]
            yield f'{source.path}:{line}: "{words}" is not in the one format, RFC 1939 s5'
            continue
        named = re.findall(SECTION, found["sections"] or "")
        for section in named or ["s"]:
            yield Reference(found["rfc"], section[1:], source.path, line)


def complaints(sources: list[Source], index: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the references in src."""
    for source in sources:
        for found in references(source):
            if isinstance(found, str):
                yield found
            elif found.rfc not in index:
                yield f"{found.path}:{found.line}: RFC {found.rfc} is not known here (tools/rfc_sections.json)"
            elif found.section and found.section not in index[found.rfc]["sections"]:
                yield f"{found.path}:{found.line}: RFC {found.rfc} has no section {found.section}"


def bad_requirements(
    requirements: list[dict[str, Any]], index: dict[str, Any], met: set[tuple[str, str]]
) -> Iterator[str]:
    """What is wrong with the hand-kept list: `met` must be shown by a reference in src or by a test."""
    for each in requirements:
        name = f"rfc-requirements.toml: RFC {each['rfc']} s{each['section']}: {each['text'][:50]}"
        if each["section"] not in index.get(str(each["rfc"]), {"sections": {}})["sections"]:
            yield f"{name}: no such section"
        if each["level"] not in LEVELS or not STATUS.fullmatch(each["status"]):
            yield f"{name}: level or status is none"
        tests = each.get("tests", [])
        yield from (f"{name}: no test {test}" for test in tests if not rfc_places.tests_named(ROOT, test))
        if each["status"] == "met" and not tests and (str(each["rfc"]), each["section"]) not in met:
            yield f"{name}: met, but neither a reference in src nor a test shows where"


def read_requirements() -> list[dict[str, Any]]:
    """The hand-kept list of what the RFCs ask of us."""
    return list(tomllib.loads(REQUIREMENTS.read_text())["requirement"])


def page(sources: list[Source], index: dict[str, Any], requirements: list[dict[str, Any]]) -> str:
    """docs/reference/rfc.md."""
    places: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for source in sources:
        names = rfc_places.names_by_line(source.text)
        for found in references(source):
            if isinstance(found, Reference):
                name = names[found.line]
                link = f"[{source.path}{':' + name if name else ''}](../../src/postane/{source.path})"
                places[found.rfc][found.section].add(link)
    wanted: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in requirements:
        wanted[str(each["rfc"])].append(each)
    parts = [HEAD]
    for rfc in sorted(places.keys() | wanted.keys(), key=int):
        parts += [f"\n## RFC {rfc}: {index[rfc]['title']}\n", *_table(wanted[rfc], places[rfc], index[rfc]["sections"])]
    return "\n".join(parts) + "\n"


HEAD = """# The RFCs, and where they are met

Made by `make docs` from the references in the source (`RFC 1939 s5`) and from
[rfc-requirements.toml](rfc-requirements.toml), where the requirements that bind us are told in our own words.
"Where" names what refers to the section, file and function, and tests that show it."""


def _table(wanted: list[dict[str, Any]], places: dict[str, set[str]], titles: dict[str, str]) -> Iterator[str]:
    """One row a section: what it asks of us and whether that is met, and what refers to it or shows it."""
    yield "| section | what it asks | where |"
    yield "|---|---|---|"
    order = ["", *titles]
    for section in sorted(places.keys() | {each["section"] for each in wanted}, key=order.index):
        asked = [each for each in wanted if each["section"] == section]
        tests = {f"`{test}`" for each in asked for test in each.get("tests", [])}
        heading = section.strip("()") + (f" {titles[section]}" if section and not section.startswith("(") else "")
        words = "<br>".join(f"**{each['level']}** {each['text']} *({each['status']})*" for each in asked)
        cells = (heading or "the whole", words, "<br>".join([*sorted(places.get(section, ())), *sorted(tests)]))
        yield "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def make_index(folder: Path) -> dict[str, Any]:
    """Title and sections of every RFC text in a folder; what is known of others by hand is kept."""
    known = {rfc: entry for rfc, entry in json.loads(INDEX.read_text()).items() if entry.get("by_hand")}
    for path in folder.glob("rfc*.txt"):
        text = path.read_text("utf-8-sig", "replace")
        known[path.stem[3:]] = {"title": rfc_index.title(text), "sections": rfc_index.sections(text)}
    return {rfc: known[rfc] for rfc in sorted(known, key=int)}


def main(arguments: list[str]) -> int:
    """Do what the first argument says; 0 when all is well."""
    match arguments:
        case ["index", folder]:
            INDEX.write_text(json.dumps(make_index(Path(folder)), indent=1, ensure_ascii=False) + "\n")
            return 0
        case ["check" | "write" | "stale" as command]:
            index, sources, wanted = json.loads(INDEX.read_text()), read_sources(), read_requirements()
        case _:
            print(__doc__)
            return 64
    if command == "check":
        found = {(each.rfc, each.section) for s in sources for each in references(s) if isinstance(each, Reference)}
        wrong = [*complaints(sources, index), *bad_requirements(wanted, index, found)]
        print("\n".join(wrong), end="\n" if wrong else "")
        return 1 if wrong else 0
    wished = page(sources, index, wanted)
    if command == "write":
        PAGE.write_text(wished)
    elif not PAGE.exists() or PAGE.read_text() != wished:
        print(f"{PAGE.relative_to(ROOT)} is stale")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
