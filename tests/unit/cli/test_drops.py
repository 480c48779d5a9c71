"""Which drop a person means."""

import pytest

from postane.accounts.base import Account
from postane.cli.common import read_config
from postane.cli.drops import find_account, find_drop, opened_maildrops
from postane.cli.words import Exit, Failure, moment
from support.store_child import deposit, message


async def test_an_account_by_its_names(shell):
    config = read_config(shell.config)
    for name in ("anna", "info@postane.test", "anna@localhost"):
        assert await find_account(config, name) == Account("anna", "anna")
    assert await find_account(config, "nobody") is None


async def test_a_drop_whose_account_is_gone_is_still_found(shell):
    config = read_config(shell.config)
    async with opened_maildrops(config) as store:
        await deposit(store, message(1), "former")
        assert await find_drop(config, store, "former") == "former"
        assert await find_drop(config, store, "info@postane.test") == "anna"
        with pytest.raises(Failure) as refused:
            await find_drop(config, store, "nobody")
    assert refused.value.code is Exit.NO_USER


def test_a_moment_is_in_utc():
    assert moment(0.0) == "1970-01-01T00:00:00Z"
