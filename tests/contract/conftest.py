"""The account stores of the suite, one after the other."""

from collections.abc import AsyncIterator

import pytest

from support.account_houses import EVERY, House
from support.file_houses import FILES
from support.other_houses import OTHERS
from support.token_houses import TOKENS

HOUSES = EVERY | OTHERS | FILES | TOKENS


@pytest.fixture(params=list(HOUSES))
async def house(request, tmp_path) -> AsyncIterator[House]:
    """A store with nobody in it."""
    async with HOUSES[request.param](tmp_path) as house:
        yield house


@pytest.fixture
def mrose(house):
    return house.registry.add("mrose", password="secret")
