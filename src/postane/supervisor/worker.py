"""One worker process: an event loop that accepts connections until it is told to stop.

SIGTERM: stop accepting, let sessions end for `server.drain`, leave. SIGHUP: the same without a bound, because a new
generation has taken over. When the parent is gone, which the pipe to it tells, the worker leaves too.

Must not know: what the services say.
"""

import asyncio
import functools
import gc
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from postane.accounts.failures import Slate
from postane.app import Services, open_housekeeper, open_schedule, open_services
from postane.config.model import ENCRYPTED, Config
from postane.net.accept import Acceptor, ArrivingStream, Proxies
from postane.net.deadlines import Deadlines
from postane.net.listen import BACKLOG, Bound
from postane.net.networks import parse_networks
from postane.net.secure import SecureStream
from postane.net.tcp import SocketStream
from postane.net.tls import ServerTls
from postane.observe.logs import configure_logs, log_unraisable
from postane.server.guest import Room
from postane.server.limits import Tally
from postane.server.reception import Reception
from postane.server.replies import report_bug

from .control import open_control
from .descriptors import LINGERING, descriptors_allowed, places
from .heap import share_heaps

_KEEP_SOCKET_FILE: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
"""The file of a unix socket is the parent's: the next generation goes on listening on it."""


class Closable(Protocol):
    """Something that accepts connections until it is closed."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker is to do. `bound` is what each service listens on; `parent` is the read end of the parent's pipe,
    `ready` the write end of the one by which the worker says that it accepts."""

    config: Config
    tls: ServerTls
    index: int
    bound: Mapping[str, list[Bound]]
    connections: Tally
    sessions: Tally
    failures: Slate
    parent: int
    ready: int


def work(assignment: Assignment) -> None:
    """Run to the end of this process's life."""
    configure_logs(assignment.config.log.level, assignment.config.log.format)
    log_unraisable()
    share_heaps()
    gc.collect()
    gc.freeze()  # what was imported lives as long as the process: the collector need not look at it
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_work(assignment))


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.Loop


async def _work(assignment: Assignment) -> None:
    loop = asyncio.get_running_loop()
    orders: asyncio.Queue[float | None] = asyncio.Queue()  # how long to drain
    drain = assignment.config.server.drain
    loop.add_signal_handler(signal.SIGTERM, orders.put_nowait, drain)
    loop.add_signal_handler(signal.SIGHUP, orders.put_nowait, None)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C reaches the whole group: the parent decides
    loop.add_reader(assignment.parent, orders.put_nowait, drain)
    services = open_services(assignment.config, assignment.sessions, assignment.failures, assignment.tls)
    room = Room(places(descriptors_allowed()), LINGERING)
    reception = Reception(services.office, assignment.connections, room)
    limits = services.office.limits
    deadlines = Deadlines(period=min(1.0, limits.idle / 20, limits.login / 20))
    sweeping = asyncio.create_task(deadlines.sweep_forever())
    tidying = asyncio.create_task(_tidy(assignment.config, services))
    tidying.add_done_callback(_tell_failure)
    servers = [server async for server in _listen(assignment, services, reception, deadlines)]
    control = await open_control(assignment.config.storage.path, reception)
    os.write(assignment.ready, b"r")
    os.close(assignment.ready)
    patience = await orders.get()
    loop.remove_reader(assignment.parent)
    for server in servers:
        server.close()
    tidying.cancel()  # the next generation goes on with it
    await _drain(reception, orders, patience)
    await control.close()
    sweeping.cancel()
    await asyncio.wait({tidying})
    await services.close()


def _tell_failure(tidying: "asyncio.Task[None]") -> None:
    """Housekeeping ends with the worker; if a bug ended it before, the operator must know that mail is not removed."""
    error = None if tidying.cancelled() else tidying.exception()
    if isinstance(error, Exception):
        report_bug(error, "housekeeping")


async def _tidy(config: Config, services: Services) -> None:
    housekeeper = open_housekeeper(config, services.office.maildrops, services.office.accounts)
    await housekeeper.run_forever(open_schedule(config))


async def _listen(
    assignment: Assignment, services: Services, reception: Reception, deadlines: Deadlines
) -> AsyncIterator[Closable]:
    loop = asyncio.get_running_loop()
    proxies = _proxies(assignment.config)
    for service, bounds in assignment.bound.items():
        on_open = functools.partial(reception.accept, service, services.desks[service])
        begins_with_tls = service in ENCRYPTED
        arriving = functools.partial(
            ArrivingStream, deadlines, on_open, services.tls, begins_with_tls=begins_with_tls, proxies=proxies
        )
        for bound in bounds:
            bound.keep_only(assignment.index)
            sock = bound.socket_for(assignment.index)
            sock.setblocking(False)
            if sock.family != socket.AF_UNIX and not proxies.trusted:
                kind = SecureStream if begins_with_tls else SocketStream
                at_once = functools.partial(kind, deadlines, on_open, services.tls)
                yield await loop.create_server(at_once, sock=sock, backlog=BACKLOG)
            elif sock.family == socket.AF_UNIX:
                at_once = functools.partial(SocketStream, deadlines, on_open)
                yield await loop.create_unix_server(at_once, sock=sock, backlog=BACKLOG, **_KEEP_SOCKET_FILE)
            else:
                yield Acceptor(sock, arriving)


def _proxies(config: Config) -> Proxies:
    return Proxies(parse_networks(config.proxy.trusted), takes_names=config.tls.client_name == "common-name")


async def _drain(reception: Reception, orders: "asyncio.Queue[float | None]", patience: float | None) -> None:
    """Let sessions end; another order on the way may shorten the wait."""
    draining = asyncio.create_task(reception.drain(patience))
    while patience is None and not draining.done():
        order = asyncio.create_task(orders.get())
        await asyncio.wait({draining, order}, return_when=asyncio.FIRST_COMPLETED)
        if order.done() and not draining.done():
            draining.cancel()
            patience = order.result()
            draining = asyncio.create_task(reception.drain(patience))
        order.cancel()
    await draining
