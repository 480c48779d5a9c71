"""`postane talk` with a running `postane serve`: every protocol from a pipe, and a person at a terminal."""

import json
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.postoffice import Mailbox
from support.programs import run
from support.terminal import Typist
from support.tls import Secured

pytestmark = pytest.mark.interop

TALK = (sys.executable, "-m", "postane", "talk")
MESSAGE = (
    b"From: =?utf-8?q?Mar=C5=9Fall_Rose?= <mrose@example.org>\r\nSubject: =?utf-8?b?xLBsayBtZWt0dXA=?=\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"Merhaba d\xc3\xbcnya\r\n.dotted\r\n\x1b[31mred\r\n"
)
LISTEN = {"listen": ["127.0.0.1:0"]}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A post office that speaks everything, over TLS too."""
    folder = tmp_path_factory.mktemp("secured")
    old = {"pop2": LISTEN, "pop1": LISTEN}
    made = Secured(folder, {**old, "auth": {"plaintext_without_tls": "always", "failure_delay": "20ms"}})
    with made.office:
        yield made


@pytest.fixture
def box(secured: Secured) -> Mailbox:
    """An account with two messages."""
    mailbox = secured.office.fresh()
    for _ in range(2):
        secured.office.put(mailbox, MESSAGE)
    return mailbox


class Caller:
    """Runs `postane talk` in a pipe."""

    def __init__(self, secured: Secured, home: Path) -> None:
        self._secured = secured
        self._home = home

    def url(self, scheme: str, service: str | None = None) -> str:
        """Where a service is."""
        return f"{scheme}://localhost:{self._secured.office.address(service or scheme)[1]}"

    def talk(self, url: str, *typed: str, words: tuple[str, ...] = (), expect: int = 0) -> str:
        """What it prints."""
        command = (*TALK, url, "--tls-ca", str(self._secured.authority.path), *words)
        done = run(command, given="".join(f"{line}\n" for line in typed).encode(), home=self._home, expect=expect)
        return done.stdout.decode()


@pytest.fixture
def caller(secured: Secured, tmp_path: Path) -> Caller:
    return Caller(secured, tmp_path)


def test_pop3_in_clear(caller: Caller, box: Mailbox):
    told = caller.talk(
        caller.url("pop3"), f"USER {box.name}", f"PASS {box.password}", "STAT", "RETR 1", "DELE 2", "QUIT"
    )
    assert f"S: +OK 2 {2 * len(MESSAGE)}\n" in told
    assert "S: Merhaba dünya\nS: ..dotted\nS: \\x1b[31mred\nS: .\n" in told
    assert "1 message left" in told
    assert box.password not in told


@pytest.mark.parametrize(
    ("scheme", "words"), [("pop3", ("--starttls",)), ("pop3s", ()), ("pop3", ("--tls", "if-offered"))]
)
def test_pop3_over_tls(caller: Caller, box: Mailbox, scheme: str, words: tuple[str, ...]):
    url = caller.url(scheme).replace("://", f"://{box.name}@")
    told = caller.talk(
        url, box.password, ".tls", ".show 1", "QUIT", words=("--login", "--password-stdin", "--lines", "0", *words)
    )
    assert "C: AUTH SCRAM-SHA-256-PLUS ****" in told
    assert "issuer:   CN=authority" in told
    assert re.search(r"^pin: +sha256:[0-9a-f]{64}$", told, re.MULTILINE)
    assert "From:     Marşall Rose <mrose@example.org>\nSubject:  İlk mektup\n\nMerhaba dünya\n.dotted\n" in told


def test_a_pin_that_does_not_fit_is_refused(caller: Caller):
    caller.talk(caller.url("pop3s"), words=("--tls-pin", "sha256:" + "00" * 32), expect=76)


def test_stls_said_by_hand(caller: Caller, box: Mailbox):
    typed = ("STLS", f"USER {box.name}", f"PASS {box.password}", "LIST", "QUIT")
    lines = [json.loads(line) for line in caller.talk(caller.url("pop3"), *typed, words=("--json",)).splitlines()]
    assert lines[1]["said"] == ["STLS"]
    assert lines[1]["remarks"][0].startswith("TLS stands: TLSv1.3")
    assert lines[4]["body"] == [f"1 {len(MESSAGE)}", f"2 {len(MESSAGE)}", "."]


def test_sasl_by_hand(caller: Caller, box: Mailbox):
    told = caller.talk(
        caller.url("pop3"), "AUTH LOGIN", f".respond {box.name}", f".respond {box.password}", "STAT", "QUIT"
    )
    assert told.count("C: ****") == 2
    assert "S: +OK 2 " in told
    assert box.password not in told


def test_apop_with_a_device_password(caller: Caller, box: Mailbox, secured: Secured):
    device = secured.office.add_device(box)
    told = caller.talk(caller.url("pop3"), device.password, f".apop {box.name}", "STAT", words=("--password-stdin",))
    assert f"C: APOP {box.name} ****\nS: +OK" in told


def test_a_wrong_password_is_77(caller: Caller, box: Mailbox):
    caller.talk(caller.url("pop3"), f"USER {box.name}", "PASS wrong", "QUIT", expect=77)
    url = caller.url("pop2").replace("://", f"://{box.name}@")
    caller.talk(url, "wrong", words=("--login", "--password-stdin"), expect=77)


def test_pop2(caller: Caller, box: Mailbox):
    typed = (f"HELO {box.name} {box.password}", "READ 1", "RETR", "ACKS", ".show 2", "QUIT")
    told = caller.talk(caller.url("pop2"), *typed)
    assert f"C: HELO {box.name} ****\nS: #2 " in told
    assert "S: Merhaba dünya\nS: .dotted\nS: \\x1b[31mred\nC: ACKS\n" in told
    assert "Subject:  İlk mektup\n" in told


def test_pop1(caller: Caller, box: Mailbox):
    url = caller.url("pop1").replace("://", f"://{box.name}@")
    told = caller.talk(
        url, box.password, "RETR", "RECV", "RCVD", ".show 2", "QUIT", words=("--login", "--password-stdin")
    )
    assert told.count("S: Merhaba dünya\n") == 2
    assert "Subject:  İlk mektup\n" in told


@pytest.mark.parametrize(("scheme", "words"), [("smtp", ("--starttls",)), ("smtps", ())])
def test_smtp(caller: Caller, box: Mailbox, scheme: str, words: tuple[str, ...]):
    typed = (
        "EHLO me",
        "MAIL FROM:<a@example.org>",
        f"RCPT TO:<{box.address}>",
        "DATA",
        "Subject: by hand",
        "",
        ".tls",
        ".",
        "QUIT",
    )
    told = caller.talk(caller.url(scheme), *typed, words=words)
    assert "S: 250 2.0.0 stored as" in told
    told = caller.talk(caller.url("pop3"), f"USER {box.name}", f"PASS {box.password}", ".raw 3", "QUIT")
    assert "\nSubject: by hand\n\ntls\n" in told, "what is typed is sent as it is, so a dot at a line's start is lost"


def test_smtp_login(caller: Caller, box: Mailbox):
    url = caller.url("smtp").replace("://", f"://{box.name}@")
    told = caller.talk(url, box.password, "QUIT", words=("--starttls", "--login", "--password-stdin"))
    assert "S: 235 " in told


def test_lmtp_over_a_socket_with_a_file(caller: Caller, box: Mailbox, secured: Secured, tmp_path: Path):
    other = secured.office.fresh()
    (tmp_path / "m.eml").write_bytes(b"Subject: from a file\n\n.dot\n")
    told = caller.talk(
        f"lmtp://{secured.office.lmtp_socket}",
        "LHLO me",
        "MAIL FROM:<>",
        f"RCPT TO:<{box.address}>",
        "RCPT TO:<nobody@postane.test>",
        f"RCPT TO:<{other.address}>",
        ".send m.eml",
        "QUIT",
    )
    assert told.count("S: 250 2.0.0 stored") == 2
    typed = (f"USER {other.name}", f"PASS {other.password}", ".save got.eml 1", "QUIT")
    caller.talk(caller.url("pop3"), *typed)
    assert (tmp_path / "got.eml").read_bytes().endswith(b"Subject: from a file\r\n\r\n.dot\r\n")


def test_a_person_holds_the_founding_documents_dialogue(secured: Secured, box: Mailbox, tmp_path: Path):
    """APOP by hand, then STAT, LIST, RETR, DELE, QUIT; and no secret anywhere."""
    device = secured.office.add_device(box)
    host, port = secured.office.pop3
    url = f"pop3://{host}:{port}"
    with Typist((*TALK, url, "--transcript", "t.txt"), tmp_path) as person:
        person.sees("POP3 authorization")
        person.type(f".apop {box.name}\r")
        person.sees("Password of")
        person.type(f"{device.password}\r")
        person.sees("logged in by APOP")
        person.sees("POP3 transaction")
        for typed, answer in (
            ("STAT", f"S: +OK 2 {2 * len(MESSAGE)}"),
            ("LIST", f"S: 2 {len(MESSAGE)}"),
            ("RETR 1", "S: ..dotted"),
            ("DELE 1", "S: +OK message 1 deleted"),
            (".show 2", "Subject:  İlk mektup"),
        ):
            person.type(f"{typed}\r")
            person.sees(answer)
            person.sees("POP3 transaction")
        person.type("QUIT\r")
        person.sees("signing off (1 message left)")
        assert person.wait() == 0
        drawn = person.text
    history = tmp_path / ".local/state/postane/talk-history"
    kept = [f".apop {box.name}", "STAT", "LIST", "RETR 1", "DELE 1", ".show 2", "QUIT"]
    assert history.read_text().splitlines() == kept
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    transcript = (tmp_path / "t.txt").read_text()
    assert f"C: APOP {box.name} ****\nS: +OK" in transcript
    assert transcript.endswith("signing off (1 message left)\n")
    assert b"\x1b[31mred" not in drawn.encode() + transcript.encode()
    for written in (drawn, transcript, history.read_text()):
        assert device.password not in written


def test_a_person_is_helped_and_may_make_mistakes(secured: Secured, box: Mailbox, tmp_path: Path):
    host, port = secured.office.pop3
    with Typist((*TALK, f"pop3://{host}:{port}"), tmp_path) as person:
        person.sees("POP3 authorization")
        person.type("us\t")
        person.sees("whose maildrop; PASS follows (RFC 1939 s7)")
        person.type(f"{box.name}\r")
        person.sees("send PASS")
        person.type(f"PASS {box.password[:3]}")
        person.sees("***")
        person.type("\x03")
        person.type("PASS tanstaaf\r")
        person.sees("S: -ERR")
        person.type(f"USER {box.name}\r")
        person.sees("send PASS")
        person.type("PASS\r")
        person.sees("Password:")
        person.type("wrong\r")
        person.sees("S: -ERR")
        person.type(".login " + box.name + " user\r")
        person.sees("Password of")
        person.type(f"{box.password}\r")
        person.sees("logged in by USER")
        person.type("STAT\r")
        person.sees("+OK 2")
        person.type("RETR \t")
        person.sees("2")
        person.type("\x15.help top\r")
        person.sees("TOP n lines: the header part of message n")
        person.type("NONSENSE\r")
        person.sees("-ERR unknown command")
        person.type(".nonsense\r")
        person.sees("there is no .nonsense")
        person.type("RETR \t")  # what completes has its prompt: Ctrl-D before it is lost
        person.sees("2")
        person.type("\x15\x04")
        person.sees("closed without QUIT")
        assert person.wait() == 0
        drawn = person.text
    history = (tmp_path / ".local/state/postane/talk-history").read_text()
    for secret in (box.password, "tanstaaf"):
        assert secret not in drawn
        assert secret not in history


def test_a_person_sees_that_the_server_has_gone(tmp_path: Path, secured: Secured):
    host, port = secured.office.pop3
    with Typist((*TALK, f"pop3://{host}:{port}", "--plain"), tmp_path) as person:
        person.sees("POP3 authorization")
        for word in ("ONE", "TWO", "THREE", "FOUR"):  # a server bears only so many before a login
            person.type(f"{word}\r")
            person.sees("-ERR")
        assert person.wait() == 69
        assert "postane: " in person.text
