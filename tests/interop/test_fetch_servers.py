"""`postane fetch` from servers that other people wrote: Dovecot, Courier, popa3d, mailutils' and Twisted's.

What is put into their stores by hand comes back octet for octet, but for what a server itself changes, which is said
beside each. Kept mail is not fetched again, other mail is gone from the server.
"""

import contextlib
import importlib.util
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import foreign_servers
from support.certificates import LOCALHOST, Authority
from support.corpus import Specimen, Way, complete, corpus, letter
from support.dovecot import PASSWORD, Dovecot, dovecot
from support.errand import Errand
from support.foreign_servers import KINDS, ForeignServer, foreign_server
from support.postoffice import wait_until
from support.programs import missing

pytestmark = pytest.mark.interop

SPECIMENS = [specimen for specimen in corpus() if Way.DATA in specimen.ways]
LETTERS = [letter(name) for name in ("one", "two", "three")]
UNSTUFFED = {"starts with a dot"}
"""Dovecot, Courier and Twisted do not double a dot that is the very first octet of a message (RFC 1939 s3)."""

IN_CHUNKS = {"a MiB of dots", "a MiB of dot pairs"}
"""Twisted sends a message in chunks, and does not double a dot with which a chunk begins."""

NO_MBOX = {
    *("From lines", "header only", "header only without end"),  # not to be told from what is around a message
    *("starts with a dot", "empty header", "one empty line", "no header at all"),  # taken for something else
}
"""What cannot be in an mbox and come out as it was, whatever reads it."""

MBOX_FIELDS = re.compile(rb"^(?:X-UIDL|Status|X-IMAPbase|X-UID): [^\r\n]*\r\n", re.MULTILINE)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def house(authority: Authority) -> Iterator[Dovecot]:
    with dovecot(authority.issue("dovecot", LOCALHOST)) as server:
        yield server


@pytest.fixture(scope="module", params=list(KINDS))
def server(request: pytest.FixtureRequest) -> Iterator[ForeignServer]:
    with foreign_server(request.param) as running:
        yield running


def unchanged(octets: bytes) -> bytes:
    return octets


def check(got: Sequence[bytes], sent: Sequence[Specimen], seen: Callable[[bytes], bytes] = unchanged) -> None:
    """All came, in order; `seen` takes away what the server has changed."""
    assert len(got) == len(sent)
    for octets, specimen in zip(got, sent, strict=True):
        assert seen(octets) == seen(complete(specimen.octets)), specimen.name


# Dovecot


def from_dovecot(folder: Path, house: Dovecot, name: str, authority: Authority, **keys: object) -> Errand:
    scheme, port = ("pop3s", house.pop3s) if keys.get("tls") == "implicit" else ("pop3", house.pop3)
    url = f"{scheme}://{name}@127.0.0.1:{port}"
    return Errand(folder, url=url, password=PASSWORD, tls_ca=str(authority.path), **keys)


@pytest.mark.parametrize("tls", ["none", "required", "implicit"])
def test_dovecot_octet_for_octet(tmp_path: Path, house: Dovecot, authority: Authority, tls: str) -> None:
    specimens = [each for each in SPECIMENS if each.name not in UNSTUFFED]
    house.put(f"octets-{tls}", [specimen.octets for specimen in specimens])
    errand = from_dovecot(tmp_path, house, f"octets-{tls}", authority, tls=tls)
    assert errand.fetch()["delivered"] == len(specimens)
    check(errand.messages(), specimens)
    assert errand.fetch()["fetched"] == 0
    errand.change(keep=False)
    assert errand.fetch()["deleted"] == len(specimens)
    assert house.left(f"octets-{tls}") == 0


def test_dovecot_does_not_double_a_dot_that_is_the_first_octet(
    tmp_path: Path, house: Dovecot, authority: Authority
) -> None:
    """On the wire it is a line that was stuffed: whoever obeys RFC 1939 s3 takes the dot away."""
    house.put("dots", [b".foo\r\n.bar\r\n", b"..foo\r\n..bar\r\n", LETTERS[0]])
    assert wire_lines(house, "dots", 2) == [[b".foo\r\n", b"..bar\r\n"], [b"..foo\r\n", b"...bar\r\n"]]
    errand = from_dovecot(tmp_path, house, "dots", authority, tls="required")
    assert errand.fetch()["delivered"] == 3
    assert errand.messages() == [b"foo\r\n.bar\r\n", b".foo\r\n..bar\r\n", LETTERS[0]]


def wire_lines(house: Dovecot, name: str, count: int) -> list[list[bytes]]:
    """The lines of the first messages as they cross, without what ends them."""
    with socket.create_connection(("127.0.0.1", house.pop3)) as connection, connection.makefile("rwb") as wire:

        def ask(words: str) -> None:
            wire.write(f"{words}\r\n".encode())
            wire.flush()
            assert wire.readline().startswith(b"+OK")

        assert wire.readline().startswith(b"+OK")
        ask(f"USER {name}")
        ask(f"PASS {PASSWORD}")
        found = []
        for number in range(1, count + 1):
            ask(f"RETR {number}")
            found.append(list(iter(wire.readline, b".\r\n")))
        ask("QUIT")
    return found


