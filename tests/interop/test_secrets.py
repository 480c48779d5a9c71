"""No secret is told: every mechanism is tried with marked ones, wrong, broken and oversize, and the log tells all."""

import base64
import hashlib
from collections.abc import Iterator

import pytest

from support.postoffice import PostOffice
from support.talk import Talk

pytestmark = pytest.mark.interop

MARK = "Zq7marked9"
MECHANISMS = ("PLAIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2", "EXTERNAL")


@pytest.fixture(scope="module", params=["json", "text"])
def office(request: pytest.FixtureRequest) -> Iterator[PostOffice]:
    """A server whose log tells everything."""
    auth = {"failure_delay": "0s", "lockout_after": 0}
    with PostOffice({"log": {"level": "debug", "format": request.param}, "auth": auth}) as office:
        yield office


def claims(name: str) -> list[bytes]:
    """What may be said where a mechanism wants something; in each there is the mark."""
    secret = MARK.encode()
    texts = (
        b"\0" + name.encode() + b"\0" + secret,
        name.encode() + b"\0" + secret,
        secret,
        b"n,a=" + name.encode() + b",\1auth=Bearer " + secret + b"\1\1",
        b"user=" + name.encode() + b"\1auth=Bearer " + secret + b"\1\1",
        b"c=biws,r=nonce,p=" + base64.b64encode(secret),
        secret * 3000,
    )
    return [base64.b64encode(text) for text in texts] + [secret, secret + b"===", b"\xff" + secret]


def traces() -> list[bytes]:
    """How the mark would look in a text, in whatever form."""
    encoded = [base64.b64encode(b"x" * shift + MARK.encode())[4:12] for shift in (1, 2, 3)]
    return [MARK.encode(), MARK.encode().hex().encode(), hashlib.md5(MARK.encode()).hexdigest().encode(), *encoded]


@pytest.mark.parametrize("service", ["pop3", "smtp"])
def test_marked_secrets(office: PostOffice, service: str) -> None:
    box = office.fresh()
    said = b""
    tries = [b"USER %s\r\nPASS %s" % (box.name.encode(), MARK.encode()), b"PASS " + MARK.encode()]
    tries += [b"APOP %s %s" % (box.name.encode(), MARK.encode()), b"PASS" + MARK.encode(), b"PASS " + b"x" * 300]
    first = base64.b64encode(box.name.encode())
    tries += [b"AUTH LOGIN\r\n%s\r\n%s" % (first, claim) for claim in claims(box.name)]
    tries += [b"AUTH LOGIN %s\r\n%s" % (first, claim) for claim in claims(box.name)]
    for mechanism in MECHANISMS:
        for claim in claims(box.name):
            tries += [b"AUTH %s %s" % (mechanism.encode(), claim)]
            tries += [b"AUTH %s\r\n%s\r\n%s" % (mechanism.encode(), claim, claim)]
    for number, words in enumerate(tries):
        source = f"127.0.{8 + number // 250}.{1 + number % 250}"
        with Talk(office.address(service), source=source) as talk:
            talk.send((b"EHLO x\r\n" if service == "smtp" else b"") + words + b"\r\n*\r\nQUIT\r\n")
            talk.socket.shutdown(1)
            while octets := talk.socket.recv(65536):
                said += octets
    sessions = office.run("sessions", "--json").stdout
    for trace in traces():
        for place, octets in (("log", office.log.read_bytes()), ("replies", said), ("sessions", sessions)):
            lines = [line for line in octets.splitlines() if trace in line]
            assert not lines, f"{trace!r} is in the {place}"
    assert b"login refused" in office.log.read_bytes()
