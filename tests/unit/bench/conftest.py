"""How the programs of bench are imported: they are scripts, and of no package."""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[3] / "bench"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], ModuleType]]:
    """A module of a program, which is a script and no package."""
    before = set(sys.modules)

    def found(program: str, module: str) -> ModuleType:
        monkeypatch.syspath_prepend(BENCH)
        monkeypatch.syspath_prepend(BENCH / program)
        return import_module(module)

    yield found
    for name in set(sys.modules) - before:
        monkeypatch.delitem(sys.modules, name)
