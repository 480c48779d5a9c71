"""The contract suite shows nearly all of it."""

import pytest

from postane.accounts.base import LoginRefused
from postane.accounts.memory import MemoryAccounts


async def test_two_stores_know_nothing_of_each_other():
    one, other = MemoryAccounts(), MemoryAccounts()
    one.add("mrose", password="secret")
    await one.verify_password("mrose", "secret")
    with pytest.raises(LoginRefused):
        await other.verify_password("mrose", "secret")


async def test_it_outlives_being_closed():
    accounts = MemoryAccounts()
    accounts.add("mrose", password="secret")
    await accounts.close()
    await accounts.verify_password("mrose", "secret")


def test_secrets_are_not_shown():
    accounts = MemoryAccounts()
    accounts.add("mrose", password="secret")
    accounts.add_device("mrose", "phone", "tanstaaf")
    shown = repr(list(accounts._entries.values()))
    assert "secret" not in shown
    assert "tanstaaf" not in shown
