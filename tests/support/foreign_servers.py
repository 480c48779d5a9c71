"""POP3 servers of other people that Debian does not let stand beside Dovecot's: unpacked, not installed.

`tools/install_peers.sh` unpacks them into a folder (`UNPACKED`). A server runs in a mount namespace of its own: that
folder lies over /usr, an /etc with the users of the test lies over the machine's, and the mail is in /var/mail, so that
it finds everything where it was built to find it, and the machine keeps what it has. This needs root on Linux.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .corpus import complete
from .programs import missing, require, run

UNPACKED = Path(os.environ.get("POSTANE_PEERS") or Path("~/.cache/postane-peers").expanduser())
USER, PASSWORD = "mrose", "tanstaaf"
UID = 5000
START_TIME = 20.0

ENTER = """
set -e
mount -t overlay none -o lowerdir="$1/usr:/usr" /usr
mount -t overlay none -o lowerdir="$2/etc:/etc" /etc
mount -t overlay none -o lowerdir="$1/var:/var" /var
mount --bind "$2/mail" /var/mail
mount -t tmpfs none /run
{before}
shift 2
exec "$@"
"""
"""What is done in the namespace before the server begins: $1 is what is unpacked, $2 the test's folder."""

PAM = "auth required pam_unix.so\naccount required pam_unix.so\n"

AUTHDAEMONRC = """
authmodulelist="authpam"
authmodulelistorig="authpam"
daemons=2
authdaemonvar=/run/courier/authdaemon
DEBUG_LOGIN=0
"""
COURIER = """
mkdir -p /run/courier/authdaemon
/usr/lib/courier/courier-authlib/authdaemond &
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A server's program. `before` is done in its namespace, `command` is what a connection gets; `is_maildir`: where
    mail lies. `etc` are files it wants."""

    program: str
    command: Sequence[str]
    before: str = ""
    is_maildir: bool = False
    etc: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


KINDS = {
    "popa3d": Kind("usr/sbin/popa3d", ["/usr/sbin/popa3d"], etc={"pam.d/popa3d": PAM}),
    "mailutils": Kind(
        "usr/sbin/pop3d",
        ["/usr/sbin/pop3d", "--inetd", "--config-file=/etc/pop3d.conf"],
        etc={
            "pam.d/gnu-pop3d": PAM,
            "pop3d.conf": 'mailbox { mailbox-pattern "/var/mail/${user}"; mailbox-type mbox; };\n',
        },
    ),
    "courier": Kind(
        "usr/lib/courier/courier/courierpop3login",
        [
            "/usr/lib/courier/courier/courierpop3login",
            "/usr/lib/courier/courier/courierpop3d",
            "Maildir",
        ],
        before=COURIER,
        is_maildir=True,
        etc={"pam.d/pop3": PAM, "courier/authdaemonrc": AUTHDAEMONRC},
        variables={"TCPREMOTEIP": "127.0.0.1", "TCPREMOTEPORT": "1", "TCPLOCALPORT": "110", "POP3AUTH": "PLAIN LOGIN"},
    ),
}


@dataclass(frozen=True, slots=True)
class ForeignServer:
    """A running one, with one account."""

    kind: Kind
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"pop3://{USER}@127.0.0.1:{self.port}"

    @property
    def mail(self) -> Path:
        """The account's mbox, or its Maildir."""
        return self.folder / "home" / "Maildir" if self.kind.is_maildir else self.folder / "mail" / USER

    def left(self) -> int:
        """How many messages there are."""
        if self.kind.is_maildir:
            return sum(1 for part in ("cur", "new") for _ in (self.mail / part).iterdir())
        return self.mail.read_bytes().count(b"From sender@example.org ") if self.mail.exists() else 0

    def put(self, messages: Sequence[bytes]) -> None:
        """These, in this order, and nothing else."""
        if self.kind.is_maildir:
            shutil.rmtree(self.mail, ignore_errors=True)
            for part in ("cur", "new", "tmp"):
                (self.mail / part).mkdir(parents=True)
            for number, message in enumerate(messages):
                path = self.mail / "new" / f"{1_700_000_000 + number}.M{number}.host"
                path.write_bytes(message.replace(b"\r\n", b"\n"))
            for path in [self.mail, *self.mail.rglob("*")]:
                os.chown(path, UID, UID)
            return
        postmark = b"From sender@example.org Thu Jan  1 00:00:00 1970\n"
        self.mail.write_bytes(
            b"".join(postmark + complete(message).replace(b"\r\n", b"\n") + b"\n" for message in messages)
        )
        os.chown(self.mail, UID, pwd.getpwnam("mail").pw_gid)
        self.mail.chmod(0o660)


@contextlib.contextmanager
def foreign_server(name: str) -> Iterator[ForeignServer]:
    """It runs; the test is skipped where it cannot."""
    kind = KINDS[name]
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can give a program a file system of its own")
    if not (UNPACKED / kind.program).exists():
        missing(f"{name} is not in {UNPACKED}: run tools/install_peers.sh")
    folder = Path(tempfile.mkdtemp(prefix="postane-pop-"))
    folder.chmod(0o755)
    _furnish(folder, kind)
    with socket.socket() as listener, (folder / "log").open("ab") as log:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        acceptor = Path(__file__).with_name("acceptor.py")
        process = subprocess.Popen(
            [
                *(require("unshare"), "--mount", "--pid", "--fork", "--kill-child", "sh", "-c"),
                *(ENTER.format(before=kind.before), "enter", str(UNPACKED), str(folder)),
                *(sys.executable, str(acceptor), str(listener.fileno()), *kind.command),
            ],
            stdout=log,
            stderr=log,
            pass_fds=[listener.fileno()],
            env={**os.environ, **kind.variables},
        )
        try:
            server = ForeignServer(kind, folder, listener.getsockname()[1])
            server.put([])
            _wait(process, server)
            yield server
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)


def _furnish(folder: Path, kind: Kind) -> None:
    """Users, and what the program looks for."""
    crypted = run([require("openssl"), "passwd", "-6", "-salt", "saltsalt", PASSWORD]).stdout.decode().strip()
    (folder / "mail").mkdir()
    (folder / "mail").chmod(0o1777)
    (folder / "home").mkdir()
    os.chown(folder / "home", UID, UID)
    home = folder / "home"
    files = {
        "passwd": Path("/etc/passwd").read_text()
        + f"{USER}:x:{UID}:{UID}::{home}:/bin/sh\npopa3d:x:5001:5001::/:/bin/sh\n",
        "group": Path("/etc/group").read_text() + f"{USER}:x:{UID}:\npopa3d:x:5001:\n",
        "shadow": f"root:*:19000:0:99999:7:::\n{USER}:{crypted}:19000:0:99999:7:::\npopa3d:*:19000:0:99999:7:::\n",
        **kind.etc,
    }
    for name, text in files.items():
        path = folder / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _wait(process: "subprocess.Popen[bytes]", server: ForeignServer) -> None:
    end = time.monotonic() + START_TIME
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), 5) as probe:
            probe.settimeout(5)
            if probe.recv(100).startswith(b"+OK"):
                return
        time.sleep(0.1)
    pytest.fail(f"{server.kind.program} does not answer: {(server.folder / 'log').read_text()[-1000:]}")
