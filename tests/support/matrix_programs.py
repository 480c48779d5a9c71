"""How the programs of the matrix are told what to do: curl, fetchmail, mpop, getmail, mutt, swaks, msmtp, GNU SASL."""

import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from .matrix import Protocol, Tls
from .matrix_visit import HOST, Client, Spoken, Visit
from .programs import require, run
from .terminal import run_on_terminal

ORDINARY_USER = "nobody"
"""Whom getmail runs as where the tests run as root: it delivers to nobody else."""


def spoken(
    command: Sequence[str | Path],
    visit: Visit,
    *,
    codes: tuple[int, ...] = (0,),
    given: bytes = b"",
    user: str | None = None,
) -> Spoken:
    """A program that prints its dialogue, and ends with one of these codes where it was let in."""
    done = run([require(str(command[0])), *command[1:]], given=given, expect=None, home=visit.home, user=user)
    return Spoken((done.stdout + b"\n" + done.stderr).decode(errors="replace"), done.returncode in codes)


def _write(file: Path, lines: Iterable[str]) -> str:
    file.write_text("\n".join(lines) + "\n")
    file.chmod(0o600)
    return str(file)


@functools.cache
def _about(program: str) -> str:
    done = run([require(program), "--version"], expect=None)
    return done.stdout.decode(errors="replace").lower()


def _curl(visit: Visit) -> Spoken:
    """`AUTH=+APOP` is how it calls what is no SASL mechanism."""
    scheme = {Protocol.POP3: "pop3", Protocol.SMTP: "smtp"}[visit.protocol] + "s" * (visit.tls is Tls.DIRECT)
    words = ["curl", "-q", "-sS", "-v", "-m", "30", "--cacert", visit.ca]
    words += ["--ssl-reqd"] if visit.tls is Tls.START else []
    words += ["-u", f"{visit.name}:", "--oauth2-bearer", visit.secret] if visit.is_token else []
    secret = "" if visit.certificate is not None else visit.secret  # with one it would not try EXTERNAL
    words += ["-u", f"{visit.name}:{secret}"] if not visit.is_token else []
    if visit.asked:
        words += ["--login-options", f"AUTH={'+' * (visit.asked == 'APOP')}{visit.asked}"]
    if visit.certificate is not None:
        words += ["--cert", visit.certificate.chain, "--key", visit.certificate.key]
    words += ["-X", "NOOP"] if visit.protocol is Protocol.SMTP else []
    return spoken([*words, f"{scheme}://{HOST}:{visit.port}/"], visit)


def _curl_lacks(asked: str) -> bool:
    return asked.startswith("SCRAM") and "gsasl" not in _about("curl")


def _fetchmail(visit: Visit) -> Spoken:
    tls = {
        Tls.NONE: "sslproto ''",
        Tls.START: f"sslproto 'auto' sslcertck sslcertfile '{visit.ca}' sslcommonname {HOST}",
        Tls.DIRECT: f"ssl sslcertck sslcertfile '{visit.ca}' sslcommonname {HOST}",
    }[visit.tls]
    lines = [
        f"poll {HOST} via 127.0.0.1 service {visit.port} protocol {visit.asked or 'POP3'}",
        f'user "{visit.name}" password "{visit.secret}" is "me" here mda "cat" keep {tls}',
    ]
    files = ["-f", _write(visit.home / "rc", lines), "-i", visit.home / "ids", "--pidfile", visit.home / "pid"]
    nothing_new = 1
    return spoken(["fetchmail", "--nosyslog", "-d", "0", "-v", "-v", "-c", *files], visit, codes=(0, nothing_new))


def _gnutls(visit: Visit, settings: dict[str, str]) -> str:
    """The configuration of mpop and of msmtp, which are brothers."""
    settings = {
        "host": HOST,
        "port": str(visit.port),
        "user": visit.name,
        "password": visit.secret,
        "tls": "off" if visit.tls is Tls.NONE else "on",
        "tls_starttls": "on" if visit.tls is Tls.START else "off",
        "tls_trust_file": str(visit.ca),
        **settings,
    }
    if visit.certificate is not None:
        settings |= {"tls_cert_file": str(visit.certificate.chain), "tls_key_file": str(visit.certificate.key)}
    return _write(visit.home / "rc", ["account default", *(f"{key} {value}" for key, value in settings.items())])


def _mpop(visit: Visit) -> Spoken:
    settings = {"delivery": f"mbox {visit.home / 'box'}", "uidls_file": str(visit.home / "uidls")}
    settings |= {"auth": visit.asked.lower()} if visit.asked else {}
    return spoken(["mpop", "-C", _gnutls(visit, settings), "-d", "-A"], visit)


def _msmtp(visit: Visit) -> Spoken:
    settings = {"from": f"{visit.name}@postane.test", "auth": visit.asked.lower() if visit.asked else "on"}
    command = ["msmtp", "-C", _gnutls(visit, settings), "-d", f"{visit.name}@postane.test"]
    return spoken(command, visit, given=b"Subject: matrix\n\nHello\n")


def _lacks(program: str) -> Callable[[str], bool]:
    return lambda asked: asked.lower() not in _about(program)


