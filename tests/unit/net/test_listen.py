"""Sockets to listen on."""

import os
import socket
from pathlib import Path

import pytest

from postane.net.listen import CannotListen, bind_tcp, bind_unix


def test_one_socket_a_worker_on_one_port() -> None:
    bound = bind_tcp("127.0.0.1", 0, 3)
    names = {sock.getsockname() for sock in bound.sockets}
    assert len(bound.sockets) == 3
    assert len(names) == 1
    assert bound.name == "{}:{}".format(*names.pop())
    bound.keep_only(1)
    assert [sock.fileno() >= 0 for sock in bound.sockets] == [False, True, False]
    bound.close()


@pytest.mark.parametrize("copies", [1, 2])
def test_a_port_in_use_is_refused(copies: int) -> None:
    first = bind_tcp("127.0.0.1", 0, copies)
    port = first.sockets[0].getsockname()[1]
    with pytest.raises(CannotListen, match=f"127.0.0.1:{port}: another program listens there"):
        bind_tcp("127.0.0.1", port, 2)
    first.close()
    bind_tcp("127.0.0.1", port, 2).close()


def test_a_port_of_ones_own_may_be_had_again() -> None:
    first = bind_tcp("127.0.0.1", 0, 1)
    assert first.port is not None
    for host in ("127.0.0.1", "0.0.0.0"):
        again = bind_tcp(host, first.port, 2, is_ours=True)
        assert again.port == first.port
        again.close()
    first.close()


def test_an_address_of_somebody_else_is_refused() -> None:
    with pytest.raises(CannotListen, match="this machine has no such address"):
        bind_tcp("192.0.2.1", 0, 1)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_ipv6_stands_beside_ipv4() -> None:
    six = bind_tcp("::", 0, 1)
    port = six.sockets[0].getsockname()[1]
    assert six.name == f"[::]:{port}"
    bind_tcp("0.0.0.0", port, 1).close()
    six.close()


def test_the_socket_of_a_dead_server_is_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "made" / "lmtp.sock")
    dead = bind_unix(path)
    dead.sockets[0].close()  # a killed server: the file stays
    assert os.path.exists(path)
    living = bind_unix(path)
    with pytest.raises(CannotListen, match="another program listens there"):
        bind_unix(path)
    assert living.name == f"unix:{path}"
    living.close()
    assert not os.path.exists(path)


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("mine")
    with pytest.raises(CannotListen):
        bind_unix(str(path))
    assert path.read_text() == "mine"
