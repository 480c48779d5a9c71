"""What is rewritten for mypyc means the same, line by line, and what is not known is refused."""

import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]


@pytest.fixture
def natives(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """The rewriting, which is a script's module and in no package."""
    monkeypatch.syspath_prepend(ROOT / "tools" / "compiled")
    import natives as module

    yield lambda source: module.natives(source, "made.py")
    monkeypatch.delitem(sys.modules, "natives")


def run(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": __name__}
    exec(compile(source, "made.py", "exec"), names)
    return names


HEAD = "from dataclasses import dataclass, field\nfrom typing import ClassVar\n\n\n"


def test_a_value_is_made_by_a_constructor_of_its_own(natives):
    source = HEAD + (
        "@dataclass(slots=True)  # not frozen\n"
        "class User:\n"
        '    """Who."""\n'
        "\n"
        '    verb: ClassVar[str] = "USER"\n'
        "    name: str\n"
        "    secret: str = field(repr=False)\n"
        "    ahead: tuple[int, ...] = field(default=(), compare=False)\n"
        "    seen: list[str] = field(default_factory=list)\n"
        "    length: int = field(init=False)\n"
        "\n"
        "    def __post_init__(self) -> None:\n"
        "        self.length = len(self.name)\n"
    )
    made = natives(source)
    before, after = run(source)["User"], run(made)["User"]
    assert "slots" not in made
    assert "def __init__(self, name: str, secret: str, ahead: tuple[int, ...] = (), " in made
    for values in (("a", "b"), ("a", "b", (1,), ["x"])):
        assert repr(after(*values)) == repr(before(*values))
        assert (after.verb, after(*values).length) == ("USER", 1)
    assert after("a", "b", (1,)) == after("a", "b", (2,)) != after("a", "c")
    assert after("a", "b").seen is not after("a", "b").seen
    assert after.__match_args__ == before.__match_args__


def test_no_line_moves(natives):
    with (ROOT / "pyproject.toml").open("rb") as file:
        wheel = tomllib.load(file)["tool"]["hatch"]["build"]["targets"]["wheel"]
    for name in wheel["hooks"]["custom"]["modules"]:
        path = ROOT / "src" / "postane" / name
        source = path.read_text(encoding="utf-8")
        lines, made = source.split("\n"), natives(source).split("\n")
        assert len(lines) <= len(made) <= len(lines) + 1, path
        moved = [number for number, (old, new) in enumerate(zip(lines, made, strict=False), 1) if old and not new]
        assert all("ClassVar" in lines[number - 1] for number in moved), path


def test_a_table_of_methods_is_set_behind_its_class(natives):
    source = (
        "from typing import ClassVar\n\n\nclass Desk:\n    def go(self) -> int:\n        return 1\n\n"
        "    VERBS: ClassVar[dict[str, object]] = {\n        'go': go,\n        'stay': None,\n    }\n"
    )
    made = natives(source)
    assert "\nDesk.VERBS = {\n    'go': Desk.go,\n" in made
    assert run(made + "\nassert Desk.VERBS['go'](Desk()) == 1")["Desk"].VERBS["stay"] is None


def test_each_handlers_error_has_a_name_of_its_own(natives):
    source = (
        "def f(go):\n    try:\n        go()\n    except ValueError as error:\n        return f'error {error}'\n"
        "    except KeyError as error:\n        error.add_note('error=')\n        return dict(error=error)\n"
    )
    made = natives(source)
    assert "except ValueError as error:" in made
    assert "except KeyError as error_2:\n        error_2.add_note('error=')\n        return dict(error=error_2)" in made


def test_an_unused_parameter_is_not_deleted_in_a_coroutine(natives):
    made = natives("async def f(event, out):\n    del event, out\n    own = 1\n    del own\n")
    assert made == "async def f(event, out):\n    pass\n    own = 1\n    del own\n"


def test_what_has_none_of_it_stays(natives):
    source = "class A:\n    x = 1\n\n\ndef f(a):\n    del a\n"
    assert natives(source) == source


@pytest.mark.parametrize(
    "lines",
    [
        "@dataclass(order=True)\nclass A:\n    x: int\n",
        "@dataclass(frozen=yes)\nclass A:\n    x: int\n",
        "@other\n@dataclass\nclass A:\n    x: int\n",
        "@dataclass\nclass A(B):\n    x: int\n",
        "def f():\n    @dataclass\n    class A:\n        x: int\n",
        "@dataclass\nclass A:\n    x: InitVar[int]\n",
        "@dataclass\nclass A:\n    x: int\n\n    def __init__(self): ...\n",
        "@dataclass\nclass A:\n    x: int = field(kw_only=True)\n",
        "@dataclass\nclass A:\n    x: int | None = field(default_factory=int)\n",
        "@dataclass\nclass A:\n    x: int\n    y = 1\n",
        "@dataclass\nclass A:\n    x: int\ny = 1\n",
        "class A:\n    def f(self): ...\n\n    T: ClassVar[dict] = {1: f}\n    x = 1\n",
        "class A:\n    def f(self): ...\n    T: ClassVar[dict] = {1: f}\n",
        "async def f(g):\n    try:\n        await g()\n    finally:\n        if g:\n            await g()\n",
        "def f():\n    try: ...\n    except A as e: ...\n    except B as e:\n        return 'an e is one', e\n",
    ],
)
def test_what_is_not_known_is_refused(natives, lines):
    with pytest.raises(Exception, match=r"made\.py") as refused:
        natives(HEAD + lines)
    assert type(refused.value).__name__ == "Unknown"
