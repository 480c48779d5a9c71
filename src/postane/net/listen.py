"""Sockets to listen on, bound by the parent and used by its workers.

A TCP address gets one socket a worker, all on the same port (SO_REUSEPORT), so that the kernel spreads connections
evenly; the parent keeps them open, so that connections wait while a dead worker is replaced. A unix socket is one for
all.

Must not know: services, processes.
"""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Sequence
from dataclasses import dataclass

SOCKET_MODE = 0o666
"""An MTA runs as a user of its own: who may connect to a unix socket is decided by the folder that it is in."""

BACKLOG = 4096
"""Connections that may wait to be accepted, a socket (in Linux as `net.core.somaxconn` allows): a crowd that comes at
once should not cost others the second until they ask again."""


class CannotListen(Exception):
    """An address cannot be listened on; the text says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Bound:
    """An address that is listened on: `name` as it came out (a port 0 was chosen by then), its `sockets`."""

    name: str
    sockets: Sequence[socket.socket]

    def socket_for(self, worker: int) -> socket.socket:
        """The socket that worker number `worker`, from 0, accepts from."""
        return self.sockets[worker % len(self.sockets)]

    @property
    def port(self) -> int | None:
        """The TCP port; None for a unix socket."""
        sock = self.sockets[0]
        return None if sock.family == socket.AF_UNIX else int(sock.getsockname()[1])

    def keep_only(self, worker: int) -> None:
        """In a worker: close the sockets of the others, whose connections it would else keep waiting for ever."""
        own = self.socket_for(worker)
        for sock in self.sockets:
            if sock is not own:
                sock.close()

    def close(self) -> None:
        """Listen no longer; the file of a unix socket is removed."""
        for sock in self.sockets:
            if sock.family == socket.AF_UNIX:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(sock.getsockname())
            sock.close()


def bind_tcp(host: str, port: int, copies: int, *, is_ours: bool = False) -> Bound:
    """Listen on a host and port with `copies` sockets; port 0 lets the system choose. Raises CannotListen.

    `is_ours`: this process listens on the port already, at another address or for other workers, and may again.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )[0]
        if not is_ours:  # sharing a port would be silent: this fails where anybody else listens
            with _tcp_socket(family, kind, address, is_shared=False) as probe:
                address = probe.getsockname()
        sockets = [_tcp_socket(family, kind, address, is_shared=True) for _ in range(copies)]
        for sock in sockets:
            sock.listen(BACKLOG)
    except OSError as error:
        raise CannotListen(_explain(f"{host}:{port}", error)) from error
    return Bound(_name(address), sockets)


def bind_unix(path: str) -> Bound:
    """Listen on a unix socket; the leftover of a dead server is replaced. Raises CannotListen."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if _is_dead_socket(path):
            os.unlink(path)
        sock.bind(path)
        os.chmod(path, SOCKET_MODE)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise CannotListen(_explain(f"unix:{path}", error)) from error
    return Bound(f"unix:{path}", [sock])


def _tcp_socket(family: int, kind: int, address: object, *, is_shared: bool) -> socket.socket:
    sock = socket.socket(family, kind)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # "[::]" and "0.0.0.0" stand side by side
        sock.bind(address)  # type: ignore[arg-type]
    except OSError:
        sock.close()
        raise
    return sock


def _is_dead_socket(path: str) -> bool:
    """Whether `path` is a socket on which nobody listens."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return False
    except FileNotFoundError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
    return False


def _name(address: Sequence[object]) -> str:
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def _explain(name: str, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            remedy = "another program listens there; stop it, or choose another address"
        case errno.EACCES | errno.EPERM:
            remedy = "not permitted; ports below 1024 need root, or choose a higher port"
        case errno.EADDRNOTAVAIL:
            remedy = "this machine has no such address"
        case _:
            remedy = error.strerror or str(error)
    return f"cannot listen on {name}: {remedy}"
