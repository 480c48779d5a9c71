"""Postane itself as a peer: one worker, its embedded store on disk, mail put in by the library.

Accounts have an argon2id hash at the usual cost, which the login cache spares from the second login on. Those of a
group that logs in once only have a device password as well, which costs no slow hash: that is what compares with a
peer that reads plain passwords.
"""

import asyncio
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from certificate import Certificate, make_certificate
from messages import DOMAIN, Group, message
from peers import PASSWORD, Server, start_on, stop, told_ports

import postane
from postane.accounts.hashes import hash_password
from postane.accounts.records import Entry
from postane.app import open_maildrops, open_registry
from postane.config.file import load_config
from postane.maildrop.base import Addressee, Letter, MaildropError, MaildropStore

MEMORY = Path("/dev/shm")
AT_ONCE = 64
"""Deposits under way at the same time while drops are filled."""

DROPS_AT_ONCE = 400
"""Fewer than the store keeps open: a group's mail goes into so many drops before the next ones are opened."""

CONFIG = """\
hostname = "mail.{domain}"
[storage]
path = "{store}"
[pop3]
listen = ["127.0.0.1:0"]
[pop3s]
listen = ["127.0.0.1:0"]
[tls]
certificate = "{chain}"
key = "{key}"
[lmtp]
listen = ["127.0.0.1:0"]
[smtp]
listen = ["127.0.0.1:0"]
domains = ["{domain}"]
[auth]
plaintext_without_tls = "loopback"
[limits]
connections = 20000
per_address = 20000
[server]
workers = 1
"""


class PostanePeer:
    """Postane from this tree."""

    def __init__(self, folder: Path, certificate: Certificate | None = None) -> None:
        self.name = f"Postane {postane.__version__}"
        self._folder = folder
        self._certificate = certificate
        self._config = folder / "postane.toml"

    def set_up(self, groups: Mapping[str, Group]) -> None:
        """Make the accounts and fill the drops: in memory where that is possible, as syncs cost nothing there."""
        self._folder.mkdir(mode=0o755)
        store = self._folder / "store"
        filled = MEMORY / f"{self._folder.parent.name}-fill" if MEMORY.is_dir() else store
        try:
            self._write_config(filled)
            filled.mkdir(mode=0o700)
            self._add_accounts(list(groups.values()))
            asyncio.run(self._fill([group for group in groups.values() if group.messages]))
            if filled != store:
                shutil.copytree(filled, store)
        finally:
            if filled != store:
                shutil.rmtree(filled, ignore_errors=True)
        self._write_config(store)

    def start(self, cpu: int | None) -> Server:
        """Start it on core `cpu`."""
        output = self._folder / "output"
        output.unlink(missing_ok=True)
        command = [sys.executable, "-m", "postane", "serve", "-c", str(self._config)]
        process = start_on(cpu, command, output)
        ports = told_ports(process, output)
        return Server(process, ports["pop3"], ports["lmtp"], ports["smtp"], ports.get("pop3s"))

    def stop(self, server: Server) -> None:
        """Stop it and all its processes."""
        stop(server.process)

    def _write_config(self, store: Path) -> None:
        self._certificate = self._certificate or make_certificate(self._folder)
        chain, key = self._certificate.chain, self._certificate.key
        self._config.write_text(CONFIG.format(domain=DOMAIN, store=store, chain=chain, key=key))

    def _add_accounts(self, groups: Sequence[Group]) -> None:
        """All with one hash: making it a thousand times would take as long again."""
        registry = open_registry(load_config(self._config))
        hashed = hash_password(PASSWORD)
        registry.import_many([Entry(name, hashed) for group in groups for name in group.names()])
        for name in (name for group in groups if group.one_off for name in group.names()):
            registry.add_device(name, "bench", PASSWORD)
        registry.close()

    async def _fill(self, groups: Sequence[Group]) -> None:
        store = open_maildrops(load_config(self._config))
        try:
            for group in groups:
                names = group.names()
                for begin in range(0, len(names), DROPS_AT_ONCE):
                    await self._fill_drops(store, group, names[begin : begin + DROPS_AT_ONCE])
        finally:
            await store.close()

    async def _fill_drops(self, store: MaildropStore, group: Group, drops: Sequence[str]) -> None:
        for start in range(0, group.messages, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, group.messages))
            await asyncio.gather(*(deposit(store, drops, message(n, group.octets)) for n in numbers))


async def deposit(store: MaildropStore, drops: Sequence[str], octets: bytes) -> None:
    """One message into every drop. Raises MaildropError."""
    spool = store.spool()
    try:
        await spool.write(octets)
        letter = Letter(sender=f"sender@{DOMAIN}", arrived=time.time())
        for outcome in await store.deposit(spool, letter, [Addressee(drop) for drop in drops]):
            if isinstance(outcome, MaildropError):
                raise outcome
    finally:
        await spool.discard()
