"""Who answers, and how."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from postane.cli.doctor_listeners import examine_listeners
from postane.cli.findings import Finding
from postane.config.file import load_config
from postane.net.proxy_protocol import parse_header
from postane.supervisor.plan import make_plan
from support.certificates import LOCALHOST, Authority


@contextmanager
def door(said: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Somebody who says something to whoever comes; the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(ssl.SSLError):
                secured = connection if context is None else context.wrap_socket(connection, server_side=True)
                secured.sendall(said)
                secured.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(20)


def examine(folder: Path, sections: str) -> list[Finding]:
    (folder / "store").mkdir(exist_ok=True)
    path = folder / "postane.toml"
    path.write_text(f'[storage]\npath = "{folder}/store"\n{sections}')
    return list(examine_listeners(load_config(path)))


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def test_nobody_answers(tmp_path: Path) -> None:
    (found,) = examine(tmp_path, f'[pop3]\nlisten = ["127.0.0.1:{closed_port()}", "unix:{tmp_path}/x"]\n')
    assert (found.severity, found.words) == ("warning", "no address answers")


def test_each_is_told_of(tmp_path: Path) -> None:
    with door(b"+OK ready\r\n") as good, door(b"SSH-2.0-x\r\n") as bad:
        sections = f'[pop3]\nlisten = ["0.0.0.0:{good}"]\n[smtp]\nlisten = ["127.0.0.1:{bad}", '
        found = examine(tmp_path, sections + f'"127.0.0.1:{closed_port()}", "127.0.0.1:0"]\n')
    assert [each.severity for each in found] == ["ok", "error", "error"]
    assert found[0].words == f"pop3 0.0.0.0:{good} answers"
    assert "answers otherwise than it should: 'SSH-2.0-x'" in found[1].words
    assert "does not answer: Connection refused" in found[2].words


def test_which_certificate_is_shown(tmp_path: Path) -> None:
    own, other = (Authority(tmp_path).issue(name, LOCALHOST) for name in ("own", "other"))
    for shown, severity in ((own, "ok"), (other, "warning")):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(shown.chain, shown.key)
        with door(b"+OK ready\r\n", context) as port:
            sections = (
                f'[pop3s]\nlisten = ["127.0.0.1:{port}"]\n[tls]\ncertificate = "{own.chain}"\nkey = "{own.key}"\n'
            )
            (found,) = examine(tmp_path, sections)
        assert found.severity == severity


def test_the_one_that_was_made(tmp_path: Path) -> None:
    examine(tmp_path, '[pop3]\nlisten = ["127.0.0.1:0"]\n')
    plan = make_plan(load_config(tmp_path / "postane.toml"), None)
    with door(b"+OK ready\r\n", plan.tls.context) as port:
        (found,) = examine(tmp_path, f'[pop3s]\nlisten = ["127.0.0.1:{port}"]\n')
    assert found.severity == "ok"


def test_a_proxy_s_word_is_said_where_this_machine_is_trusted(tmp_path: Path) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(20)
                heard.append(connection.recv(16, socket.MSG_WAITALL))
                connection.sendall(b"+OK ready\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        port = listening.getsockname()[1]
        sections = f'[pop3]\nlisten = ["127.0.0.1:{port}"]\n[proxy]\ntrusted = ["127.0.0.0/8"]\n'
        (found,) = examine(tmp_path, sections)
        thread.join(20)
    header = parse_header(heard[0])
    assert header is not None
    assert header.is_probe
    assert found.severity == "ok"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(("asked", "severity"), [("required", "ok"), ("optional", "error")])
def test_who_wants_a_certificate_answers(tmp_path: Path, version: ssl.TLSVersion, asked: str, severity: str) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("own", LOCALHOST)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.path)
    context.load_cert_chain(own.chain, own.key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = version
    with door(b"+OK ready\r\n", context) as port:
        sections = (
            f'[pop3s]\nlisten = ["127.0.0.1:{port}"]\n[tls]\ncertificate = "{own.chain}"\nkey = "{own.key}"\n'
            f'client_certificates = "{asked}"\nclient_ca = "{authority.path}"\n'
        )
        (found,) = examine(tmp_path, sections)
    assert found.severity == severity
