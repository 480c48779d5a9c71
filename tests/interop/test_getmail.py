"""getmail6 into one Maildir and into several, deleting and keeping."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.corpus import Way, by_way, plain
from support.post import check_all, count, fill, read_all, with_lf
from support.postoffice import Mailbox, PostOffice
from support.programs import require, run

pytestmark = pytest.mark.interop


ORDINARY_USER = "nobody"


class Getmail:
    """getmail with a home of its own; it refuses to deliver as root, so root's tests run it as somebody else."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.user = ORDINARY_USER if os.geteuid() == 0 else None
        self.boxes = [home / "one", home / "two"]
        for box in self.boxes:
            for part in ("cur", "new", "tmp"):
                (box / part).mkdir(parents=True)

    def run(self, office: PostOffice, mailbox: Mailbox, destination: str, *, delete: bool, apop: bool = False) -> None:
        host, port = office.pop3
        one, two = self.boxes
        (self.home / "getmailrc").write_text(
            f"[retriever]\ntype = SimplePOP3Retriever\nserver = {host}\nport = {port}\n"
            f"username = {mailbox.name}\npassword = {mailbox.password}\nuse_apop = {apop}\n"
            f"[destination]\n{destination}\n"
            f"[one]\ntype = Maildir\npath = {one}/\n[two]\ntype = Maildir\npath = {two}/\n"
            f"[options]\nread_all = false\ndelete = {str(delete).lower()}\ndelivered_to = false\nreceived = false\n"
        )
        if self.user:
            for path in (self.home, *self.home.rglob("*")):
                shutil.chown(path, self.user)
        run([require("getmail"), "--getmaildir", str(self.home), "-v"], home=self.home, user=self.user, is_deaf=True)

    def to_one(self) -> str:
        return f"type = Maildir\npath = {self.boxes[0]}/"

    def got(self, box: int = 0) -> list[bytes]:
        files = (self.boxes[box] / "new").iterdir()
        return sorted(file.read_bytes() for file in files)


@pytest.fixture
def getmail() -> Iterator[Getmail]:
    with tempfile.TemporaryDirectory(prefix="postane-") as folder:
        yield Getmail(Path(folder))


def _body(message: bytes) -> bytes:
    return message.partition(b"\n\n")[2]


def test_delete(post_office: PostOffice, mailbox: Mailbox, getmail: Getmail) -> None:
    specimens = plain()
    fill(post_office, mailbox, specimens)
    getmail.run(post_office, mailbox, getmail.to_one(), delete=True)
    assert sorted(map(_body, getmail.got())) == sorted(_body(with_lf(specimen.octets)) for specimen in specimens)
    assert count(post_office, mailbox) == 0


def test_whole_corpus_is_fetched(post_office: PostOffice, mailbox: Mailbox, getmail: Getmail) -> None:
    """getmail writes what it understood of a header, so only the number can be compared; nothing may stall it."""
    everything = by_way(Way.DATA)
    fill(post_office, mailbox, everything)
    getmail.run(post_office, mailbox, getmail.to_one(), delete=True)
    assert len(getmail.got()) == len(everything)
    assert count(post_office, mailbox) == 0


def test_second_run_gets_nothing(post_office: PostOffice, mailbox: Mailbox, getmail: Getmail) -> None:
    fill(post_office, mailbox, plain()[:3])
    for _ in range(2):
        getmail.run(post_office, mailbox, getmail.to_one(), delete=False)
        assert len(getmail.got()) == 3
    check_all(read_all(post_office, mailbox), plain()[:3])


def test_several_destinations(post_office: PostOffice, mailbox: Mailbox, getmail: Getmail) -> None:
    fill(post_office, mailbox, plain()[:3])
    both = 'type = MultiDestination\ndestinations = ("[one]", "[two]")'
    getmail.run(post_office, mailbox, both, delete=True)
    assert getmail.got(0) == getmail.got(1)
    assert len(getmail.got(0)) == 3


def test_apop(post_office: PostOffice, mailbox: Mailbox, getmail: Getmail) -> None:
    fill(post_office, mailbox, plain()[:1])
    getmail.run(post_office, post_office.add_device(mailbox), getmail.to_one(), delete=False, apop=True)
    assert len(getmail.got()) == 1
