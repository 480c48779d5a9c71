"""The machine's own PAM with pam_unix, and users that the C library itself believes in (nss_wrapper)."""

import json
import os
import poplib
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.file_houses import require_module
from support.postoffice import PostOffice
from support.programs import missing, require, run

pytestmark = pytest.mark.interop

ASKING = """
import asyncio, json, sys
from pathlib import Path
from postane.accounts.base import LoginRefused
from postane.accounts.pam import PamAccounts, PamService

async def try_one(store, name, password):
    try:
        proof = await store.verify_password(name, password)
    except LoginRefused as error:
        return error.log
    return [proof.account.name, proof.credential]

async def main():
    store = PamAccounts(PamService("postane-test", Path(sys.argv[1])), own_domains=("localhost",))
    print(json.dumps([await try_one(store, *pair) for pair in json.loads(sys.argv[2])]))
    await store.close()

asyncio.run(main())
"""


@pytest.fixture
def machine(tmp_path) -> Path:
    """A folder with a PAM service and a passwd file: root, mrose, and anna, whose account is locked."""
    require_module("pam_unix.so")
    crypted = run([require("openssl"), "passwd", "-6", "-salt", "saltsalt", "secret"]).stdout.decode().strip()
    (tmp_path / "postane-test").write_text("auth required pam_unix.so\naccount required pam_unix.so\n")
    (tmp_path / "group").write_text("users:x:5000:\n")
    (tmp_path / "passwd").write_text(
        f"root:{crypted}:0:0::/root:/bin/sh\nmrose:{crypted}:5000:5000::/tmp:/bin/sh\n"
        f"anna:!{crypted}:5001:5000::/tmp:/bin/sh\nempty::5002:5000::/tmp:/bin/sh\n"
    )
    return tmp_path


def wrapper() -> str:
    found = next(Path("/usr/lib").glob("*/libnss_wrapper.so"), None)
    return str(found or missing("libnss_wrapper.so is not installed"))


def ask(machine: Path, *pairs: tuple[str, str]) -> list[object]:
    """Log in by each pair of name and password, in a process of its own."""
    files = {"NSS_WRAPPER_PASSWD": machine / "passwd", "NSS_WRAPPER_GROUP": machine / "group"}
    variables = {**os.environ, "LD_PRELOAD": wrapper(), **{name: str(path) for name, path in files.items()}}
    command = [sys.executable, "-c", ASKING, str(machine), json.dumps(pairs)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_user_of_the_machine_logs_in_by_pam_unix(machine):
    right, other_case, address, wrong, root, empty, nobody = ask(
        machine,
        ("mrose", "secret"),
        ("MRose", "secret"),
        ("mrose@localhost", "secret"),
        ("mrose", "wrong"),
        ("root", "secret"),
        ("empty", ""),
        ("nobody-here", "secret"),
    )
    assert right == other_case == address == ["mrose", "password"]
    assert "Authentication failure" in wrong
    assert root == '"root": no such user'
    assert nobody == '"nobody-here": no such user'
    assert "empty" in empty


def test_a_locked_user_and_one_without_a_password_stay_outside(machine):
    for refusal in ask(machine, ("anna", "secret"), ("anna", "!secret"), ("empty", "x")):
        assert isinstance(refusal, str)


@pytest.fixture
def service(machine) -> Iterator[str]:
    """The service of `machine`, where the system itself looks for it."""
    if os.geteuid() != 0:
        missing("only root can describe a service in /etc/pam.d")
    path = Path("/etc/pam.d") / f"postane-test-{secrets.token_hex(8)}"
    path.write_text((machine / "postane-test").read_text())
    yield path.name
    path.unlink()


def test_a_server_lets_the_machines_users_in(machine, service, monkeypatch):
    monkeypatch.setenv("LD_PRELOAD", wrapper())
    monkeypatch.setenv("NSS_WRAPPER_PASSWD", str(machine / "passwd"))
    monkeypatch.setenv("NSS_WRAPPER_GROUP", str(machine / "group"))
    office = PostOffice()
    with office.config.open("a") as config:
        config.write(f'[[accounts]]\nkind = "pam"\nservice = "{service}"\n')
    with office:
        office.run("drop put", "mrose", given=b"Subject: hello\r\n\r\nRose\r\n")
        client = enter(office, "mrose", "secret")
        assert client.retr(1)[1][-1] == b"Rose"
        client.quit()
        for name, password in (("mrose", "wrong"), ("root", "secret"), ("nobody-here", "secret")):
            with pytest.raises(poplib.error_proto, match="AUTH"):
                enter(office, name, password)
        assert b"root" not in office.run("drop list").stdout


def enter(office: PostOffice, name: str, password: str) -> poplib.POP3:
    client = poplib.POP3(*office.pop3, timeout=30)
    try:
        client.user(name)
        client.pass_(password)
    except poplib.error_proto:
        client.close()
        raise
    return client
