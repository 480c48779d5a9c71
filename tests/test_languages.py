"""No reply is missing in any language: what `tools/languages.py` finds in the source is in every catalogue."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).parent.parent / "tools"


@pytest.fixture
def languages(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("languages")


def test_every_text_is_said_in_every_language(languages):
    assert not (told := languages.stale()), "\n".join(["", *told, "(tools/languages.py update, then translate)"])


def test_the_texts_are_found(languages):
    found = {each.one for each in languages.find_all()}
    assert {
        "send PASS",
        "unknown command",  # an error of the grammar
        "line too long",  # of the lines below it
        "invalid user name or password",  # a text with a name
        "{verb} is not possible now: log in first",  # one in a table
        "not base64",  # of what both protocols share
        "passwords may not cross this connection in clear text, say STLS first",  # one of several that are returned
        "nothing more was asked",  # one that another module's function makes
        "too many failed logins, try again in {seconds} s",
        "too many logins at this moment, try again later",
        "the name is too long",
        "maildrop is in use by another session since {moment} ({span})",
        "no such message, only {count} in maildrop",
        "{count} octet",
    } <= found
    assert len(found) > 95


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ('out.send(ok("a"))', [("a", "")]),
        ('raise StoreFull("a b", f"for the log {x}")', [("a b", "")]),
        ('err("a" if x else "b")', [("a", ""), ("b", "")]),
        ('ok(counted("{count} a", "{count} b", n))', [("{count} a", "{count} b")]),
        ('raise base.refuse("a")', [("a", "")]),
        ('one, many = "x", "y"\nok(counted(one, many, n))', [("x", "y")]),
        ('text = "a"\nSpeak(tongue, text)', [("a", "")]),
        ('ok(f"a {b}")', [(None, "")]),
        ('text = f"a {b}"\nok(text)', [(None, "")]),
        ('ok(f"{a} {b}")', []),
        ("ok()", []),
        ("err(error.text)", []),
        ('other("a")', []),
        ('def greeting(self):\n    return ok(f"ready {x}")', []),
    ],
)
def test_a_text_is_found(languages, tmp_path, code, texts):
    (tmp_path / "a.py").write_text(code)
    assert [(each.one, each.many) for each in languages.find(tmp_path / "a.py", tmp_path)] == texts


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ('msgid "a {x}"\nmsgstr "b {x}"', None),
        ('msgid "a {x}"\nmsgstr ""', "has no"),
        ('msgid "z"\nmsgstr "z"', "has no"),
        ('#, fuzzy\nmsgid "a {x}"\nmsgstr "b {x}"', "has no"),
        ('msgid "a {x}"\nmsgstr "b {y}"', "the values in"),
        ('msgid "a {x}"\nmsgstr "b"', "the values in"),
    ],
)
def test_what_is_missing_is_told(languages, tmp_path, written, complaint):
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    (tmp_path / "de.po").write_text(head + written + "\n")
    found = [languages.Found("a {x}", "", "a.py:1")]
    told = list(languages.missing(found, "de", languages.catalogue("de", tmp_path)))
    assert len(told) == (complaint is not None)
    assert not told or complaint in told[0]
