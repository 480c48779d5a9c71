"""mpop with and without pipelining, by APOP and by password, into a Maildir and into a command."""

import shlex
import sys
from pathlib import Path

import pytest

from support.corpus import Way, by_way, check_stored, complete, corpus
from support.post import check_all, count, fill, read_all, with_lf
from support.postoffice import Mailbox, PostOffice
from support.programs import require, run

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
