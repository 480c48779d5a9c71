"""EXTERNAL: whoever shows a certificate is who it names, and nobody else ever is (CVE-2019-3814 and its kin)."""

import base64
import smtplib
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from postane.net.tls import Certificate
from support.certificates import LOCALHOST, Authority, Wish, client_context
from support.corpus import corpus
from support.postoffice import Mailbox, PostOffice, wait_until
from support.programs import require, run
from support.tls import POP3S, STARTTLS, STLS, TlsTalk

pytestmark = pytest.mark.interop

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
BOTH = pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
DOORS = {"pop3s": ("pop3s", POP3S), "STLS": ("pop3", STLS), "smtps": ("smtps", POP3S), "STARTTLS": ("smtp", STARTTLS)}
EVERY_DOOR = pytest.mark.parametrize(("service", "begin"), DOORS.values(), ids=DOORS)
AN_OTHER_NAME = "other.example"
PATIENT = {"lockout_after": 0, "failure_delay": "20ms"}
"""Many are refused here on purpose, all from one address."""


class Club:
    """A server that asks for certificates, its authority, and members."""

    def __init__(self, folder: Path, policy: str) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        own = self.authority.issue("own", LOCALHOST)
        more = self.authority.issue("more", Wish(dns=[AN_OTHER_NAME]))
        listen = {"listen": ["127.0.0.1:0"]}
        tls = {"certificate": str(own.chain), "key": str(own.key), "client_ca": str(self.authority.path)}
        tls |= {"client_certificates": policy, "client_name": "email"}
        self.office = PostOffice({"pop3s": listen, "smtps": listen, "auth": PATIENT, "tls": tls})
        sni = f'[[tls.sni]]\ncertificate = "{more.chain}"\nkey = "{more.key}"\n'
        self.office.config.write_text(self.office.config.read_text() + sni)
        self.anna = Mailbox("anna@example.org", "pw-anna")
        self.bob = Mailbox("bob@example.org", "pw-bob")

    def start(self) -> None:
        """Open, with two members."""
        self.office.start()
        for box in (self.anna, self.bob):
            self.office.run_forked("user add", box.name, "--password-stdin", given=f"{box.password}\n".encode())

    def member(self, *emails: str, wish: Wish | None = None, authority: Authority | None = None) -> Certificate:
        """A client's certificate."""
        wish = replace(wish or Wish(), emails=emails, is_for_clients=True)
        return (authority or self.authority).issue("member-" + "-".join(emails).replace("@", "."), wish)

    def talk(
        self,
        shown: Certificate | None,
        service: str = "pop3s",
        begin: tuple[bytes, ...] = POP3S,
        version: ssl.TLSVersion | None = None,
        name: str = "localhost",
    ) -> TlsTalk:
        """A conversation in which a certificate is shown, or none."""
        context = client_context(self.authority.path, shown, version)
        return TlsTalk(self.office.address(service), context, begin, name=name)


def external(talk: TlsTalk, service: str, name: str | None = None) -> bytes:
    """The last word of an exchange."""
    if "smtp" in service:
        talk.send(b"EHLO c\r\n")
        talk.reply()
    return talk.ask(b"AUTH EXTERNAL " + (base64.b64encode((name or "").encode()) or b"="))


def is_in(answer: bytes) -> bool:
    assert answer[:3] in (b"+OK", b"-ER", b"235", b"535", b"504", b"501"), answer
    return answer.startswith((b"+OK", b"235"))


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Club]:
    """Certificates are welcome."""
    club = Club(tmp_path_factory.mktemp("club"), "optional")
    try:
        club.start()
        yield club
        club.office.stop()
    finally:
        club.office.kill()
        club.office.discard()


@EVERY_DOOR
@BOTH
def test_who_shows_it_is_in(club: Club, service: str, begin: tuple[bytes, ...], version: ssl.TLSVersion) -> None:
    shown = club.member("Anna@Example.org")
    for name in (None, "anna@example.org"):
        with club.talk(shown, service, begin, version) as talk:
            assert is_in(external(talk, service, name))


def test_it_is_announced_to_whoever_can_use_it(club: Club) -> None:
    for shown, is_announced in ((club.member("anna@example.org"), True), (None, False), (club.member(), False)):
        with club.talk(shown) as talk:
            talk.ask(b"CAPA")
            sasl = [line for line in talk.body().splitlines() if line.startswith(b"SASL ")]
            assert any(b" EXTERNAL" in line for line in sasl) is is_announced


