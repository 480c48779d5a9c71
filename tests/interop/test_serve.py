"""The process: bad configurations, ports in use, signals, killed workers, damaged and foreign stores."""

import os
import signal
import smtplib
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.corpus import corpus, letter
from support.post import SENDER, check_all, count, fill, read_all
from support.postoffice import Mailbox, PostOffice, is_alive, wait_until
from support.talk import Talk, can_log_in, log_in

pytestmark = pytest.mark.interop

EX_DATA, EX_UNAVAILABLE, EX_CONFIG = 65, 69, 78


@pytest.fixture
def office() -> Iterator[PostOffice]:
    """A server that the test may ill-treat."""
    with PostOffice() as office:
        yield office


def _serve(office: PostOffice) -> subprocess.CompletedProcess[bytes]:
    """A server that is expected not to start."""
    return office.run("serve", expect=None)


BAD_CONFIGURATIONS = {
    "an unknown key": ('[pop3]\nlisten = []\nlistn = ["127.0.0.1:0"]\n', 3, "pop3.listn", "listen"),
    "an unknown section": ("[pop4]\nlisten = []\n", 1, "pop4", "pop3"),
    "a bad address": ('[pop3]\nlisten = ["localhost"]\n', 2, "pop3.listen", "HOST:PORT"),
    "a bad duration": ('[limits]\nconnections = 5\nidle = "soon"\n', 3, "limits.idle", "10m"),
    "a bad size": ('[limits]\nmessage = "lots"\n', 2, "limits.message", "50MB"),
    "a bad choice": ('[maildrop]\nlock = "maybe"\n', 2, "maildrop.lock", "refuse"),
    "half a certificate": ('[tls]\ncertificate = "x.pem"\n', 1, "tls", "key"),
    "no TOML": ("[pop3\nlisten = 1\n", 1, "", "]"),
}


@pytest.mark.parametrize(("text", "line", "key", "remedy"), BAD_CONFIGURATIONS.values(), ids=BAD_CONFIGURATIONS)
def test_bad_configuration(text: str, line: int, key: str, remedy: str) -> None:
    office = PostOffice()
    try:
        office.config.write_text(text)
        done = _serve(office)
    finally:
        office.discard()
    said = done.stderr.decode()
    assert done.returncode == EX_CONFIG, said
    assert done.stdout == b""
    assert len(said.splitlines()) == 1, said
    assert f"{office.config}:{line}:" in said
    assert key in said
    assert remedy in said


def test_all_mistakes_are_told_at_once() -> None:
    office = PostOffice({"limits": {"idle": "soon", "per_adress": 5}, "maildrop": {"lock": "maybe"}})
    try:
        said = _serve(office).stderr.decode()
    finally:
        office.discard()
    for word in ("limits.idle", "per_address", "maildrop.lock"):
        assert word in said


def test_no_configuration_file() -> None:
    office = PostOffice()
    try:
        office.config.unlink()
        done = _serve(office)
    finally:
        office.discard()
    assert done.returncode == EX_CONFIG
    assert str(office.config).encode() in done.stderr


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        office = PostOffice({"pop3": {"listen": [f"127.0.0.1:{port}"]}})
        try:
            done = _serve(office)
        finally:
            office.discard()
    assert done.returncode == EX_UNAVAILABLE
    assert f"127.0.0.1:{port}".encode() in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_second_server_on_the_same_socket_is_refused(office: PostOffice) -> None:
    """It must not take the first one's socket away."""
    done = _serve(office)
    assert done.returncode == EX_UNAVAILABLE
    assert str(office.lmtp_socket).encode() in done.stderr
    box = office.fresh()
    with smtplib.LMTP(str(office.lmtp_socket)) as lmtp:
        assert lmtp.sendmail(SENDER, [box.address], corpus()[0].octets) == {}


def test_a_socket_left_by_a_crash_is_taken_over(office: PostOffice) -> None:
    office.kill()
    assert office.lmtp_socket.exists()
    office.start()
    box = office.fresh()
    with smtplib.LMTP(str(office.lmtp_socket)) as lmtp:
        assert lmtp.sendmail(SENDER, [box.address], corpus()[0].octets) == {}


def test_listening_lines(office: PostOffice) -> None:
    assert set(office.listening) == {"pop3", "smtp", "lmtp"}
    assert f"unix:{office.lmtp_socket}" in office.listening["lmtp"]


def test_ipv6() -> None:
    with PostOffice({"pop3": {"listen": ["[::1]:0", "127.0.0.1:0"]}}) as office:
        box = office.fresh()
        v6 = next(address for address in office.listening["pop3"] if address.startswith("[::1]:"))
        with log_in(("::1", int(v6.rpartition(":")[2])), box.name, box.password) as talk:
            assert talk.ask(b"QUIT").startswith(b"+OK")


