"""What all accounts have of their own is asked once for each change of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from postane.accounts.base import Spread
from postane.accounts.reader import Reader
from postane.accounts.records import Place
from postane.accounts.registry import Registry
from postane.accounts.spreads import Spreads


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    registry = Registry(Place(tmp_path))
    registry.configure(replace(registry.add("mrose"), retention=60.0))
    yield registry
    registry.close()


@pytest.fixture
def reader(registry: Registry, tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(Place(tmp_path))
    yield reader
    reader.forget()


def test_it_is_recalled_until_something_changes(registry: Registry, reader: Reader) -> None:
    spreads = Spreads(reader)
    assert spreads.recall() is None, "it was never read"
    assert spreads.read() == Spread((60.0, 60.0), None)
    assert spreads.recall() == spreads.read() == Spread((60.0, 60.0), None)
    registry.configure(replace(registry.add("anna"), retention=30.0, login_delay=5.0))
    assert spreads.recall() is None
    assert spreads.read() == Spread((30.0, 60.0), (5.0, 5.0))
    assert spreads.recall() == Spread((30.0, 60.0), (5.0, 5.0))


def test_an_unchanged_one_asks_nothing(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    spreads = Spreads(reader)
    for _ in range(2):
        told = spreads.read()
    monkeypatch.setattr(reader, "ask", lambda *_: pytest.fail("the accounts were asked"))
    assert spreads.recall() is told
