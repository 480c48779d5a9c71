"""The post office on this machine as a destination: its store is opened with the run, and closed with it.

Must not know: how mail is fetched.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from postane.accounts.base import Account, AccountError
from postane.app import open_accounts, open_maildrops
from postane.config.file import find_config, load_config
from postane.config.model import Config
from postane.config.problems import ConfigError
from postane.maildrop.base import MaildropError, MaildropStore
from postane.sinks.base import Delivery, Parcel, SinkError
from postane.sinks.maildrop import GROUP, MaildropSink
from postane.supervisor.ownership import give_storage


class PostOfficeSink:
    """A Sink that is the maildrop of an account, by its name or one of its addresses. `config` is the post office's
    file; None: where it is looked for."""

    can_tell = True
    group = GROUP

    def __init__(self, config: Path | None, name: str) -> None:
        self.name = f"maildrop:{name}"
        self.is_new = False
        self._config = config
        self._account = name
        self._store: MaildropStore | None = None
        self._sink: MaildropSink | None = None

    async def open(self) -> None:
        """Find the account, open the store. Raises SinkError."""
        with self._told():
            config, account = await self._found()
            self._store = open_maildrops(config)
            self._sink = MaildropSink(self._store, account.drop, quota=account.quota)
            await self._sink.open()
            self.is_new = self._sink.is_new

    async def look(self) -> None:
        """Whether there is such an account; its maildrop is not opened. Raises SinkError."""
        with self._told():
            await self._found()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What is wrong with a post office becomes SinkError."""
        try:
            yield
        except ConfigError as error:
            raise SinkError(str(error), may_pass=False) from error
        except (AccountError, MaildropError) as error:
            raise SinkError(f"{self.name}: {error.log}") from error

    async def _found(self) -> tuple[Config, Account]:
        config = load_config(find_config(self._config))
        place = config.storage.path
        if not place.is_dir() or not any(place.iterdir()):  # looking for the account would make a post office
            raise SinkError(
                f"{self.name}: there is no post office in {place}: name its file: config = ...", may_pass=False
            )
        give_storage(config)
        accounts = open_accounts(config)
        local_part, at, domain = self._account.rpartition("@")
        try:
            account = await accounts.find(self._account)
            if account is None:
                account = await accounts.resolve(local_part if at else self._account, domain if at else None)
        finally:
            await accounts.close()
        if account is None:
            raise SinkError(f"{self.name}: there is no such account: see postane user list", may_pass=False)
        return config, account

    async def find(self, keys: Collection[str]) -> set[str]:
        """See Sink."""
        return await self._opened.find(keys)

    async def resembling(self, wanted: Mapping[str, str]) -> set[str]:
        """See Sink."""
        return await self._opened.resembling(wanted)

    async def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Delivery]:
        """See Sink."""
        return await self._opened.deliver(parcels)

    async def close(self) -> None:
        """See Sink."""
        sink, store, self._sink, self._store = self._sink, self._store, None, None
        if sink is not None:
            await sink.close()
        if store is not None:
            await store.close()

    @property
    def _opened(self) -> MaildropSink:
        assert self._sink is not None, "the run opens its sinks first"
        return self._sink
