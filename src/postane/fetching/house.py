"""Where the retriever's parts are chosen and joined: from fetch.toml to jobs that can be run.

Nothing else names a concrete source, destination or journal.
"""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from postane.config.fetching import Account as AccountTable
from postane.config.fetching import FetchConfig
from postane.config.fetching import Filter as FilterTable
from postane.fetch.account import Account, Action, Filter, Keep, KeepKind, Multidrop, Oversize
from postane.fetch.progress import Progress
from postane.fetch.rounds import Limits, Rounds
from postane.fetch.run import Job
from postane.journal.base import Journal
from postane.journal.sqlite import SqliteJournal

from .destinations import open_sinks
from .origins import Origin, open_origin
from .secrets import Ask


def open_journal(config: FetchConfig) -> Journal:
    """The journal that the configuration names; nothing is opened before it is used."""
    return SqliteJournal(config.state, time.time)


@asynccontextmanager
async def opened_rounds(
    config: FetchConfig,
    chosen: Sequence[AccountTable],
    ask: Ask = lambda _: None,
    ended: Callable[[Progress], None] = lambda _: None,
) -> AsyncIterator[Rounds]:
    """What fetches the chosen accounts. Raises ConfigError."""
    journal = open_journal(config)
    try:
        jobs = [_job(config, table, ask) for table in chosen]
        yield Rounds(jobs, journal, Limits(config.at_once, config.per_host), time.time, ended)
    finally:
        await asyncio.shield(journal.close())


def check_accounts(config: FetchConfig, tables: Sequence[AccountTable]) -> None:
    """Whether they can be fetched as they are written down; nobody is asked. Raises ConfigError."""
    for table in tables:
        _job(config, table, lambda _: None)


def _job(config: FetchConfig, table: AccountTable, ask: Ask) -> Job:
    hostname = config.hostname or socket.gethostname() or "localhost"
    origin = open_origin(config, table, ask)
    sinks = open_sinks(config, table)
    return Job(_account(table, origin, hostname), origin.make, sinks, time.time)


def _account(table: AccountTable, origin: Origin, hostname: str) -> Account:
    multidrop = table.multidrop
    return Account(
        name=table.name,
        keep=_keep(table.keep),
        expunge_every=table.expunge_every,
        max_size=table.max_size,
        oversize=Oversize(table.oversize),
        filters=tuple(map(_filter, table.filters)),
        multidrop=None
        if multidrop is None
        else Multidrop(multidrop.header, frozenset(map(str.lower, multidrop.domains)), multidrop.prefix),
        adds_received=table.received,
        delivered_to=table.delivered_to,
        hostname=hostname,
        limit=table.limit,
        every=table.every,
        host=origin.host,
        mailbox=origin.mailbox,
    )


def _keep(value: object) -> Keep:
    if isinstance(value, bool):
        return Keep(KeepKind.ALL if value else KeepKind.NONE)
    return Keep(KeepKind.AGED, value) if isinstance(value, float) else Keep(KeepKind.HERE)


def _filter(table: FilterTable) -> Filter:
    return Filter(table.header, re.compile(table.matches), Action(table.do))
