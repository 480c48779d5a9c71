"""GNU SASL at the other end of a pipe: its clients log in to our mechanisms, and its servers let ours in.

Here the mechanisms are called, not a server: only so can a channel binding be the one that a test has chosen.
"""

import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from postane.sasl import base as sasl
from postane.sasl.registry import CLIENT_MECHANISMS, SERVER_MECHANISMS
from postane.sasl.scram import derive_keys
from support.programs import TIME, require

pytestmark = pytest.mark.interop

NAME, PASSWORD = "us,e=r", "pencil, p=ssw\u00f6rd"
EXPORTED = b"exported keying material"
SCRAM = [name for name in SERVER_MECHANISMS if name.startswith("SCRAM")]


class GnuSasl:
    """`gsasl` on a pipe; all that crosses is base64, a line each."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._read = process.stdout.readline  # type: ignore[union-attr]

    def hear(self) -> bytes:
        """What it says next, without the words of a prompt that stands before it."""
        return b64decode(self._read().rpartition(b": ")[2].strip(), validate=True)

    def say(self, octets: bytes) -> None:
        self._process.stdin.write(b64encode(octets) + b"\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]

    def end(self) -> str:
        """What it complained of."""
        return self._process.communicate(b"\n", timeout=TIME)[1].decode()


@contextmanager
def gsasl(role: str, name: str, *options: str) -> Iterator[GnuSasl]:
    is_plus = name.endswith("-PLUS")
    command = [require("gsasl"), "--quiet", role, f"--mechanism={name}", *options, *([] if is_plus else ["--no-cb"])]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]
        try:
            process.stdout.readline()  # the mechanism's name
            yield GnuSasl(process)
        finally:
            process.kill()


def surroundings(binding: bytes = EXPORTED) -> sasl.Surroundings:
    return sasl.Surroundings(b"<1896.697170952@h>", "servers-nonce", {"tls-exporter": binding}, is_plus_offered=True)


def log_in(name: str, password: str, server: sasl.ServerMechanism) -> tuple[sasl.Step, str]:
    """A client of GNU SASL's to the end of its exchange with a server of ours, and its complaints."""
    with gsasl("--client", name, f"--authentication-id={NAME}", f"--password={password}") as client:
        if name.endswith("-PLUS"):
            client.say(EXPORTED)
        if name == "CRAM-MD5":
            assert client.hear() == b""  # it waits for the server
            step = server.start(None)
        else:
            step = server.start(client.hear())
        while isinstance(step, (sasl.Challenge, sasl.KeysWanted)):
            if isinstance(step, sasl.KeysWanted):
                assert step.name == NAME
                step = step.proceed(derive_keys(PASSWORD.encode(), b"sixteen octets..", 4096, step.digest))
            else:
                client.say(step.octets)
                step = server.step(client.hear())
        if isinstance(step, sasl.Verdict):
            client.say(step.final)
        return step, client.end()


@pytest.mark.parametrize("name", SCRAM)
def test_its_client_proves_itself_to_our_server(name: str) -> None:
    verdict, complaint = log_in(name, PASSWORD, SERVER_MECHANISMS[name].make(surroundings()))
    assert isinstance(verdict, sasl.Verdict)
    assert verdict.pair is not None
    assert "mechanism error" not in complaint


@pytest.mark.parametrize("name", SCRAM)
def test_its_client_with_another_password_does_not(name: str) -> None:
    verdict, _ = log_in(name, "pencils", SERVER_MECHANISMS[name].make(surroundings()))
    assert verdict == sasl.Verdict(None, b"e=invalid-proof")


@pytest.mark.parametrize("name", [name for name in SCRAM if name.endswith("-PLUS")])
def test_its_client_on_another_connection_does_not(name: str) -> None:
    verdict, _ = log_in(name, PASSWORD, SERVER_MECHANISMS[name].make(surroundings(b"another connection's")))
    assert verdict == sasl.Verdict(None, b"e=channel-bindings-dont-match")


@pytest.mark.parametrize("name", ["PLAIN", "LOGIN"])
def test_its_client_says_a_password(name: str) -> None:
    claim, _ = log_in(name, PASSWORD, SERVER_MECHANISMS[name].make(surroundings()))
    assert claim == sasl.PasswordClaim(NAME, PASSWORD)


def test_its_client_answers_our_challenge_as_ours_does() -> None:
    claim, _ = log_in("CRAM-MD5", PASSWORD, SERVER_MECHANISMS["CRAM-MD5"].make(surroundings()))
    ours = CLIENT_MECHANISMS["CRAM-MD5"](sasl.Identity(NAME, PASSWORD)).step(surroundings().stamp)
    assert SERVER_MECHANISMS["CRAM-MD5"].make(surroundings()).step(ours) == claim


def enter(name: str, password: str, binding: bytes = EXPORTED) -> sasl.ClientMechanism:
    """A client of ours to the end of its exchange with a SCRAM server of GNU SASL's."""
    is_plus = name.endswith("-PLUS")
    bindings = {"tls-exporter": binding} if is_plus else {}
    client = CLIENT_MECHANISMS[name](sasl.Identity(NAME, password, "clients-nonce", bindings, is_plus))
    with gsasl("--server", name, f"--password={PASSWORD}") as server:
        assert server.hear() == b""  # it waits for the client
        server.say(client.start())
        if is_plus:
            server.say(EXPORTED)
        server.say(client.step(server.hear()))
        final = server.hear()
        if not final:
            raise ConnectionError(server.end())
        assert client.step(final) == b""
    return client


@pytest.mark.parametrize("name", SCRAM)
def test_our_client_and_its_server_believe_each_other(name: str) -> None:
    enter(name, PASSWORD).finish()


@pytest.mark.parametrize("name", SCRAM)
def test_its_server_does_not_believe_another_password(name: str) -> None:
    with pytest.raises(ConnectionError, match="mechanism error"):
        enter(name, "pencils")


@pytest.mark.parametrize("name", [name for name in SCRAM if name.endswith("-PLUS")])
def test_its_server_does_not_believe_another_connection(name: str) -> None:
    with pytest.raises(ConnectionError, match="mechanism error"):
        enter(name, PASSWORD, b"another connection's")
