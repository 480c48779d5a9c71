"""Postane itself as a peer: one worker, its embedded store on disk, mail put in by the library.

Accounts have an argon2id hash at the usual cost, which the login cache spares from the second login on; those of a
group that logs in once only have a device password as well (`accounts.py`).
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import fill
from accounts import add_accounts
from certificate import Certificate, make_certificate
from messages import DOMAIN, Group
from peers import Server, filled_in_memory, start_on, stop, told_ports

import postane
from postane.config.file import load_config
from postane.pop3 import server as pop3_server

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
        kind = "" if str(pop3_server.__file__).endswith(".py") else ", compiled"
        self.name = f"Postane {postane.__version__}{kind}"
        self._folder = folder
        self._certificate = certificate
        self._config = folder / "postane.toml"

    def set_up(self, groups: Mapping[str, Group]) -> None:
        """Make the accounts and fill the drops."""
        self._folder.mkdir(mode=0o755)
        with filled_in_memory(self._folder / "store", 0o700) as store:
            self._write_config(store)
            names = [name for group in groups.values() for name in group.names()]
            once = [name for group in groups.values() if group.one_off for name in group.names()]
            add_accounts(load_config(self._config), names, once)
            for group in groups.values():
                if group.messages:
                    fill.fill_group(store, group)
        self._write_config(self._folder / "store")

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
