"""The process: bad configurations, ports in use, signals, killed workers, damaged and foreign stores."""

import signal
import smtplib
import socket
import subprocess

import pytest

from support.corpus import corpus
from support.post import SENDER, check_all, count, fill, read_all, refused_login
from support.postoffice import Mailbox, PostOffice, wait_until
from support.talk import Talk, log_in

pytestmark = pytest.mark.interop

EX_DATA, EX_UNAVAILABLE, EX_CONFIG = 65, 69, 78


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


def test_storage_that_is_no_folder() -> None:
    office = PostOffice()
    try:
        (office.folder / "store").write_text("a file")
        done = _serve(office)
    finally:
        office.discard()
    assert done.returncode == EX_CONFIG
    assert str(office.folder / "store").encode() in done.stderr
    assert b"Traceback" not in done.stderr


def test_commands_work_beside_a_running_server(office: PostOffice) -> None:
    box = office.fresh()
    office.put(box, corpus()[0].octets)
    office.run("user password", box.name, "--password-stdin", given=b"another-one\n")
    assert refused_login(office, box).startswith(b"-ERR [AUTH]")
    check_all(read_all(office, Mailbox(box.name, "another-one")), corpus()[:1])
    office.run("user disable", box.name)
    assert refused_login(office, Mailbox(box.name, "another-one")).startswith(b"-ERR")