def _getmail(visit: Visit) -> Spoken:
    """It prints nothing of what it says, but its errors."""
    kind = "SimplePOP3SSLRetriever" if visit.tls is Tls.DIRECT else "SimplePOP3Retriever"
    folder = Path(tempfile.mkdtemp(dir=visit.home))
    lines = [
        f"[retriever]\ntype = {kind}\nserver = {HOST}\nport = {visit.port}",
        f"username = {visit.name}\npassword = {visit.secret}\nuse_apop = {visit.asked == 'APOP'}",
        *([f"ca_certs = {visit.ca}"] if visit.tls is Tls.DIRECT else []),
        f"[destination]\ntype = Mboxrd\npath = {folder / 'box'}\n[options]\nread_all = false\ndelete = false",
    ]
    _write(folder / "getmailrc", lines)
    (folder / "box").touch()
    user = ORDINARY_USER if os.geteuid() == 0 else None
    for path in (folder, folder / "getmailrc", folder / "box") if user else ():
        shutil.chown(path, user)
    return spoken(["getmail", "--getmaildir", folder], visit, user=user)


def _mutt(visit: Visit) -> Spoken:
    """It writes its dialogue into a file, and shows an empty box where it was not let in."""
    scheme = "pops" if visit.tls is Tls.DIRECT else "pop"
    (visit.home / "Mail").mkdir(exist_ok=True)  # else it asks whether to make it
    secret = visit.home / "secret"
    _write(secret, [visit.secret])
    lines = [
        f'set pop_user="{visit.name}" pop_checkinterval=0 pop_delete=no sleep_time=0 quit=yes ssl_force_tls=no',
        f'set ssl_starttls={"yes" if visit.tls is Tls.START else "no"} certificate_file="{visit.ca}"',
        f'set pop_oauth_refresh_command="cat {secret}"' if visit.is_token else f'set pop_pass="{visit.secret}"',
        *([f'set pop_authenticators="{visit.asked.lower()}"'] if visit.asked else []),
        'push "<quit>"',
    ]
    rc, debug = _write(visit.home / "rc", lines), visit.home / ".muttdebug0"
    debug.unlink(missing_ok=True)
    url = f"{scheme}://{HOST}:{visit.port}/"
    run_on_terminal([require("mutt"), "-n", "-d", "2", "-F", rc, "-f", url], visit.home)
    text = debug.read_text(errors="replace")
    return Spoken(text, "> STAT" in text)


def _swaks(visit: Visit) -> Spoken:
    tls = {Tls.NONE: [], Tls.START: ["-tls"], Tls.DIRECT: ["-tlsc"]}[visit.tls]
    words = ["swaks", "-n", "--timeout", "20", "--helo", "client.test", "--protocol", "ESMTP", "--quit-after", "AUTH"]
    words += [
        "--server",
        HOST,
        "--port",
        str(visit.port),
        *tls,
        *(["--tls-verify", "--tls-ca-path", visit.ca] if tls else []),
    ]
    words += ["--auth", visit.asked or "ANY", "--auth-user", visit.name, "--auth-password", visit.secret]
    return spoken(words, visit)


def _gsasl(visit: Visit) -> Spoken:
    """With TLS 1.3 it binds to what our side cannot know, so it is asked for -PLUS with TLS 1.2, and else not to bind;
    where it chooses for itself it does as it likes."""
    words = ["gsasl", "--verbose", "--smtp", "-a", visit.name, "-z", visit.name, "-p", visit.secret]
    words += [f"--connect={HOST}:{visit.port}"]
    words += ["--no-starttls"] if visit.tls is Tls.NONE else [f"--x509-ca-file={visit.ca}", "--starttls"]
    if visit.asked:
        is_plus = visit.asked.endswith("-PLUS")
        words += ["-m", visit.asked, "--priority=NORMAL:-VERS-TLS1.3" if is_plus else "--no-cb"]
    return spoken(words, visit)


GNUTLS = r"\((?P<version>TLS1\.\d)\)-(?P<cipher>\S+)"
OWN = r"^m(?:pop|smtp): (?!error during|could not send|account)(.*)"

PROGRAMS = {
    "curl": Client(
        "curl", ("--version",), _curl, secured=r"connection using (?P<version>\S+) / (?P<cipher>\S+)", lacks=_curl_lacks
    ),
    "fetchmail": Client(
        "fetchmail",
        ("--version",),
        _fetchmail,
        sent=r"^fetchmail: \w+> (.*)",
        heard=r"^fetchmail: \w+< (.*)",
        secured=r"using protocol (?P<version>\S+), cipher (?P<cipher>[^,]+)",
    ),
    "mpop": Client(
        "mpop", ("--version",), _mpop, r"^--> (.*)", r"^<-- (.*)", secured=GNUTLS, own=OWN, lacks=_lacks("mpop")
    ),
    "msmtp": Client(
        "msmtp", ("--version",), _msmtp, r"^--> (.*)", r"^<-- (.*)", secured=GNUTLS, own=OWN, lacks=_lacks("msmtp")
    ),
    "getmail": Client("getmail", ("--version",), _getmail, heard=r"(-ERR .*)'", default="USER"),
    "mutt": Client(
        "mutt",
        ("-v",),
        _mutt,
        r"\] \d*> (.*)",
        r"\] \d*< (.*)",
        secured=r"using (?P<version>TLS\S+) \((?P<cipher>\S+)\)",
        own=r"\] (No authenticators available|.*failed.*)",
    ),
    "swaks": Client(
        "swaks",
        ("--version",),
        _swaks,
        r"^ [-~]> (.*)",
        r"^<\S+ +(.*)",
        secured=r"TLS started with cipher (?P<version>[^:]+):(?P<cipher>[^:]+)",
    ),
    "gsasl": Client("gsasl", ("--version",), _gsasl, r"^(AUTH .*)", r"^(\d{3} .*)", secured=r"session info: " + GNUTLS),
}
"""By the name that the cases give them."""