@pytest.mark.parametrize("mechanism", ["USER", "APOP", "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_dovecot_by_each_login(tmp_path: Path, house: Dovecot, authority: Authority, mechanism: str) -> None:
    name = f"login-{mechanism.lower()}"
    house.put(name, LETTERS)
    errand = from_dovecot(tmp_path, house, name, authority, tls="required", mechanisms=[mechanism], keep=False)
    told = errand.fetch()
    assert (told["delivered"], told["deleted"]) == (3, 3)
    assert house.left(name) == 0


@pytest.mark.parametrize("mechanism", ["APOP", "CRAM-MD5", "SCRAM-SHA-256"])
def test_dovecot_without_tls_gets_no_password(
    tmp_path: Path, house: Dovecot, authority: Authority, mechanism: str
) -> None:
    name = f"bare-{mechanism.lower()}"
    house.put(name, LETTERS)
    errand = from_dovecot(tmp_path, house, name, authority, tls="none", plaintext="never", mechanisms=[mechanism])
    assert errand.fetch()["delivered"] == 3
    errand.change(mechanisms=["USER", "PLAIN"])
    assert errand.fetch(expect=77)["trouble"] == "login"


# Courier, popa3d, mailutils' pop3d


def fetching(folder: Path, server: ForeignServer, **keys: object) -> Errand:
    return Errand(folder, url=server.url, password=foreign_servers.PASSWORD, **keys)


def wait_no_more(errand: Errand) -> None:
    """Let the server's LOGIN-DELAY be over, where it has one."""
    with contextlib.closing(sqlite3.connect(errand.state)) as state, state:
        state.execute("UPDATE word SET value = '0' WHERE name = 'last login'")


def fitting(server: ForeignServer) -> tuple[list[Specimen], Callable[[bytes], bytes]]:
    """What a server can have, and what is to be left out of a comparison."""
    if server.kind.is_maildir:
        return [each for each in SPECIMENS if each.name not in UNSTUFFED], unchanged
    return [each for each in SPECIMENS if each.name not in NO_MBOX], lambda octets: MBOX_FIELDS.sub(b"", octets)


def test_octet_for_octet(tmp_path: Path, server: ForeignServer) -> None:
    specimens, seen = fitting(server)
    server.put([specimen.octets for specimen in specimens])
    errand = fetching(tmp_path, server)
    assert errand.fetch()["delivered"] == len(specimens)
    check(errand.messages(), specimens, seen)
    wait_no_more(errand)
    assert errand.fetch()["fetched"] == 0
    wait_no_more(errand)
    errand.change(keep=False)
    assert errand.fetch()["deleted"] == len(specimens)
    wait_until_none_is_left(server)


def wait_until_none_is_left(server: ForeignServer) -> None:
    """Courier says yes to QUIT before it deletes."""
    wait_until(lambda: server.left() == 0, "what was deleted is gone at the server")


def test_what_is_not_kept_is_gone(tmp_path: Path, server: ForeignServer) -> None:
    server.put(LETTERS)
    told = fetching(tmp_path, server, keep=False).fetch()
    assert (told["delivered"], told["deleted"]) == (3, 3)
    wait_until_none_is_left(server)


def test_a_wrong_password(tmp_path: Path, server: ForeignServer) -> None:
    server.put(LETTERS)
    errand = fetching(tmp_path, server)
    errand.change(password="wrong")
    assert errand.fetch(expect=77)["trouble"] == "login"


def test_mailutils_bears_a_stamp_and_refuses_apop(tmp_path: Path) -> None:
    with foreign_server("mailutils") as server:
        server.put(LETTERS)
        errand = fetching(tmp_path, server, mechanisms=["APOP"])
        assert errand.fetch(expect=77)["trouble"] == "login"
        errand.change(mechanisms=[])
        assert errand.fetch()["delivered"] == 3


def test_the_time_that_courier_wants_between_logins(tmp_path: Path) -> None:
    with foreign_server("courier") as server:
        server.put(LETTERS)
        errand = fetching(tmp_path, server)
        assert errand.fetch()["delivered"] == 3
        assert "10 s between logins" in errand.fetch(expect=75)["error"]
        wait_no_more(errand)
        assert errand.fetch()["ok"]


# Twisted


@dataclass(frozen=True, slots=True)
class Twisted:
    folder: Path
    port: int

    def left(self) -> int:
        return sum(1 for part in ("cur", "new") for _ in (self.folder / part).iterdir())


@contextlib.contextmanager
def twisted(folder: Path, messages: Sequence[bytes], *options: str) -> Iterator[Twisted]:
    if importlib.util.find_spec("twisted") is None:
        missing("Twisted is not installed")
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True)
    for number, message in enumerate(messages):
        path = folder / "new" / f"{1_700_000_000 + number}.M{number}.host"
        path.write_bytes(message.replace(b"\r\n", b"\n"))
    program = Path(foreign_servers.__file__).with_name("twisted_pop3.py")
    command = [sys.executable, "-W", "ignore", str(program), PASSWORD, str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield Twisted(folder, int(process.stdout.readline()))
        finally:
            process.terminate()


def test_twisted_octet_for_octet(tmp_path: Path) -> None:
    specimens = [each for each in SPECIMENS if each.name not in UNSTUFFED | IN_CHUNKS]
    with twisted(tmp_path / "mail", [each.octets for each in specimens], "--apop") as server:
        errand = Errand(tmp_path, url=f"pop3://mrose@127.0.0.1:{server.port}", password=PASSWORD, mechanisms=["APOP"])
        assert errand.fetch()["delivered"] == len(specimens)
        check(errand.messages(), specimens)
        assert errand.fetch()["fetched"] == 0
        errand.change(keep=False)
        assert errand.fetch()["deleted"] == len(specimens)
        assert server.left() == 0


def test_apop_is_refused_then_the_password_is_taken(tmp_path: Path) -> None:
    """A server that bears a stamp and refuses APOP: USER and PASS come next, on loopback or where they are allowed."""
    with twisted(tmp_path / "mail", LETTERS) as server:
        errand = Errand(tmp_path, url=f"pop3://mrose@127.0.0.1:{server.port}", password=PASSWORD)
        assert errand.fetch()["delivered"] == 3
        errand.change(plaintext="never")
        assert errand.fetch(expect=77)["trouble"] == "login"
