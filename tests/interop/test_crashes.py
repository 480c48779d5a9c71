"""Killed workers, a killed house, damaged and foreign stores: nothing acknowledged is lost, others are served."""

import os
import signal
import smtplib
import sqlite3
import threading
from pathlib import Path

import pytest

from support.corpus import corpus, letter
from support.post import SENDER, check_all, fill, read_all, refused_login
from support.postoffice import Mailbox, PostOffice, wait_until
from support.processes import is_alive
from support.talk import Talk, can_log_in, log_in

pytestmark = pytest.mark.interop

EX_DATA = 65


def test_a_killed_worker_comes_back(office: PostOffice) -> None:
    box = office.fresh()
    fill(office, box, corpus()[:2])
    before = office.workers()
    assert len(before) >= 2
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(set(office.workers()) - set(before)) >= 2, "there are two new workers")
    wait_until(lambda: _is_greeted(office), "clients are greeted")
    can_log_in(office.pop3, box.name, box.password)
    check_all(read_all(office, box), corpus()[:2])


def _is_greeted(office: PostOffice) -> bool:
    try:
        with Talk(office.pop3) as talk:
            return talk.greeting.startswith(b"+OK")
    except OSError:
        return False


def test_workers_do_not_outlive_their_parent(office: PostOffice) -> None:
    workers = office.workers()
    os.kill(office.pid, signal.SIGKILL)
    office.wait()
    wait_until(lambda: not any(is_alive(pid) for pid in workers), "the workers are gone")
    office.start()


