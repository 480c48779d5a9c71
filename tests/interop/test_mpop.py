"""mpop with and without pipelining, by APOP, SCRAM and password, into a Maildir and into a command."""

import hashlib
import shlex
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.corpus import Way, by_way, check_stored, complete, corpus
from support.post import check_all, count, fill, read_all, with_lf
from support.postoffice import Mailbox, PostOffice
from support.programs import require, run
from support.tls import Secured

pytestmark = pytest.mark.interop

KEEP_OUTPUT = "import sys; open(sys.argv[1], 'ab').write(sys.stdin.buffer.read() + b'\\f')"


class Mpop:
    """mpop with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.maildir = home / "maildir"
        for part in ("cur", "new", "tmp"):
            (self.maildir / part).mkdir(parents=True)

    def run(self, office: PostOffice, mailbox: Mailbox, *options: str, expect: int = 0) -> bytes:
        host, port = office.pop3
        settings = {
            "host": host,
            "port": str(port),
            "user": mailbox.name,
            "password": mailbox.password,
            "tls": "off",
            "auth": "user",
            "delivery": f"maildir {self.maildir}",
            "uidls_file": str(self.home / "uidls"),
            "received_header": "off",
            "keep": "off",
        }
        settings |= dict(option.split(" ", 1) for option in options)
        control = self.home / "mpoprc"
        control.write_text("account default\n" + "".join(f"{key} {value}\n" for key, value in settings.items()))
        control.chmod(0o600)
        return run([require("mpop"), "-C", str(control), "-d"], expect=expect, home=self.home).stdout

    def got(self) -> list[bytes]:
        files = (self.maildir / "new").iterdir()
        return sorted(file.read_bytes() for file in files)


@pytest.fixture
def mpop(tmp_path: Path) -> Mpop:
    return Mpop(tmp_path)


@pytest.mark.parametrize("pipelining", ["on", "off", "auto"])
def test_whole_corpus(post_office: PostOffice, mailbox: Mailbox, mpop: Mpop, pipelining: str) -> None:
    specimens = by_way(Way.DATA)
    fill(post_office, mailbox, specimens)
    stored = read_all(post_office, mailbox)
    mpop.run(post_office, mailbox, f"pipelining {pipelining}")
    assert mpop.got() == sorted(map(with_lf, stored))
    assert count(post_office, mailbox) == 0


def test_pipelining_is_found_by_itself(post_office: PostOffice, mailbox: Mailbox, mpop: Mpop) -> None:
    fill(post_office, mailbox, corpus()[:1])
    said = mpop.run(post_office, mailbox, "pipelining auto").decode()
    assert "PIPELINING" in said


def test_keep_gets_only_what_is_new(post_office: PostOffice, mailbox: Mailbox, mpop: Mpop) -> None:
    fill(post_office, mailbox, corpus()[:3])
    mpop.run(post_office, mailbox, "keep on")
    mpop.run(post_office, mailbox, "keep on")
    assert len(mpop.got()) == 3
    fill(post_office, mailbox, corpus()[3:4])
    mpop.run(post_office, mailbox, "keep on")
    assert len(mpop.got()) == 4
    check_all(read_all(post_office, mailbox), corpus()[:4])


def test_apop(post_office: PostOffice, mailbox: Mailbox, mpop: Mpop) -> None:
    fill(post_office, mailbox, corpus()[:1])
    mpop.run(post_office, post_office.add_device(mailbox), "auth apop")
    assert len(mpop.got()) == 1


MECHANISMS = ("scram-sha-256", "scram-sha-1")


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("has_device", [False, True], ids=["own", "device"])
def test_scram(post_office: PostOffice, mailbox: Mailbox, mpop: Mpop, mechanism: str, has_device: bool) -> None:
    fill(post_office, mailbox, corpus()[:1])
    who = post_office.add_device(mailbox) if has_device else mailbox
    mpop.run(post_office, Mailbox(who.name, "wrong"), f"auth {mechanism}", expect=77)
    said = mpop.run(post_office, who, f"auth {mechanism}").decode()
    assert f"AUTH {mechanism.upper()}" in said
    assert len(mpop.got()) == 1


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    with Secured(tmp_path_factory.mktemp("mpop")).office as office:
        yield office


OVER_TLS = ("tls on", "tls_starttls off", "tls_certcheck off")


@pytest.mark.parametrize("is_over_tls", [False, True], ids=["clear", "TLS"])
def test_what_it_chooses_itself_takes_every_password(secured: PostOffice, mpop: Mpop, is_over_tls: bool) -> None:
    """With `auth on` it takes PLAIN over TLS, else SCRAM where that is offered, and nothing else after it."""
    mailbox = secured.add_user(f"mpop-{is_over_tls}".lower())
    port = secured.address("pop3s" if is_over_tls else "pop3")[1]
    options = ("auth on", f"port {port}", *(OVER_TLS if is_over_tls else ()))
    for number, who in enumerate((mailbox, secured.add_device(mailbox)), 1):
        fill(secured, mailbox, corpus()[:1])
        said = mpop.run(secured, who, *options).decode()
        assert is_over_tls or "--> AUTH SCRAM-SHA-256" in said, said
        assert len(mpop.got()) == number
    mpop.run(secured, Mailbox(mailbox.name, "wrong"), *options, expect=77)


def test_imported_passwords_are_not_lost_on_it(tmp_path: Path) -> None:
    """They have no SCRAM keys before the first login in clear text: so long it is not to be offered."""
    with Secured(tmp_path).office as office:
        hashed = b64encode(hashlib.sha512(b"secret" + b"salt").digest() + b"salt").decode()
        office.run("user import", "-", given=f"anna:{{SSHA512}}{hashed}\n".encode())
        mailbox = Mailbox("anna", "secret")
        fill(office, mailbox, corpus()[:1])
        options = ("auth on", *OVER_TLS, f"port {office.address('pop3s')[1]}")
        (tmp_path / "home").mkdir()
        mpop = Mpop(tmp_path / "home")
        said = mpop.run(office, mailbox, *options).decode()
        assert "SCRAM" not in said
        assert len(mpop.got()) == 1


def test_into_a_command(post_office: PostOffice, mailbox: Mailbox, mpop: Mpop) -> None:
    letter = corpus()[0]
    fill(post_office, mailbox, [letter])
    target = mpop.home / "out"
    command = shlex.join([sys.executable, "-c", KEEP_OUTPUT, str(target)])
    mpop.run(post_office, mailbox, f"delivery mda {command}")
    (message, _) = target.read_bytes().split(b"\f")
    check_stored(complete(message.replace(b"\n", b"\r\n")), letter)


def test_wrong_password(post_office: PostOffice, mailbox: Mailbox, mpop: Mpop) -> None:
    mpop.run(post_office, Mailbox(mailbox.name, "wrong"), expect=77)
