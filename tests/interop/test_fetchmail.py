"""fetchmail polls, keeps or deletes, and hands every message to a delivery command."""

import shlex
import sys
from pathlib import Path

import pytest

from support.corpus import Way, by_way, corpus, plain
from support.post import check_all, count, fill, read_all, with_lf
from support.postoffice import Mailbox, PostOffice
from support.programs import require, run

pytestmark = pytest.mark.interop

NO_MAIL = 1
"""fetchmail's exit code when there was nothing to fetch."""

MDA = """
import os, pathlib, sys
folder = pathlib.Path(sys.argv[1])
(folder / f"{len(os.listdir(folder)):04d}").write_bytes(sys.stdin.buffer.read())
"""


class Fetchmail:
    """fetchmail with a home of its own; what it delivers lies in `box`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.box = home / "box"
        self.box.mkdir()
        (home / "mda.py").write_text(MDA)

    def run(self, office: PostOffice, mailbox: Mailbox, options: str, *arguments: str, expect: int = 0) -> None:
        host, port = office.pop3
        mda = shlex.join([sys.executable, str(self.home / "mda.py"), str(self.box)])
        control = self.home / "fetchmailrc"
        control.write_text(
            f"poll {host} service {port} protocol POP3 {options.partition('|')[0]}\n"
            f'user "{mailbox.name}" password "{mailbox.password}" is "me" here mda "{mda}" sslproto ""'
            f" {options.partition('|')[2]}\n"
        )
        control.chmod(0o600)
        files = ["-f", str(control), "-i", str(self.home / "ids"), "--pidfile", str(self.home / "pid")]
        run([require("fetchmail"), "--nosyslog", "-d", "0", "-v", *files, *arguments], expect=expect, home=self.home)

    def got(self) -> list[bytes]:
        return [file.read_bytes() for file in sorted(self.box.iterdir())]


@pytest.fixture
def fetchmail(tmp_path: Path) -> Fetchmail:
    return Fetchmail(tmp_path)


def test_fetch_and_delete(post_office: PostOffice, mailbox: Mailbox, fetchmail: Fetchmail) -> None:
    specimens = plain()
    fill(post_office, mailbox, specimens)
    fetchmail.run(post_office, mailbox, "|nokeep")
    assert len(fetchmail.got()) == len(specimens)
    for got, specimen in zip(fetchmail.got(), specimens, strict=True):
        body = with_lf(specimen.octets).partition(b"\n\n")[2]
        assert got.partition(b"\n\n")[2] == body, specimen.name
        assert b"\nSubject: " + specimen.name.encode() + b"\n" in got
    assert count(post_office, mailbox) == 0


def test_whole_corpus_is_fetched(post_office: PostOffice, mailbox: Mailbox, fetchmail: Fetchmail) -> None:
    """fetchmail mends what it takes for broken, so only the number can be compared; nothing may stall it."""
    everything = by_way(Way.DATA)
    fill(post_office, mailbox, everything)
    fetchmail.run(post_office, mailbox, "bad-header accept|nokeep")
    assert len(fetchmail.got()) == len(everything)
    assert count(post_office, mailbox) == 0


def test_keep_gets_only_what_is_new(post_office: PostOffice, mailbox: Mailbox, fetchmail: Fetchmail) -> None:
    fill(post_office, mailbox, corpus()[:3])
    fetchmail.run(post_office, mailbox, "uidl|keep")
    assert len(fetchmail.got()) == 3
    fetchmail.run(post_office, mailbox, "uidl|keep", expect=NO_MAIL)
    fill(post_office, mailbox, corpus()[3:4])
    fetchmail.run(post_office, mailbox, "uidl|keep")
    assert len(fetchmail.got()) == 4
    check_all(read_all(post_office, mailbox), corpus()[:4])


def test_expunge_logs_in_again_and_again(post_office: PostOffice, mailbox: Mailbox, fetchmail: Fetchmail) -> None:
    fill(post_office, mailbox, corpus()[:3] * 2)
    fetchmail.run(post_office, mailbox, "|nokeep expunge 2")
    assert len(fetchmail.got()) == 6
    assert count(post_office, mailbox) == 0


def test_limit_leaves_large_messages(post_office: PostOffice, mailbox: Mailbox, fetchmail: Fetchmail) -> None:
    fill(post_office, mailbox, plain()[:4])
    fetchmail.run(post_office, mailbox, "|nokeep limit 100000")
    assert len(fetchmail.got()) == 3
    check_all(read_all(post_office, mailbox), plain()[3:4])


def test_apop(post_office: PostOffice, mailbox: Mailbox, fetchmail: Fetchmail) -> None:
    fill(post_office, mailbox, corpus()[:1])
    fetchmail.run(post_office, post_office.add_device(mailbox), "|keep", "-p", "APOP")
    assert len(fetchmail.got()) == 1


def test_wrong_password(post_office: PostOffice, mailbox: Mailbox, fetchmail: Fetchmail) -> None:
    fetchmail.run(post_office, Mailbox(mailbox.name, "wrong"), "|keep", expect=3)
