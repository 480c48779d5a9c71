"""The papers are true: generated pages are not stale, and every reference to an RFC names a section that exists."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).parent.parent
TOOLS = REPOSITORY / "tools"

INDEX = {
    "1939": {"title": "POP3", "sections": {"3": "Basic Operation", "4": "x", "5": "y", "A": "z"}},
    "937": {"title": "POP2", "sections": {"(Formal Syntax)": "Formal Syntax"}},
}


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, TOOLS / name, *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "argument"), [("docs.py", "stale"), ("rfc.py", "stale"), ("rfc.py", "check")], ids=lambda word: str(word)
)
def test_the_papers_are_true(name, argument):
    done = tool(name, argument)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n(stale pages: make docs)"


@pytest.mark.parametrize("name", ["docs.py", "rfc.py", "check.py"])
def test_a_tool_says_what_it_takes(name):
    done = tool(name, "surprise")
    assert done.returncode == 64
    assert done.stdout


@pytest.fixture
def rfc(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("rfc")


@pytest.fixture
def docs(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("docs")


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("# RFC 1939 s5", ["5"]),
        ("# RFC 1939 s3, s5", ["3", "5"]),
        ("# RFC 1939 s3, s4 and s5: numbers", ["3", "4", "5"]),
        ("# RFC 1939 s3 to s5.", ["3", "5"]),
        ('"""As in RFC 1939\ns5, s3."""', ["5", "3"]),
        ("# as in RFC\n# nothing", []),
        ("# as RFC 1939\n# s5 has it", ["5"]),
        ("# RFC 1939 sA", ["A"]),
        ("# RFC 1939 says", [""]),
        ("# RFC 1939, and s5 of mine", [""]),
        ("# RFC 937 s(Formal Syntax)", ["(Formal Syntax)"]),
        ('["RFC822.SIZE"], x509.RFC822Name', []),
    ],
)
def test_references_are_read(rfc, text, sections):
    found = list(rfc.references(rfc.Source("a.py", text)))
    assert [each.section for each in found] == sections


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("\n# RFC 1939 s99", "a.py:2: RFC 1939 has no section 99"),
        ("# RFC 1939 s3, s6", "a.py:1: RFC 1939 has no section 6"),
        ("# RFC 1939 s5.1", "a.py:1: RFC 1939 has no section 5.1"),
        ("# RFC 937 s(Informal Syntax)", "a.py:1: RFC 937 has no section (Informal Syntax)"),
        ("# RFC 4711", "a.py:1: RFC 4711 is not known here"),
        ("# RFC1939 s5", 'a.py:1: "RFC1939 s5" is not in the one format'),
        ("# RFC-1939", 'a.py:1: "RFC-1939" is not in the one format'),
        ("# RFC 1939 section 5", "is not in the one format"),
        ("# RFC 1939, Section 5", "is not in the one format"),
        ("# RFC 1939 (section 5)", "is not in the one format"),
        ("# RFC 1939 §5", "is not in the one format"),
        ("# RFC 1939 S5", "is not in the one format"),
    ],
)
def test_a_wrong_reference_is_told(rfc, text, complaint):
    (told,) = rfc.complaints([rfc.Source("a.py", text)], INDEX)
    assert complaint in told


def requirement(**changes: object) -> dict[str, object]:
    return {"rfc": 1939, "section": "3", "level": "MUST", "text": "it is so", "status": "met"} | changes


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"section": "99"}, "no such section"),
        ({"rfc": 4711}, "no such section"),
        ({"level": "WANTS"}, "level or status is none"),
        ({"status": "not met"}, "level or status is none"),
        ({"section": "4"}, "neither a reference in src nor a test"),
        ({"tests": ["tests/nothing.py"]}, "no test tests/nothing.py"),
        ({"tests": ["tests/test_docs.py::test_nothing*"]}, "no test tests/test_docs.py::test_nothing*"),
    ],
)
def test_a_wrong_requirement_is_told(rfc, changes, complaint):
    told = list(rfc.bad_requirements([requirement(**changes)], INDEX, {("1939", "3"), ("1939", "99"), ("4711", "3")}))
    assert any(complaint in each for each in told)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"section": "4", "status": "later: with TLS"},
        {"section": "4", "status": "not met: for a reason"},
        {"section": "4", "tests": ["tests/test_docs.py::test_a_wrong*"]},
    ],
)
def test_a_right_requirement_passes(rfc, changes):
    assert list(rfc.bad_requirements([requirement(**changes)], INDEX, {("1939", "3")})) == []


def test_a_reference_is_placed_in_its_function(rfc):
    text = (
        '"""RFC 1939 s3."""\n\nLIMIT = 5\n"""RFC 1939 s4."""\n\n\nclass A:\n    # RFC 1939 s5\n    def b(self): ...\n'
    )
    page = rfc.page([rfc.Source("x/a.py", text)], INDEX, [requirement(text="a | b")])
    assert "| 3 Basic Operation | **MUST** a \\| b *(met)* | [x/a.py](../../src/postane/x/a.py) |" in page
    assert "| 4 x |  | [x/a.py:LIMIT](../../src/postane/x/a.py) |" in page
    assert "| 5 y |  | [x/a.py:A.b](../../src/postane/x/a.py) |" in page


def test_sections_are_read_from_a_text(rfc):
    text = (
        "\n\nNetwork Working Group   A. Author\nRequest for Comments: 1\n\n\n"
        "               A Title of\n                Two Lines\n\n"
        "Table of Contents\n\n   1. First ....... 1\n\n"
        "1.  First\n\n   1. a list\n\n   2. goes on\n\n1.1.  Inner\n\n   Text.\n\n"
        "Author     Standards Track   [Page 1]\n\f\nRFC 1      A Title      May 2000\n\n"
        "1.2  Inner two\n\n2.  Second\n\n9.  No heading\n\nAppendix A.  More\n\nA.1.  Inmost\n"
    )
    assert rfc.rfc_index.title(text) == "A Title of Two Lines"
    assert rfc.rfc_index.sections(text) == {
        "1": "First",
        "1.1": "Inner",
        "1.2": "Inner two",
        "2": "Second",
        "A": "More",
        "A.1": "Inmost",
    }


def test_an_unnumbered_text_gives_its_headings(rfc):
    text = (
        "\nNetwork Group     A. Author\n\n      POST OFFICE\n\nIntroduction\n\n   Text.\n\nFormal Syntax\n\n   RETR\n"
    )
    assert rfc.rfc_index.sections(text) == {"(Introduction)": "Introduction", "(Formal Syntax)": "Formal Syntax"}


def test_the_index_holds_what_the_code_is_built_on():
    index = json.loads((TOOLS / "rfc_sections.json").read_text())
    assert index["1939"]["sections"]["7"] == "Optional POP3 Commands"
    assert index["5321"]["sections"]["4.5.3.1.10"] == "Too Many Recipients Code"
    assert "(Formal Syntax)" in index["937"]["sections"]


def test_a_stale_page_is_found(docs, tmp_path):
    docs.write(tmp_path)
    assert docs.stale(tmp_path) == []
    (tmp_path / "cli.md").write_text("old")
    (tmp_path / "states.md").unlink()
    assert docs.stale(tmp_path) == ["cli.md", "states.md"]


def test_every_key_and_every_default_is_told(docs):
    page = "\n".join(docs.configuration())
    assert '| `idle` | duration | `"10m"` |' in page
    assert '| `message` | size | `"50MB"` |' in page
    assert '| `plaintext_without_tls` | `"never"` or `"loopback"` or `"always"` | `"loopback"` |' in page
    assert "`listen` | addresses | unset |" in page


def test_every_kind_of_accounts_and_every_table_is_told(docs):
    from postane.config.backends import KINDS

    page = "\n".join(docs.configuration())
    assert [line for line in page.splitlines() if line.startswith("### kind")] == [f'### kind = "{k}"' for k in KINDS]
    assert "| `path` | path | required | the file; read again when it changes |" in page
    assert "| `sni` | tables | none | [[tls.sni]]: more certificates" in page
    assert page.count("## [[accounts]]") == page.count("### [[tls.sni]]") == 1
    assert "| `accounts`" not in page
    assert "Undefined" not in page


def test_every_key_of_fetch_toml_is_told(docs):
    from postane.config.fetching import Account, Deliver, FetchConfig, Filter, Multidrop
    from postane.config.secrets import OauthProvider, SecretPlace

    page = "\n".join(docs.fetch())
    for table in (FetchConfig, Account, Deliver, Filter, Multidrop, SecretPlace, OauthProvider):
        assert all(f"| `{key}` | " in page for key in table.model_fields)
    assert '| `keep` | `true`, `false`, duration or `"until-deleted-here"` | `true` |' in page
    assert '| `state` | path | `"~/.local/state/postane/fetch.db"` |' in page
    assert "| `password` | text or table | unset |" in page
    assert "| `lmtp` | address | unset |" in page
    assert "Undefined" not in page


def test_a_command_without_a_name_is_told_under_that_of_its_group(docs):
    page = "\n".join(docs.cli())
    assert "```\npostane fetch [ACCOUNT ...] [--watch]" in page
    assert "```\npostane fetch COMMAND\n```" in page
    assert "fetch run" not in page
    assert "| [add](#postane-fetch-add) | Add an account to fetch.toml: find its server" in page


def test_decision_records_are_listed():
    folder = REPOSITORY / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    unlisted = [path.name for path in sorted(folder.glob("[0-9]*.md")) if f"({path.name})" not in index]
    assert not unlisted, "docs/decisions/README.md lists every record: number, title, one line"


def test_every_threat_names_tests_that_exist(rfc):
    named = re.findall(r"`(tests/[^`]+)`", (REPOSITORY / "SECURITY.md").read_text())
    assert len(named) > 20
    assert not [each for each in named if not rfc.rfc_places.tests_named(REPOSITORY, each)]


@pytest.mark.parametrize(
    "page",
    [path.relative_to(REPOSITORY).as_posix() for path in [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")]],
)
def test_links_lead_somewhere(page):
    text = (REPOSITORY / page).read_text()
    targets = {link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link}
    broken = [target for target in targets if target and not ((REPOSITORY / page).parent / target).exists()]
    assert not broken


FETCH_EXAMPLES = [
    (page, number, text)
    for page in ("README.md", "docs/fetch.md", "docs/moving-here.md", "docs/reference/fetch.md")
    for number, text in enumerate(re.findall(r"```toml\n(.*?)```", (REPOSITORY / page).read_text(), re.DOTALL))
    if "[[account" in text
]


@pytest.mark.parametrize(("page", "number", "text"), FETCH_EXAMPLES, ids=lambda value: str(value)[:30].splitlines()[0])
def test_every_example_of_fetch_toml_can_be_used(page, number, text):
    from postane.config.fetching import FetchConfig
    from postane.config.text import parse_text

    assert parse_text(text, f"{page}, example {number}", FetchConfig).account


def test_every_key_that_another_retriever_s_becomes_is_one():
    from postane.config.fetching import Account, Deliver, FetchConfig, Filter, Multidrop

    keys = {key for table in (Account, Deliver, FetchConfig, Filter, Multidrop) for key in table.model_fields}
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", (REPOSITORY / "docs" / "moving-here.md").read_text(), re.MULTILINE)
    named = {key for _, ours in rows for key in re.findall(r"`(\w+)(?: = [^`]*)?`", ours)}
    assert len(named) > 20
    assert named <= keys
