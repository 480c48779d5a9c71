"""Real servers that hold accounts, started by the tests on loopback: PostgreSQL and OpenLDAP's slapd.

Each lives in a temporary folder of its own and is stopped by its pid. `postgres()` and `slapd()` give one for all tests
of this process that do not disturb it; a test that stops its engine makes one of its own.
"""

import atexit
import base64
import contextlib
import datetime
import functools
import hashlib
import ipaddress
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support import processes, programs

TIME = 60.0
"""Seconds that a server may take to answer after its start."""


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


ORPHANS = 'cat >/dev/null; kill -INT "$1"; while kill -0 "$1" 2>/dev/null; do sleep 0.1; done; rm -rf "$2"'
"""Waits for the end of its input, which comes however the tests end, and then stops a server and removes its folder."""


class Engine:
    """A server that can be stopped and started again over the same data."""

    def __init__(self, user: str | None) -> None:
        self.user = user
        self.folder = Path(tempfile.mkdtemp(prefix="postane-engine-", dir=Path(tempfile.gettempdir()).resolve()))
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        if user is not None:
            shutil.chown(self.folder, user)
        atexit.register(self.remove)

    def command(self) -> Sequence[str | Path]:
        """What runs in the foreground until it is stopped."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it can be asked."""
        raise NotImplementedError

    def start(self) -> None:
        """Returns when it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=self.user,
                group=pwd.getpwnam(self.user).pw_gid if self.user else None,
                extra_groups=[] if self.user else None,
                start_new_session=True,
            )
        guard = ["/bin/sh", "-c", ORPHANS, "guard", str(self._process.pid), self.folder]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        until = time.monotonic() + TIME
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError(
                    f"{self.command()[0]} does not start:\n{(self.folder / 'log').read_text()[-3000:]}"
                )
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Returns when it has ended."""
        process, self._process = self._process, None
        guard, self._guard = self._guard, None
        if guard is not None and guard.stdin is not None:
            guard.kill()
            guard.wait()
            guard.stdin.close()
        if process is not None:
            process.send_signal(how)
            process.wait(TIME)

    def pause(self) -> None:
        """From now on it says nothing: a thread that runs when the signal comes may still say something."""
        self._signal_all(signal.SIGSTOP)
        assert self._process is not None
        until = time.monotonic() + TIME
        while not all(map(_is_stopped, (self._process.pid, *processes.children(self._process.pid)))):
            assert time.monotonic() < until, "the signal has come"
            time.sleep(0.01)

    def resume(self) -> None:
        """It speaks again."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, what: signal.Signals) -> None:
        assert self._process is not None
        for pid in (self._process.pid, *processes.children(self._process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, what)

    def remove(self) -> None:
        """Stop it and remove what it wrote."""
        atexit.unregister(self.remove)
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(Engine):
    """A PostgreSQL server with an empty database `postgres`. Whoever can connect may do everything."""

    def __init__(self) -> None:
        self.programs = _postgres_programs()
        super().__init__("postgres" if os.geteuid() == 0 else None)  # the server refuses to run as root
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        where = ["-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"]
        programs.run([self.programs / "initdb", *where], home=self.folder, user=self.user)

    def command(self) -> Sequence[str | Path]:
        settings = ["listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=", "fsync=off"]
        words = [word for setting in settings for word in ("-c", setting)]
        return [self.programs / "postgres", "-D", self.folder / "data", *words]

    def answers(self) -> bool:
        ready = [self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return programs.run(ready, expect=None).returncode == 0

    def sql(self, text: str, **values: str) -> str:
        """Carry out SQL, in which `:'name'` is a value, and return what it gave: a line for each row."""
        given = [word for name, value in values.items() for word in ("-v", f"{name}={value}")]
        command = [self.programs / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *given, self.url]
        return programs.run(command, given=text.encode()).stdout.decode().rstrip("\n")


def _postgres_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else Path(programs.require("initdb")).parent


class Slapd(Engine):
    """An OpenLDAP server with people below `base`. Everybody may search, nobody may read a password.

    `url` takes StartTLS; `ldaps` is TLS from the first octet; `ldapi` is a socket. `ca` has signed its certificate.
    """

    base = "ou=people,dc=example,dc=org"
    admin = "cn=admin,dc=example,dc=org"
    password = "secret of the directory"

    def __init__(self) -> None:
        self.program = programs.require("slapd")
        for program in ("ldapmodify", "ldapsearch"):
            programs.require(program)
        super().__init__(None)
        ports = free_port(), free_port()
        self.url, self.ldaps = f"ldap://127.0.0.1:{ports[0]}", f"ldaps://127.0.0.1:{ports[1]}"
        self.ldapi = f"ldapi://{str(self.folder / 'socket').replace('/', '%2F')}"
        self.ca = certify(self.folder)
        (self.folder / "data").mkdir()
        (self.folder / "slapd.conf").write_text(self._configuration())

    def command(self) -> Sequence[str | Path]:
        urls = f"{self.url} {self.ldaps} {self.ldapi}"
        return [self.program, "-d", "0", "-f", self.folder / "slapd.conf", "-h", urls]

    def answers(self) -> bool:
        return programs.run(["ldapsearch", "-x", "-H", self.ldapi, "-b", "", "-s", "base"], expect=None).returncode == 0

    def prepare(self) -> None:
        """Make the top of the tree."""
        self.change("dn: dc=example,dc=org\nchangetype: add\nobjectClass: dcObject\nobjectClass: organization\no: us\n")
        self.change(f"dn: {self.base}\nchangetype: add\nobjectClass: organizationalUnit\n")

    def change(self, ldif: str, *, expect: int | None = 0) -> None:
        """Carry out changes, as LDIF (RFC 2849)."""
        command = ["ldapmodify", "-x", "-H", self.ldapi, "-D", self.admin, "-w", self.password]
        programs.run(command, given=ldif.encode(), expect=expect)

    def everybody(self) -> list[str]:
        """The DNs of all people."""
        found = programs.run(
            ["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", self.ldapi, "-b", self.base, "-s", "one", "1.1"]
        )
        return [line for line in found.stdout.decode().splitlines() if line.startswith("dn:")]

    def _configuration(self) -> str:
        schemas = next(path for path in map(Path, SCHEMAS) if (path / "core.schema").exists())
        modules = next((path for path in map(Path, MODULES) if list(path.glob("back_mdb*"))), None)
        lines = [f"include {schemas / name}.schema" for name in ("core", "cosine", "inetorgperson")]
        lines += [f"modulepath {modules}", "moduleload back_mdb"] if modules else []
        lines += [
            f"TLSCertificateFile {self.folder / 'server.pem'}",
            f"TLSCertificateKeyFile {self.folder / 'server.key'}",
        ]
        lines += [f"pidfile {self.folder / 'pid'}", "database mdb", 'suffix "dc=example,dc=org"']
        lines += [
            f'rootdn "{self.admin}"',
            f'rootpw "{self.password}"',
            f"directory {self.folder / 'data'}",
            "dbnosync",
        ]
        lines += ["index objectClass,uid eq", "access to attrs=userPassword by anonymous auth by * none"]
        return "\n".join([*lines, "access to * by * read", ""])


SCHEMAS = ("/etc/ldap/schema", "/etc/openldap/schema", "/opt/homebrew/etc/openldap/schema")
MODULES = ("/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap")


def ssha(password: bytes, salt: bytes = b"saltsalt") -> str:
    """A hash as directories keep them."""
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password + salt).digest() + salt).decode()


@functools.cache
def postgres() -> Postgres:
    """One for all; each user makes tables, or a schema, of its own."""
    engine = Postgres()
    engine.start()
    return engine


@functools.cache
def slapd() -> Slapd:
    """One for all, with nobody in it."""
    engine = Slapd()
    engine.start()
    engine.prepare()
    return engine


def certify(folder: Path) -> Path:
    """Make `server.pem` and `server.key` for 127.0.0.1, signed by an authority of its own, whose file is returned."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("Postane's tests", authority_key, "Postane's tests", authority_key)
    signed = _certificate("Postane's tests", authority_key, "127.0.0.1", key)
    form = serialization.PrivateFormat.PKCS8
    for name, octets in (
        ("ca.pem", authority.public_bytes(serialization.Encoding.PEM)),
        ("server.pem", signed.public_bytes(serialization.Encoding.PEM)),
        ("server.key", key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())),
    ):
        (folder / name).write_bytes(octets)
    return folder / "ca.pem"


def _certificate(
    issuer: str, issuer_key: ec.EllipticCurvePrivateKey, subject: str, key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    is_authority = issuer == subject
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(_usage(is_authority), critical=True)
    )
    if not is_authority:
        names = [x509.IPAddress(ipaddress.ip_address(subject))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(is_authority: bool) -> x509.KeyUsage:
    nothing = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
    )
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        decipher_only=False,
        **nothing,
    )


def _is_stopped(pid: int) -> bool:
    """Whether no thread of it runs; where the system does not tell, it is taken to be so."""
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):
            if task.read_text().rpartition(")")[2].split()[0] not in "TtZX":
                return False
    return True
