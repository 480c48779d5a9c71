"""TLS as it is served: every door of it, sessions that are gone on with, certificates that change, rude clients."""

import contextlib
import json
import os
import re
import signal
import smtplib
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support.certificates import client_context, der
from support.corpus import corpus
from support.post import SENDER, count, fill
from support.postoffice import PostOffice, wait_until
from support.programs import require, run
from support.talk import Talk, log_in
from support.tls import LMTP_STARTTLS, POP3S, STARTTLS, STLS, Secured, TlsTalk

pytestmark = pytest.mark.interop

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
DOORS = {
    "pop3s": ("pop3s", POP3S),
    "STLS": ("pop3", STLS),
    "smtps": ("smtps", POP3S),
    "STARTTLS": ("smtp", STARTTLS),
    "LMTP STARTTLS": ("lmtp", LMTP_STARTTLS),
}
EVERY_DOOR = pytest.mark.parametrize(("service", "begin"), DOORS.values(), ids=DOORS)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A server that no test disturbs."""
    secured = Secured(tmp_path_factory.mktemp("tls"))
    with secured.office:
        yield secured


# Its doors


@EVERY_DOOR
@pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
def test_every_door(house: Secured, service: str, begin: tuple[bytes, ...], version: ssl.TLSVersion) -> None:
    context = client_context(house.authority.path, version=version)
    with house.talk(service, begin, context=context) as talk:
        assert talk.secured.version() == {V12: "TLSv1.2", V13: "TLSv1.3"}[version]
        if "pop3" in service:
            assert talk.ask(b"CAPA").startswith(b"+OK")
            assert b"STLS" not in talk.body()
            assert talk.ask(b"STLS").startswith(b"-ERR")
            assert talk.ask(b"QUIT").startswith(b"+OK")
        else:
            talk.send(b"LHLO c\r\n" if service == "lmtp" else b"EHLO c\r\n")
            assert not [line for line in talk.reply() if b"STARTTLS" in line]
            assert talk.ask(b"QUIT").startswith(b"221")


def test_a_login_over_tls_and_its_line_in_the_log(house: Secured) -> None:
    box = house.office.fresh()
    with house.talk() as talk:
        assert talk.ask(f"USER {box.name}".encode()).startswith(b"+OK")
        assert talk.ask(f"PASS {box.password}".encode()).startswith(b"+OK")
        assert talk.ask(b"QUIT").startswith(b"+OK")
    wait_until(lambda: f'"account": "{box.name}"' in house.office.read_log(), "the session is told")
    (line,) = [each for each in house.office.read_log().splitlines() if f'"account": "{box.name}"' in each]
    assert '"tls": "TLSv1.3"' in line


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_older_versions_are_not_spoken(house: Secured, version: str) -> None:
    host, port = house.office.address("pop3s")
    command = [require("openssl"), "s_client", version, "-cipher", "ALL:@SECLEVEL=0", "-connect", f"{host}:{port}"]
    done = run(command, expect=1)
    assert b"Cipher is (NONE)" in done.stdout, done.stdout


def test_tls_13_only(tmp_path: Path) -> None:
    secured = Secured(tmp_path, {"tls": {"minimum": "1.3"}})
    with secured.office:
        with secured.talk() as talk:
            assert talk.secured.version() == "TLSv1.3"
        with pytest.raises(ssl.SSLError):
            secured.talk(context=client_context(version=V12))


# What scanners say


@pytest.mark.parametrize(
    ("service", "how"), [("pop3s", []), ("pop3", ["--starttls-pop3"]), ("smtp", ["--starttls-smtp"])]
)
def test_sslscan_finds_nothing_weak(house: Secured, tmp_path: Path, service: str, how: list[str]) -> None:
    host, port = house.office.address(service)
    report = tmp_path / "report.xml"
    run([require("sslscan"), *how, f"--xml={report}", "--no-colour", f"{host}:{port}"])
    (test,) = ElementTree.parse(report).getroot().iter("ssltest")
    spoken = {
        f"{each.get('type')}{each.get('version')}" for each in test.iter("protocol") if each.get("enabled") == "1"
    }
    assert spoken == {"tls1.2", "tls1.3"}
    ciphers = [(each.get("cipher", ""), each.get("strength"), each.get("sslversion")) for each in test.iter("cipher")]
    assert {version for _, _, version in ciphers} == {"TLSv1.2", "TLSv1.3"}
    for name, strength, version in ciphers:
        assert strength in ("strong", "acceptable"), name
        assert "GCM" in name or "CHACHA20" in name, name
        assert not re.search("CBC|3DES|RC4|NULL|anon|EXP", name), name
        assert version == "TLSv1.3" or name.startswith("ECDHE"), name
    assert not [each for each in test.iter("compression") if each.get("supported") != "0"]
    assert all(each.get("secure") == "1" or each.get("supported") == "0" for each in test.iter("renegotiation"))
    beats = [each.get("vulnerable") for each in test.iter("heartbleed")]
    assert beats
    assert set(beats) == {"0"}


def test_testssl_finds_nothing_weak(house: Secured, tmp_path: Path) -> None:
    """What it looks at in a few seconds: versions, kinds of ciphers, forward secrecy, renegotiation, compression."""
    host, port = house.office.pop3
    report = tmp_path / "report.json"
    quiet = ["--quiet", "--color", "0", "--warnings", "off", "--ip", "one", "--jsonfile", report]
    run([require("testssl"), *quiet, "-p", "-s", "-f", "-R", "-C", "-t", "pop3", f"{host}:{port}"])
    found = json.loads(report.read_text())
    assert {each["id"] for each in found} >= {"TLS1_2", "TLS1_3", "cipherlist_NULL", "secure_client_renego"}
    assert [each for each in found if each["severity"] not in ("OK", "INFO")] == []


# Sessions that are gone on with


@pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
def test_any_worker_goes_on_with_a_session(house: Secured, version: ssl.TLSVersion) -> None:
    context = client_context(house.authority.path, version=version)
    talks = [house.talk(context=context)]
    try:
        for _ in range(16):
            talks.append(house.talk(context=context, session=talks[0].secured.session))
            assert talks[-1].secured.session_reused
        workers = {pid for pid, number in _connections(house.office).items() if number}
        assert len(workers) == 2, "the kernel gave all of them to one worker"
    finally:
        for talk in talks:
            talk.close()


def _connections(office: PostOffice) -> dict[int, int]:
    """How many sessions each worker has."""
    seen: dict[int, int] = {}
    for session in json.loads(office.run("sessions --json").stdout):
        seen[session["worker"]] = seen.get(session["worker"], 0) + 1
    return seen


def test_openssl_goes_on_with_its_session(house: Secured) -> None:
    host, port = house.office.address("pop3s")
    command = [require("openssl"), "s_client", "-connect", f"{host}:{port}", "-tls1_2", "-reconnect"]
    said = run([*command, "-CAfile", house.authority.path], given=b"QUIT\r\n").stdout
    assert said.count(b"Reused, TLSv1.2") == 5


# Certificates that change


@pytest.mark.parametrize("is_linked", [False, True], ids=["files", "links"])
def test_sessions_outlive_a_change_of_certificates(tmp_path: Path, is_linked: bool) -> None:
    secured = Secured(tmp_path, is_linked=is_linked)
    with secured.office as office:
        box = office.fresh()
        fill(office, box, corpus()[:1])
        fresh, early = Talk(office.pop3), secured.talk()
        inside = log_in(office.pop3, box.name, box.password)
        sending = secured.talk("smtp", STARTTLS)
        for command in (b"EHLO c", f"MAIL FROM:<{SENDER}>".encode(), f"RCPT TO:<{box.address}>".encode()):
            sending.send(command + b"\r\n")
            assert sending.reply()[-1].startswith(b"250")
        assert sending.ask(b"DATA").startswith(b"354")
        sending.send(b"Subject: half")
        assert secured.sees(secured.shown)
        renewed = secured.renew()
        wait_until(lambda: secured.sees(renewed), "a new connection is shown the new certificate")

        assert fresh.ask(b"NOOP").startswith(b"-ERR"), "it is still before login"
        assert fresh.ask(f"USER {box.name}".encode()).startswith(b"+OK")
        assert early.ask(b"CAPA").startswith(b"+OK")
        early.body()
        assert early.certificate() == secured.shown
        assert inside.ask(b"DELE 1").startswith(b"+OK")
        assert inside.ask(b"QUIT").startswith(b"+OK")
        sending.send(b" and half\r\n\r\nHello\r\n.\r\n")
        assert sending.line().startswith(b"250")
        assert sending.ask(b"QUIT").startswith(b"221")
        assert fresh.ask(f"PASS {box.password}".encode()).startswith(b"+OK")
        assert fresh.ask(b"STAT").startswith(b"+OK 1 ")
        assert fresh.ask(b"QUIT").startswith(b"+OK")
        for talk in (fresh, early, inside, sending):
            talk.close()
        wait_until(lambda: len(office.workers()) == 2, "the old generation has gone")


def test_half_of_a_new_certificate_changes_nothing_and_is_told_once(tmp_path: Path) -> None:
    secured = Secured(tmp_path)
    with secured.office as office:
        whole = secured.live.chain.read_bytes()
        secured.live.chain.write_bytes(whole[:100])
        wait_until(lambda: "reload refused" in office.log.read_text(), "the mistake is told")
        assert secured.sees(secured.shown)
        secured.renew()
        secured.live.key.write_text("no key")
        wait_until(lambda: office.log.read_text().count("reload refused") == 2, "the other mistake is told")
        renewed = secured.renew()
        wait_until(lambda: secured.sees(renewed), "what is right is taken")
        assert office.log.read_text().count("reload refused") == 2
        assert office.log.read_text().count('"reloaded"') == 1


def test_what_clients_will_refuse_is_warned_of_at_the_start_and_at_a_reload(tmp_path: Path) -> None:
    secured = Secured(tmp_path)
    secured.live.key.chmod(0o644)
    with secured.office as office:
        words = f"{secured.live.key} is open to others (mode 0644)"
        assert office.read_log().count(words) == 1
        office.signal(signal.SIGHUP)
        wait_until(lambda: '"reloaded"' in office.read_log(), "it is read again")
        assert office.read_log().count(words) == 2


def test_the_configuration_is_read_again_when_it_changes(tmp_path: Path) -> None:
    secured = Secured(tmp_path)
    with secured.office as office:
        text = office.config.read_text()
        office.config.write_text(text + '[limits]\nmessage = "1kB"\n')
        wait_until(lambda: _size_limit(office) == 1024, "new connections see the new limit")


def _size_limit(office: PostOffice) -> int:
    with smtplib.SMTP(*office.smtp, timeout=20) as smtp:
        smtp.ehlo()
        return int(smtp.esmtp_features["size"])


def test_one_is_made_where_none_is_configured() -> None:
    listen = {"listen": ["127.0.0.1:0"]}
    with PostOffice({"pop3s": listen}) as office:
        made = office.folder / "store" / "tls" / "certificate.pem"
        assert f"{made}" in office.read_log()
        assert "no client trusts" in office.read_log()
        first = der(made)
        context = client_context(made)
        with TlsTalk(office.address("pop3s"), context, name="postane.test") as talk:
            assert talk.certificate() == first
        with TlsTalk(office.pop3, context, STLS, name="127.0.0.1") as talk:
            assert talk.ask(b"QUIT").startswith(b"+OK")
        with pytest.raises(ssl.SSLCertVerificationError):
            TlsTalk(office.address("pop3s"), ssl.create_default_context())
        office.signal(signal.SIGHUP)
        wait_until(lambda: '"reloaded"' in office.read_log(), "it is read again")
        assert der(made) == first


def _can_nobody_run_python() -> bool:
    if os.geteuid() != 0:
        return False  # only root can give workers to somebody else
    command = [sys.executable, "-c", "import postane, importlib.readers"]
    try:
        return subprocess.run(command, user="nobody", cwd="/", capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not _can_nobody_run_python(), reason="not root, or this Python is out of reach for others")
def test_a_key_that_root_alone_reads_is_used_and_used_again(tmp_path: Path) -> None:
    secured = Secured(tmp_path, {"server": {"workers": 1, "user": "nobody"}})
    with secured.office:
        assert secured.live.key.stat().st_mode & 0o077 == 0
        assert secured.sees(secured.shown)
        renewed = secured.renew()
        wait_until(lambda: secured.sees(renewed), "root reads the new key")


# Rude clients

SOURCES = (f"127.0.5.{number}" for number in range(1, 250))

GARBAGE = {
    "no TLS": b"USER anna\r\nPASS x\r\nQUIT\r\n",
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
    "zeros": bytes(2000),
    "a hello that breaks off": bytes.fromhex("160301020001000 1fc0303".replace(" ", "")),
    "an alert": bytes.fromhex("15030100020228"),
    "a record that is too long": bytes.fromhex("160303ffff") + bytes(5000),
}


@pytest.mark.parametrize("octets", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize(("service", "begin"), [("pop3s", POP3S), ("pop3", STLS), ("smtp", STARTTLS)])
def test_no_client_hello(house: Secured, service: str, begin: tuple[bytes, ...], octets: bytes) -> None:
    source = next(SOURCES)
    with Talk(house.office.address(service), greeting=bool(begin), source=source) as talk:
        for command in begin:
            talk.send(command + b"\r\n")
            talk.reply()
        talk.send(octets)
        talk.socket.shutdown(1)
        said = _until_the_end(talk)
    assert b"+OK" not in said, "what comes in clear is never answered"
    assert b"220" not in said
    wait_until(lambda: f'"peer": "{source}"' in house.office.log.read_text(), "the session is told")
    (line,) = [each for each in house.office.log.read_text().splitlines() if f'"peer": "{source}"' in each]
    told = json.loads(line)
    assert (told["ending"], told["service"]) == ("no TLS", service)
    assert told["why"].removeprefix("TLS: ")


def _until_the_end(talk: Talk) -> bytes:
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while octets := talk.socket.recv(4096):
            said += octets
    return said


def test_a_handshake_that_stalls_ends_with_the_time_to_log_in(tmp_path: Path) -> None:
    secured = Secured(tmp_path, {"limits": {"login": "700ms"}})
    with secured.office as office:
        for service, begin in (("pop3s", POP3S), ("pop3", STLS)):
            with Talk(office.address(service), greeting=bool(begin)) as talk:
                for command in begin:
                    talk.ask(command)
                talk.send(b"\x16\x03\x01")
                assert talk.ends()
        wait_until(lambda: office.read_log().count('"event": "session"') == 2, "both are told")
        assert "Traceback" not in office.read_log()


def test_many_who_leave_in_the_middle(tmp_path: Path) -> None:
    """200 at once; another client is served meanwhile, and a line tells of each."""
    secured = Secured(tmp_path, {"limits": {"per_address": 500}})
    with secured.office as office:
        gate = threading.Barrier(20)

        def leave(number: int) -> None:
            gate.wait()
            for _ in range(10):
                with Talk(office.address("pop3s"), greeting=False, source=f"127.0.3.{number + 1}") as talk:
                    talk.send(bytes.fromhex("1603010200010001fc0303")[: 1 + number % 11])

        with ThreadPoolExecutor(20) as pool:
            leaving = [pool.submit(leave, number) for number in range(20)]
            with secured.talk() as talk:
                assert talk.ask(b"QUIT").startswith(b"+OK")
            for each in leaving:
                each.result()
        wait_until(lambda: office.log.read_text().count('"event": "session"') == 201, "each is told")
        assert "Traceback" not in office.log.read_text()


def test_connections_are_counted_before_the_handshake(tmp_path: Path) -> None:
    secured = Secured(tmp_path, {"limits": {"per_address": 2}})
    with secured.office as office:
        silent = [Talk(office.address("pop3s"), greeting=False, source="127.0.4.1") for _ in range(2)]
        wait_until(lambda: sum(_connections(office).values()) == 2, "they have come")
        with pytest.raises((ssl.SSLError, OSError)):
            secured.talk(source="127.0.4.1")
        wait_until(lambda: '"ending": "refused"' in office.read_log(), "the refusal is told")
        with secured.talk(source="127.0.4.2") as talk:
            assert talk.ask(b"QUIT").startswith(b"+OK")
        for each in silent:
            each.close()


# Octets before the handshake


@pytest.mark.parametrize(("service", "begin"), [("pop3", STLS), ("smtp", STARTTLS), ("lmtp", LMTP_STARTTLS)])
def test_octets_in_the_same_segment_end_the_session(house: Secured, service: str, begin: tuple[bytes, ...]) -> None:
    with Talk(house.office.address(service)) as talk:
        for command in begin[:-1]:
            talk.send(command + b"\r\n")
            talk.reply()
        talk.send(begin[-1] + b"\r\nNOOP\r\nQUIT\r\n")
        lines = [talk.line()]
        while lines[-1]:
            lines.append(talk.line())
        assert len(lines) <= 2, lines


def test_counting_what_a_box_has_over_tls(house: Secured) -> None:
    box = house.office.fresh()
    fill(house.office, box, corpus()[:2])
    assert count(house.office, box) == 2
    with house.talk("pop3", STLS) as talk:
        talk.ask(f"USER {box.name}".encode())
        assert talk.ask(f"PASS {box.password}".encode()).startswith(b"+OK")
        assert talk.ask(b"STAT").startswith(b"+OK 2 ")
        assert talk.ask(b"RETR 1").startswith(b"+OK")
        assert talk.body().endswith(corpus()[0].octets)
