"""Dovecot, started by a test in a folder of its own: POP3 and POP3S on free ports, one password for everybody."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from postane.net.tls import Certificate

from .processes import children, is_alive
from .programs import missing, require

PASSWORD = "tanstaaf"
MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
START_TIME = 20.0
IMAPD = Path("/usr/lib/dovecot/imap")

CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
protocols = {protocols}
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 apop scram-sha-1 scram-sha-256
auth_failure_delay = 0
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={user_group} home={folder}/mail/%u
}}
service pop3-login {{
  {chroot}
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service imap-login {{
  {chroot}
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
{unprivileged}
"""
"""Whoever is refused is told at once: otherwise it takes seconds, and more each time."""
UNPRIVILEGED = """
service anvil {
  chroot =
}
service stats {
  chroot =
}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running server."""

    folder: Path
    pop3: int
    pop3s: int
    imap: int = 0
    imaps: int = 0

    def put(self, name: str, messages: Sequence[bytes]) -> None:
        """A maildrop with these, in this order."""
        home = self.folder / "mail" / name
        for part in ("cur", "new", "tmp"):
            (home / part).mkdir(parents=True)
        for number, message in enumerate(messages):
            (home / "new" / f"{1_700_000_000 + number}.M{number}.host").write_bytes(message.replace(b"\r\n", b"\n"))
        if os.getuid() == 0:
            for path in [home, *home.rglob("*")]:
                shutil.chown(path, "nobody", "nogroup")

    def left(self, name: str) -> int:
        """How many messages are in a maildrop."""
        home = self.folder / "mail" / name
        return sum(1 for part in ("cur", "new") for _ in (home / part).iterdir())


@contextlib.contextmanager
def dovecot(certificate: Certificate | None = None, *, has_imap: bool = False) -> Iterator[Dovecot]:
    """The server; the test is skipped where it is not installed."""
    program = require("dovecot")
    if has_imap and not IMAPD.exists():
        missing("dovecot's imapd is not installed")
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
    folder.chmod(0o755)
    ports = _free_ports(4)
    (folder / "mail").mkdir(mode=0o755)
    is_root = os.getuid() == 0
    who = "" if is_root else _current_user()
    text = CONFIG.format(
        folder=folder,
        ssl="yes" if certificate else "no",
        certificate=f"ssl_cert = <{certificate.chain}\nssl_key = <{certificate.key}" if certificate else "",
        internal=who or "dovecot",
        group=who or "dovecot",
        login=who or "dovenull",
        user=who or "nobody",
        user_group=who or "nogroup",
        password=PASSWORD,
        chroot="" if is_root else "chroot =",
        protocols="pop3 imap" if has_imap else "pop3",
        pop3=ports[0],
        pop3s=ports[1] if certificate else 0,
        imap=ports[2],
        imaps=ports[3] if certificate else 0,
        unprivileged="" if is_root else UNPRIVILEGED,
    )
    (folder / "dovecot.conf").write_text(text)
    process = subprocess.Popen([program, "-F", "-c", folder / "dovecot.conf"], stderr=subprocess.PIPE)
    try:
        _wait(process, ports[0], folder)
        yield Dovecot(folder, *ports)
    finally:
        _end(process)
        shutil.rmtree(folder)


def _wait(process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
    end = time.monotonic() + START_TIME
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as probe:
            if probe.recv(100).startswith(b"+OK"):
                return
        time.sleep(0.05)
    log = folder / "log"
    said = log.read_text() if log.exists() else ""
    missing(f"dovecot does not start here: {said[-500:]}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Killed: asked to end it takes a second for it. Its processes end when they see that it is gone."""
    family = children(process.pid)
    process.kill()
    process.communicate(timeout=START_TIME)
    end = time.monotonic() + START_TIME
    while any(map(is_alive, family)):
        assert time.monotonic() < end, "Dovecot's processes have ended"
        time.sleep(0.01)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _current_user() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name
