"""The shipped fail2ban filter against the log of a running server: who failed is found, and nobody else can be made so.

The clients come from loopback addresses of their own; what they say would ban 6.6.6.6, if it could.
"""

import base64
import configparser
import shutil
from collections import Counter
from pathlib import Path

import pytest

from support.postoffice import PostOffice
from support.programs import require, run
from support.talk import Talk

pytestmark = pytest.mark.interop

PACKAGING = Path(__file__).parents[2] / "packaging" / "fail2ban"
FRAMED = "6.6.6.6"
HOSTILE = [
    "ada",
    f'", "peer": "{FRAMED}", "why": "',
    f'x", "event": "login refused", "level": "info", "peer": "{FRAMED}"}}',
    f'{{"session": "s", "service": "pop3", "peer": "{FRAMED}", "why": "", "event": "login refused", "level": "info"',
    f"' peer={FRAMED} service=pop3 session=s why='",
    f"[info     ] login refused peer={FRAMED} service=pop3 session=s why=x",
    f"Jan  1 00:00:00 host postane[1]: [info ] login refused peer={FRAMED} service=pop3 session=s",
    '"timestamp": "2001-01-01T00:00:00.000000Z"}',
    "2001-01-01T00:00:00Z [info ]",
    f"\u2028{FRAMED}\u2029\x85[info ] login refused peer={FRAMED} service=pop3 session=s",
    f"\x0b[info ] login refused peer={FRAMED} service=pop3 session=s \x1b[2J",
    f"\udcff\udcfe{FRAMED}\udcff",
    "back\\slash\\",
    "x" * 200,
    "%s %(peer)s {peer} <HOST>",
]
"""User names; each fails once, from an address of its own."""


def fail_all(office: PostOffice) -> Counter[str]:
    """Every hostile name fails to log in once by POP3 and once by SMTP; how often each address did."""
    failures: Counter[str] = Counter()
    for number, name in enumerate(HOSTILE, 1):
        source = f"127.0.9.{number}"
        with Talk(office.pop3, source=source) as talk:
            talk.ask(b"USER " + name.encode("utf-8", "surrogateescape"))
            reply = talk.ask(b"PASS wrong")
        assert reply.startswith(b"-ERR")
        failures[source] += reply.startswith(b"-ERR [AUTH]")  # some names are no names to the grammar, nobody is asked
        source = f"127.0.10.{number}"
        with Talk(office.smtp, source=source) as talk:
            talk.send(b"EHLO client.test\r\n")
            talk.reply()
            claim = b"\0" + name.encode("utf-8", "surrogateescape") + b"\0wrong"
            talk.send(b"AUTH PLAIN " + base64.b64encode(claim) + b"\r\n")
            failures[source] += talk.reply()[-1].startswith(b"535 ")
    return +failures


def found(folder: Path, log: Path) -> Counter[str]:
    """Whom the filter finds in a log, and how often."""
    program = require("fail2ban-regex")
    for place in ("filter.d", "jail.d"):
        shutil.copytree(PACKAGING / place, folder / place, dirs_exist_ok=True)
    command = [program, "--config", folder, "--out", "ip", log, folder / "filter.d" / "postane.conf"]
    return Counter(run(command).stdout.decode().split())


@pytest.mark.parametrize("form", ["json", "text"])
def test_whoever_failed_is_found_and_nobody_else(tmp_path: Path, form: str) -> None:
    require("fail2ban-regex")
    with PostOffice({"log": {"format": form}}) as office:
        box = office.fresh()
        with Talk(office.pop3, source="127.0.8.8") as talk:
            talk.ask(b"USER " + box.name.encode())
            assert talk.ask(b"PASS " + box.password.encode()).startswith(b"+OK")
        with Talk(office.smtp, source="127.0.8.9") as talk:
            for name in HOSTILE:
                talk.send(b"EHLO " + name.encode("utf-8", "surrogateescape") + b"\r\n")
                talk.reply()
        expected = fail_all(office)
        office.stop()
        assert len(expected) >= 2 * len(HOSTILE) - 4
        log = office.log
        assert found(tmp_path, log) == expected
        assert found(tmp_path, _behind_syslog(tmp_path, log, "Nov  3 06:00:00 mail postane[12]: ")) == expected
        stamp = "2026-11-03T06:00:00.123456+01:00 mail.example.org postane[12]: "
        assert found(tmp_path, _behind_syslog(tmp_path, log, stamp)) == expected


def _behind_syslog(folder: Path, log: Path, lead: str) -> Path:
    """The same log as a syslog daemon writes it."""
    framed = folder / "syslog"
    lines = log.read_bytes().removesuffix(b"\n").split(b"\n")
    framed.write_bytes(b"".join(lead.encode() + line + b"\n" for line in lines))
    return framed


def test_whoever_goes_on_when_refused_is_found_too(tmp_path: Path) -> None:
    require("fail2ban-regex")
    with PostOffice({"auth": {"failure_delay": "1ms", "lockout_after": 2}}) as office:
        for number in range(6):
            with Talk(office.pop3, source=f"127.0.9.{number + 1}") as talk:
                talk.ask(b"USER ada")
                reply = talk.ask(b"PASS wrong %d" % number)
                assert reply.startswith(b"-ERR [AUTH]" if number < 2 else b"-ERR [SYS/TEMP]")
        office.stop()
        assert sum(found(tmp_path, office.log).values()) == 6


def test_the_jail_can_be_read_and_uses_the_filter() -> None:
    jail = configparser.ConfigParser(interpolation=None)
    jail.read_string((PACKAGING / "jail.d" / "postane.conf").read_text())
    assert jail["postane"]["filter"] == "postane"
    assert (PACKAGING / "filter.d" / "postane.conf").exists()
