"""A real HAProxy in front of a post office, one door for each way of telling who the client is."""

import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .postoffice import Address, wait_until
from .processes import is_alive
from .programs import require

_HEAD = """
global
    log stdout format raw local0
    stats socket unix@{folder}/stats level admin
    ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
    mode tcp
    retries 0
    timeout connect 10s
    timeout client 60s
    timeout server 60s
"""


@dataclass(frozen=True, slots=True)
class Way:
    """From a door to a service. `bind` and `server` are options of HAProxy, `source` the client that it tells of,
    `checks` what it looks for when it looks in."""

    to: Address
    server: str
    bind: str = ""
    source: str | None = None
    checks: str | None = None


class Haproxy:
    """Runs between `with`; `doors` are where its clients connect to. It listens before it is started, and is given its
    sockets, so that nobody else can take a port."""

    def __init__(self, folder: Path, ways: Mapping[str, Way]) -> None:
        self._folder = folder
        self._ways = ways
        self._sockets = {name: socket.create_server(("127.0.0.1", 0)) for name in ways}
        self._process: subprocess.Popen[bytes] | None = None
        self.doors: dict[str, Address] = {name: each.getsockname() for name, each in self._sockets.items()}

    def __enter__(self) -> Self:
        program, log = require("haproxy"), self._folder / "haproxy.log"
        config = self._folder / "haproxy.cfg"
        config.write_text(_HEAD.format(folder=self._folder) + "".join(map(self._section, self._ways)))
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [program, "-db", "-f", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                pass_fds=[each.fileno() for each in self._sockets.values()],
            )
        running = self._process
        wait_until((self._folder / "stats").exists, "HAProxy is up")
        assert is_alive(running.pid), log.read_text()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sockets.values():
            each.close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    def _section(self, name: str) -> str:
        way = self._ways[name]
        lines = [f"listen {name}", f"bind fd@{self._sockets[name].fileno()} {way.bind}"]
        if way.source is not None:
            lines.append(f"tcp-request connection set-src ipv{6 if ':' in way.source else 4}({way.source})")
        if way.checks is not None:
            lines += ["option tcp-check", "tcp-check connect send-proxy", f"tcp-check expect string {way.checks}"]
        lines.append(f"server postane {way.to[0]}:{way.to[1]} {way.server}")
        return "\n    ".join(lines) + "\n"