def test_terminate_lets_a_session_end(office: PostOffice) -> None:
    box = office.fresh()
    fill(office, box, corpus()[:2])
    with log_in(office.pop3, box.name, box.password) as talk:
        assert talk.ask(b"DELE 1").startswith(b"+OK")
        office.signal(signal.SIGTERM)
        wait_until(lambda: not _is_listening(office), "nobody new is let in")
        assert talk.ask(b"RETR 2").startswith(b"+OK")
        talk.body()
        assert talk.ask(b"QUIT").startswith(b"+OK")
    office.stop()
    office.start()
    check_all(read_all(office, box), corpus()[1:2])


def _is_listening(office: PostOffice) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(office.pop3) == 0


def test_terminate_does_not_wait_for_ever() -> None:
    with PostOffice({"server": {"drain": "300ms"}}) as office:
        box = office.fresh()
        fill(office, box, corpus()[:1])
        with log_in(office.pop3, box.name, box.password) as talk, Talk(office.smtp) as smtp:
            assert talk.ask(b"DELE 1").startswith(b"+OK")
            office.stop()
            assert talk.ends()
            assert smtp.ends() or smtp.is_at_end()
        office.start()
        check_all(read_all(office, box), corpus()[:1])


def test_interrupt_ends_it_well(office: PostOffice) -> None:
    office.signal(signal.SIGINT)
    assert office.wait() == 0
    office.start()


def test_reload_keeps_sessions_and_applies_what_is_new(office: PostOffice) -> None:
    box = office.fresh()
    fill(office, box, corpus()[:1])
    with log_in(office.pop3, box.name, box.password) as talk:
        office.configure({"limits": {"message": "1kB"}})
        office.signal(signal.SIGHUP)
        wait_until(lambda: _size_limit(office) == 1024, "new connections see the new limit")
        assert talk.ask(b"RETR 1").startswith(b"+OK")
        talk.body()
        assert talk.ask(b"DELE 1").startswith(b"+OK")
        assert talk.ask(b"QUIT").startswith(b"+OK")
    assert count(office, box) == 0


def _size_limit(office: PostOffice) -> int:
    try:
        with smtplib.SMTP(*office.smtp, timeout=20) as smtp:
            smtp.ehlo()
            return int(smtp.esmtp_features["size"])
    except (OSError, smtplib.SMTPException):
        return 0


def test_reload_of_a_bad_file_changes_nothing(office: PostOffice) -> None:
    box = office.fresh()
    good = office.config.read_text()
    office.config.write_text(good + "[pop4]\n")
    office.signal(signal.SIGHUP)
    wait_until(lambda: "pop4" in office.read_log(), "the mistake is told")
    assert count(office, box) == 0


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


def _index(office: PostOffice, mailbox: Mailbox) -> Path:
    """The file that holds the index of a box."""
    return next(path for path in (office.folder / "store").rglob("index.sqlite") if path.parent.name == mailbox.name)


def _log_in_refused(office: PostOffice, mailbox: Mailbox) -> bytes:
    with Talk(office.pop3) as talk:
        talk.ask(b"USER " + mailbox.name.encode())
        return talk.ask(b"PASS " + mailbox.password.encode())


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
    assert _log_in_refused(office, newer).startswith(b"-ERR [SYS/PERM] ")
    assert 400 <= _deliver_code(office, newer) <= 599
    check_all(read_all(office, other), corpus()[:2])
    assert "newer version" in office.read_log()
    done = office.run("drop show", newer.name, expect=EX_DATA)
    assert b"newer version" in done.stderr


def test_a_damaged_index(office: PostOffice) -> None:
    damaged, other = _with_mail(office)
    office.stop()
    index = _index(office, damaged)
    for companion in index.parent.glob("index.sqlite-*"):
        companion.unlink()
    index.write_bytes(b"\xde\xad\xbe\xef" * (index.stat().st_size // 4))
    office.start()
    assert _log_in_refused(office, damaged).startswith(b"-ERR [SYS/PERM] ")
    assert 400 <= _deliver_code(office, damaged) <= 599
    check_all(read_all(office, other), corpus()[:2])
    assert f"maildrop {damaged.name}: file is not a database" in office.read_log()
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


def test_commands_work_beside_a_running_server(office: PostOffice) -> None:
    box = office.fresh()
    office.put(box, corpus()[0].octets)
    office.run("user password", box.name, "--password-stdin", given=b"another-one\n")
    assert _log_in_refused(office, box).startswith(b"-ERR [AUTH]")
    check_all(read_all(office, Mailbox(box.name, "another-one")), corpus()[:1])
    office.run("user disable", box.name)
    assert _log_in_refused(office, Mailbox(box.name, "another-one")).startswith(b"-ERR")