class _Sender(threading.Thread):
    """Delivers numbered letters until the server is gone; knows which were acknowledged."""

    def __init__(self, office: PostOffice, mailbox: Mailbox, name: str, size: int) -> None:
        super().__init__()
        self.address = office.lmtp
        self.to = mailbox.address
        self.label = name
        self.filler = b"x" * 62 + b"\r\n"
        self.size = size
        self.acknowledged: list[str] = []

    def run(self) -> None:
        try:
            with smtplib.LMTP(*self.address) as lmtp:
                for number in range(100_000):
                    subject = f"{self.label}-{number}"
                    lmtp.sendmail(SENDER, [self.to], letter(subject, self.filler * (self.size // 64)))
                    self.acknowledged.append(subject)
        except (OSError, smtplib.SMTPException):
            return


@pytest.mark.parametrize("size", [1_000, 200_000], ids=["small", "large"])
def test_killed_while_delivering(office: PostOffice, size: int) -> None:
    """Everything acknowledged is there, once and whole; of the rest, nothing is there in part."""
    box = office.fresh()
    senders = [_Sender(office, box, f"sender{n}", size) for n in range(4)]
    for sender in senders:
        sender.start()
    wait_until(lambda: all(len(sender.acknowledged) >= 15 for sender in senders), "mail is flowing")
    office.kill()
    for sender in senders:
        sender.join()
    office.start()
    can_log_in(office.pop3, box.name, box.password)
    messages = read_all(office, box)
    subjects = [message.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode() for message in messages]
    assert len(set(subjects)) == len(subjects)
    assert {subject for sender in senders for subject in sender.acknowledged} <= set(subjects)
    for message, subject in zip(messages, subjects, strict=True):
        assert message.endswith(letter(subject, senders[0].filler * (size // 64)))
    office.run("drop verify", box.name)


def test_killed_after_quit(office: PostOffice) -> None:
    """+OK to QUIT: the deletions outlive a crash, and a unique-id never returns."""
    box = office.fresh()
    fill(office, box, corpus()[:20])
    with log_in(office.pop3, box.name, box.password) as talk:
        before = _uidls(talk)
        for number in range(2, 21):
            assert talk.ask(b"DELE %d" % number).startswith(b"+OK")
        assert talk.ask(b"QUIT").startswith(b"+OK")
    office.kill()
    office.start()
    fill(office, box, corpus()[1:3])
    with log_in(office.pop3, box.name, box.password) as talk:
        after = _uidls(talk)
        assert talk.ask(b"QUIT").startswith(b"+OK")
    assert len(after) == 3
    assert after[0] == before[0]
    assert not set(after[1:]) & set(before)
    check_all(read_all(office, box), corpus()[:3])


def _uidls(talk: Talk) -> list[bytes]:
    assert talk.ask(b"UIDL").startswith(b"+OK")
    return [line.split()[1] for line in talk.body().splitlines()]


def test_killed_in_a_session(office: PostOffice) -> None:
    """Without QUIT nothing is deleted, and the lease of the dead is not left behind."""
    box = office.fresh()
    fill(office, box, corpus()[:2])
    with log_in(office.pop3, box.name, box.password) as talk:
        assert talk.ask(b"DELE 1").startswith(b"+OK")
        office.kill()
    office.start()
    check_all(read_all(office, box), corpus()[:2])


def _index(office: PostOffice, mailbox: Mailbox) -> Path:
    """The file that holds the index of a box."""
    return next(path for path in (office.folder / "store").rglob("index.sqlite") if path.parent.name == mailbox.name)


def _with_mail(office: PostOffice) -> tuple[Mailbox, Mailbox]:
    boxes = office.fresh(), office.fresh()
    for box in boxes:
        fill(office, box, corpus()[:2])
    return boxes


def _deliver_code(office: PostOffice, mailbox: Mailbox) -> int:
    with smtplib.LMTP(*office.lmtp) as lmtp:
        lmtp.ehlo()
        lmtp.mail(SENDER)
        code, _ = lmtp.rcpt(mailbox.address)
        return code if code != 250 else lmtp.data(corpus()[0].octets)[0]


def test_a_store_of_a_newer_version(office: PostOffice) -> None:
    newer, other = _with_mail(office)
    office.stop()
    with sqlite3.connect(_index(office, newer)) as index:
        index.execute("PRAGMA user_version=999")
    index.close()
    office.start()
    assert refused_login(office, newer).startswith(b"-ERR [SYS/PERM] ")
    assert 400 <= _deliver_code(office, newer) <= 599
    check_all(read_all(office, other), corpus()[:2])
    assert "newer version" in office.read_log()
    done = office.run("drop show", newer.name, expect=EX_DATA)
    assert b"newer version" in done.stderr


def test_accounts_of_a_newer_version(office: PostOffice) -> None:
    """The server does not start, and every command fails: both name the file and the remedy."""
    office.fresh()
    office.stop()
    accounts = office.folder / "store" / "accounts.sqlite"
    with sqlite3.connect(accounts) as database:
        database.execute("PRAGMA user_version=999")
    database.close()
    served, listed = office.run("serve", expect=EX_DATA), office.run("user list", expect=None)
    assert listed.returncode != 0
    for done in (served, listed):
        assert f"{accounts} was written by a newer" in done.stderr.decode()
    assert b"ready" not in served.stdout


def test_a_damaged_index(office: PostOffice) -> None:
    damaged, other = _with_mail(office)
    office.stop()
    index = _index(office, damaged)
    for companion in index.parent.glob("index.sqlite-*"):
        companion.unlink()
    index.write_bytes(b"\xde\xad\xbe\xef" * (index.stat().st_size // 4))
    office.start()
    assert refused_login(office, damaged).startswith(b"-ERR [SYS/PERM] ")
    assert 400 <= _deliver_code(office, damaged) <= 599
    check_all(read_all(office, other), corpus()[:2])
    assert str(index) in office.read_log()
    done = office.run("drop verify", damaged.name, expect=None)
    assert done.returncode != 0
    assert b"Traceback" not in done.stderr


def test_a_missing_body(office: PostOffice) -> None:
    """A refusal before any +OK; the other messages of the drop can be read."""
    box = office.fresh()
    large = letter("large", (b"x" * 62 + b"\r\n") * 3000)
    fill(office, box, corpus()[:1])
    office.put(box, large)
    bodies = [
        path for path in _index(office, box).parent.rglob("*") if path.is_file() and path.stat().st_size > 190_000
    ]
    assert len(bodies) == 1
    bodies[0].unlink()
    with log_in(office.pop3, box.name, box.password) as talk:
        assert talk.ask(b"RETR 2").startswith(b"-ERR [SYS/")
        assert talk.ask(b"RETR 1").startswith(b"+OK")
        talk.body()
        assert talk.ask(b"QUIT").startswith(b"+OK")
    done = office.run("drop verify", box.name, expect=None)
    assert done.returncode != 0
    assert b"body missing" in done.stdout + done.stderr
