"""Fixtures of the maildrops' tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postane.maildrop.drop import JoinedStore
from postane.maildrop.embedded import embedded_store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[JoinedStore]:
    """An embedded store that keeps bodies over 1 KiB in files."""
    store = embedded_store(tmp_path / "post", inline=1024)
    yield store
    await store.close()