@EVERY_DOOR
@BOTH
def test_nobody_is_somebody_else(club: Club, service: str, begin: tuple[bytes, ...], version: ssl.TLSVersion) -> None:
    shown = club.member("anna@example.org")
    with club.talk(shown, service, begin, version) as talk:
        assert not is_in(external(talk, service, "bob@example.org"))
        assert is_in(external(talk, service, "anna@example.org")), "the session is usable still"


@pytest.mark.parametrize("name", [None, "anna@example.org", "anna", "bob@example.org"])
@EVERY_DOOR
@pytest.mark.parametrize(
    ("emails", "wish"),
    [
        ((), Wish(common="anna@example.org")),
        ((), Wish(dns=["anna.example.org"])),
        (("anna@example.org", "bob@example.org"), Wish()),
        (("carol@example.org",), Wish()),
        (("anna@example.org.evil.example",), Wish()),
        (("anna",), Wish(subject_email="bob@example.org")),
    ],
    ids=["no such name", "another kind", "two names", "no account", "a longer name", "two that disagree"],
)
def test_a_certificate_without_the_expected_name_opens_nothing(
    club: Club, service: str, begin: tuple[bytes, ...], emails: tuple[str, ...], wish: Wish, name: str | None
) -> None:
    if emails == ("anna",):
        emails = ("anna@example.org",)
    with club.talk(club.member(*emails, wish=wish), service, begin) as talk:
        assert not is_in(external(talk, service, name))


@EVERY_DOOR
@BOTH
@pytest.mark.parametrize("name", ["localhost", AN_OTHER_NAME], ids=["its name", "a name of SNI"])
@pytest.mark.parametrize("kind", ["of another authority", "expired", "not yet good", "signed by itself"])
def test_a_certificate_that_is_not_good_ends_the_handshake(
    club: Club, service: str, begin: tuple[bytes, ...], version: ssl.TLSVersion, name: str, kind: str
) -> None:
    match kind:
        case "of another authority":
            shown = club.member("anna@example.org", authority=Authority(_folder(club, kind), "authority"))
        case "expired":
            shown = club.member("anna@example.org", wish=Wish(ends=-0.1))
        case "not yet good":
            shown = club.member("anna@example.org", wish=Wish(begins=1))
        case _:
            own = Authority(_folder(club, kind), "anna@example.org")
            shown = club.member("anna@example.org", authority=own)
    with pytest.raises((ssl.SSLError, OSError, AssertionError)):
        _knock(club, shown, service, begin, version, name)


def _folder(club: Club, kind: str) -> Path:
    folder = club.folder / kind.replace(" ", "-")
    folder.mkdir(exist_ok=True)
    return folder


def _knock(
    club: Club,
    shown: Certificate | None,
    service: str,
    begin: tuple[bytes, ...],
    version: ssl.TLSVersion,
    name: str = "localhost",
) -> None:
    """Raises where the server ends it. In TLS 1.3 the client's handshake is over before the server has looked."""
    context = client_context(club.authority.path, shown, version)
    context.check_hostname = name == "localhost"
    with TlsTalk(club.office.address(service), context, begin, name=name) as talk:
        assert talk.ask(b"NOOP"), "it has closed"


def test_without_one_a_password_does(club: Club) -> None:
    with club.talk(None) as talk:
        assert not is_in(external(talk, "pop3s", "anna@example.org"))
        assert talk.ask(f"USER {club.anna.name}".encode()).startswith(b"+OK")
        assert talk.ask(f"PASS {club.anna.password}".encode()).startswith(b"+OK")


def test_what_was_shown_counts_in_a_session_that_is_gone_on_with(club: Club) -> None:
    shown = club.member("anna@example.org")
    for version in (V12, V13):
        context = client_context(club.authority.path, shown, version)
        with TlsTalk(club.office.address("pop3s"), context) as first:
            session = first.secured.session
        for _ in range(6):
            with TlsTalk(club.office.address("pop3s"), context, session=session) as talk:
                assert talk.secured.session_reused
                assert not is_in(external(talk, "pop3s", "bob@example.org"))
                assert is_in(external(talk, "pop3s"))
                assert talk.ask(b"QUIT").startswith(b"+OK")


