"""What the `postane drop` commands share: the open store, and which drop a person means."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postane.accounts.base import Account
from postane.config.model import Config
from postane.maildrop.base import MaildropStore

from .words import Exit, Failure, show


@asynccontextmanager
async def opened_maildrops(config: Config) -> AsyncIterator[MaildropStore]:
    """The maildrops of a configuration, while a command works with them."""
    from postane.app import open_maildrops  # here: `--help` needs nothing of the house
    from postane.supervisor.ownership import give_storage

    give_storage(config)
    store = open_maildrops(config)
    try:
        yield store
    finally:
        await store.close()


async def find_account(config: Config, name: str) -> Account | None:
    """Whose account a name or an address is."""
    from postane.app import open_accounts
    from postane.supervisor.ownership import give_storage

    give_storage(config)
    accounts = open_accounts(config)
    local_part, at, domain = name.rpartition("@")
    try:
        account = await accounts.find(name)
        return account or await accounts.resolve(local_part if at else name, domain if at else None)
    finally:
        await accounts.close()


async def find_drop(config: Config, store: MaildropStore, name: str) -> str:
    """The drop that a person means: one of that very name, even if no account has it any more, or an account's."""
    async for drop in store.drops():
        if drop == name:
            return drop
    account = await find_account(config, name)
    if account is None:
        raise no_account(name)
    return account.drop


def no_account(name: str) -> Failure:
    """Nobody is called that."""
    return Failure(f"no account or maildrop {show(name)}: see postane user list", Exit.NO_USER)
