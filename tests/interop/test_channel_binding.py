"""SCRAM bound to the TLS connection that it runs on, by clients of other people's: GNU SASL's knows `tls-unique`."""

import subprocess
from collections.abc import Iterator

import pytest

from support.postoffice import Mailbox
from support.programs import require, run
from support.tls import Secured

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    secured = Secured(tmp_path_factory.mktemp("bound"))
    with secured.office:
        yield secured


def gsasl(house: Secured, box: Mailbox, version: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    """A login by STARTTLS and SMTP's AUTH."""
    who = ["-a", box.name, "-z", box.name, "-p", box.password]
    tls = ["--starttls", f"--x509-ca-file={house.authority.path}", f"--priority=NORMAL:-VERS-ALL:+VERS-TLS{version}"]
    where = f"--connect=localhost:{house.office.smtp[1]}"
    return run([require("gsasl"), "--smtp", *who, *tls, *options, "--hostname=localhost", where], expect=None)


@pytest.mark.parametrize("name", ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"])
def test_tls_12(house: Secured, name: str) -> None:
    done = gsasl(house, house.office.fresh(), "1.2", "-m", name)
    assert done.returncode == 0, done.stderr
    assert f"AUTH {name}\r\n".encode() in done.stdout.replace(b"\n", b"\r\n").replace(b"\r\r", b"\r")
    assert b"235 2.7.0" in done.stdout
    assert b"server trusted" in done.stderr


def test_tls_12_with_a_wrong_password(house: Secured) -> None:
    box = house.office.fresh()
    done = gsasl(house, Mailbox(box.name, "another"), "1.2", "-m", "SCRAM-SHA-256-PLUS")
    assert done.returncode != 0
    assert b"235 " not in done.stdout


@pytest.mark.parametrize("name", ["SCRAM-SHA-1", "SCRAM-SHA-256"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_without_binding(house: Secured, version: str, name: str) -> None:
    done = gsasl(house, house.office.fresh(), version, "-m", name, "--no-cb")
    assert done.returncode == 0, done.stderr
    assert b"235 2.7.0" in done.stdout


def test_a_kind_of_binding_that_this_connection_has_not_is_refused(house: Secured) -> None:
    """TLS 1.3 with `tls-exporter`, which Python's ssl does not give: said, and nobody is let in."""
    done = gsasl(house, house.office.fresh(), "1.3", "-m", "SCRAM-SHA-256-PLUS")
    assert done.returncode != 0
    assert b"does not have that kind of channel binding" in done.stdout + done.stderr