def test_a_disabled_account_is_closed_to_its_certificate(club: Club) -> None:
    club.office.run("user add", "dora@example.org", "--generate")
    shown = club.member("dora@example.org")
    with club.talk(shown) as talk:
        assert is_in(external(talk, "pop3s"))
        assert talk.ask(b"QUIT").startswith(b"+OK")
    club.office.run_forked("user disable", "dora@example.org")
    with club.talk(shown) as talk:
        assert not is_in(external(talk, "pop3s"))


# Other people's clients


def test_curl_reads_and_sends(club: Club) -> None:
    curl, shown = require("curl"), club.member("bob@example.org")
    club.office.put(club.bob, corpus()[0].octets)
    host, port = club.office.address("pop3s")
    tls = ["--cacert", club.authority.path, "--cert", shown.chain, "--key", shown.key]
    external_only = ["--login-options", "AUTH=EXTERNAL", "--user", "bob@example.org:"]
    read = run([curl, "-sS", *tls, *external_only, f"pop3s://{host}:{port}/1"]).stdout
    assert read.endswith(corpus()[0].octets)
    wrong = ["--login-options", "AUTH=EXTERNAL", "--user", "anna@example.org:"]
    assert run([curl, "-sS", *tls, *wrong, f"pop3s://{host}:{port}/1"], expect=None).returncode == 67
    host, port = club.office.smtp
    envelope = ["--mail-from", "bob@example.org", "--mail-rcpt", "anna@example.org", "-T", "-"]
    run([curl, "-sS", "--ssl-reqd", *tls, *external_only, *envelope, f"smtp://{host}:{port}"], given=b"Subject: x\r\n")


def test_pythons_smtplib(club: Club) -> None:
    shown = club.member("anna@example.org")
    with smtplib.SMTP("localhost", club.office.smtp[1], timeout=20) as smtp:
        smtp.starttls(context=client_context(club.authority.path, shown))
        smtp.ehlo()
        assert "EXTERNAL" in smtp.esmtp_features["auth"]
        assert smtp.docmd("AUTH", "EXTERNAL =")[0] == 235


def test_mpop(club: Club, tmp_path: Path) -> None:
    shown = club.member("anna@example.org")
    club.office.put(club.anna, corpus()[0].octets)
    (tmp_path / "got").mkdir()
    for part in ("cur", "new", "tmp"):
        (tmp_path / "got" / part).mkdir()
    port = club.office.address("pop3s")[1]
    control = tmp_path / "mpoprc"
    settings = {
        **{"host": "localhost", "port": port, "tls": "on", "tls_starttls": "off", "auth": "external"},
        **{"tls_trust_file": club.authority.path, "tls_cert_file": shown.chain, "tls_key_file": shown.key},
        **{"user": "anna@example.org", "keep": "off", "received_header": "off"},
        **{"delivery": f"maildir {tmp_path}/got", "uidls_file": tmp_path / "uidls"},
    }
    control.write_text("account default\n" + "".join(f"{key} {value}\n" for key, value in settings.items()))
    control.chmod(0o600)
    run([require("mpop"), "-C", control], home=tmp_path)
    assert len(list((tmp_path / "got" / "new").iterdir())) >= 1


# Required


def test_where_one_is_required_nobody_comes_in_without(tmp_path: Path) -> None:
    club = Club(tmp_path, "required")
    try:
        club.start()
        shown = club.member("anna@example.org")
        for service, begin in DOORS.values():
            for version in (V12, V13):
                for name in ("localhost", AN_OTHER_NAME):
                    with pytest.raises((ssl.SSLError, OSError, AssertionError)):
                        _knock(club, None, service, begin, version, name)
                    _knock(club, shown, service, begin, version, name)
        openssl = [require("openssl"), "s_client", "-connect", "{}:{}".format(*club.office.address("pop3s")), "-quiet"]
        done = subprocess.run(openssl, input=b"QUIT\r\n", capture_output=True, timeout=20)
        assert b"+OK" not in done.stdout
        wait_until(lambda: "peer did not return a certificate" in club.office.log.read_text(), "the log tells why")
        club.office.stop()
    finally:
        club.office.kill()
        club.office.discard()
