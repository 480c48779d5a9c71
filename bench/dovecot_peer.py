"""Dovecot as a peer: Debian's package, set up in a temporary directory, listening on loopback.

Two shapes. *Default* keeps the services as packaged: a login process and a mail process for every session. *Tuned*
lets one login process and one mail process serve many clients each, which Dovecot's manual calls less safe and fast,
caches logins, and spares what POP3 does not need. Both compare plain passwords out of a file, and have their limits
raised so that nothing is refused. TLS is as packaged, with the certificate that all servers have.
"""

import grp
import os
import pwd
import shutil
import subprocess
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from certificate import Certificate
from messages import Group, mbox
from peers import PASSWORD, Server, filled_in_memory, free_port, start_on, stop, wait_for_port

LOCATIONS = {
    "maildir": "maildir:{home}/%u",
    "sdbox": "sdbox:{home}/%u",
    "mdbox": "mdbox:{home}/%u",
}
INSERT_AT_ONCE = 20000

CONFIG = """
base_dir = {run}
state_dir = {run}/state
log_path = {folder}/log
listen = 127.0.0.1
protocols = pop3 lmtp
{ssl}
disable_plaintext_auth = no
auth_mechanisms = plain
auth_username_format = %Ln
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
first_valid_uid = 1
first_valid_gid = 1
mail_location = {location}
mail_max_userip_connections = 0
mail_plugin_dir = /usr/lib/dovecot/modules
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {folder}/passwd
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/%n
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
{login_service}
}}
service pop3 {{
{pop3_service}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
{lmtp_service}
}}
{options}
service anvil {{
  client_limit = 20000
{unprivileged}
}}
service auth {{
  client_limit = 20000
{unprivileged}
}}
service stats {{
  client_limit = 20000
{unprivileged}
}}
"""
# As packaged: service_count = 1 for both, so that each session has its processes.
DEFAULT = {
    "login_service": "  process_limit = 2000\n{unprivileged}",
    "pop3_service": "  process_limit = 4000",
    "lmtp_service": "",
    "options": "",
}
TUNED = {
    "login_service": "  service_count = 0\n  client_limit = 15000\n  process_min_avail = 1\n  process_limit = 1\n"
    "  vsz_limit = 0\n{unprivileged}",
    "pop3_service": "  service_count = 0\n  client_limit = 15000\n  process_min_avail = 1\n  process_limit = 1\n"
    "  vsz_limit = 0",
    "lmtp_service": "  service_count = 0\n  process_min_avail = 1",
    "options": "auth_cache_size = 32M\npop3_no_flag_updates = yes\nstats_writer_socket_path =",
}


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns the mailboxes and runs the processes. Without root, everything is the caller's."""

    uid: int
    gid: int
    internal: str
    internal_group: str
    login: str
    is_root: bool


def find_owner() -> Owner:
    """Debian's users where the benchmark runs as root, else the caller alone."""
    if os.geteuid() == 0:
        mail = pwd.getpwnam("mail")
        return Owner(mail.pw_uid, mail.pw_gid, "dovecot", "dovecot", "dovenull", True)
    me = pwd.getpwuid(os.geteuid())
    return Owner(me.pw_uid, me.pw_gid, me.pw_name, grp.getgrgid(me.pw_gid).gr_name, me.pw_name, False)


class DovecotPeer:
    """One Dovecot in one shape with one mailbox format."""

    def __init__(self, folder: Path, certificate: Certificate | None, *, tuned: bool, mailbox: str) -> None:
        self._certificate = certificate
        self.name = f"Dovecot {'tuned' if tuned else 'default'}, {mailbox}"
        self._folder = folder
        self._shape = TUNED if tuned else DEFAULT
        self._mailbox = mailbox
        self._home = folder / "home"
        self._owner = find_owner()

    @staticmethod
    def version() -> str | None:
        """What is installed, or None."""
        if shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
            return None
        told = subprocess.run([dovecot(), "--version"], capture_output=True, text=True, check=True)
        return "Dovecot " + told.stdout.split()[0]

    def set_up(self, groups: Mapping[str, Group]) -> None:
        """Write the configuration and the accounts, and fill the mailboxes."""
        self._folder.mkdir(mode=0o755)
        accounts = [name for group in groups.values() for name in group.names()]
        (self._folder / "passwd").write_text("".join(f"{name}:{PASSWORD}\n" for name in accounts))
        with filled_in_memory(self._folder / "home") as self._home:
            os.chown(self._home, self._owner.uid, self._owner.gid)
            self._write_config(0, 0, 0)
            for group in groups.values():
                if group.messages:
                    self._fill(group)
        self._home = self._folder / "home"

    def start(self, cpu: int | None) -> Server:
        """Start it on core `cpu`."""
        pop3, lmtp, pop3s = free_port(), free_port(), free_port() if self._certificate else 0
        self._write_config(pop3, lmtp, pop3s)
        process = start_on(cpu, [dovecot(), "-F", "-c", str(self._folder / "conf")], self._folder / "output")
        for port in (pop3, lmtp):
            wait_for_port(port, process, self._folder / "log")
        time.sleep(0.3)  # the processes that are kept ready come up after the ports
        return Server(process, pop3, lmtp, pop3s=pop3s or None)

    def stop(self, server: Server) -> None:
        """Stop it and all its processes."""
        stop(server.process)

    def _write_config(self, pop3: int, lmtp: int, pop3s: int) -> None:
        owner, pair = self._owner, self._certificate
        unprivileged = "" if owner.is_root else "  chroot =\n  user = " + owner.login
        shape = {key: text.format(unprivileged=unprivileged) for key, text in self._shape.items()}
        text = CONFIG.format(
            run=self._folder / "run",
            folder=self._folder,
            home=self._home,
            location=LOCATIONS[self._mailbox].format(home=self._home),
            internal=owner.internal,
            internal_group=owner.internal_group,
            login=owner.login,
            uid=owner.uid,
            gid=owner.gid,
            pop3=pop3,
            lmtp=lmtp,
            pop3s=pop3s,
            ssl=f"ssl = yes\nssl_cert = <{pair.chain}\nssl_key = <{pair.key}" if pair else "ssl = no",
            unprivileged=unprivileged,
            **shape,
        )
        (self._folder / "conf").write_text(textwrap.dedent(text))

    def _fill(self, group: Group) -> None:
        """Import the messages into the group's first mailbox and copy it for the others."""
        first = group.names()[0]
        source = self._home / "source" / "mbox"
        source.parent.mkdir()
        os.chown(source.parent, self._owner.uid, self._owner.gid)
        for start in range(0, group.messages, INSERT_AT_ONCE):
            with source.open("wb") as file:
                for part in mbox(range(start, min(start + INSERT_AT_ONCE, group.messages)), group.octets):
                    file.write(part)
            os.chown(source, self._owner.uid, self._owner.gid)
            self._doveadm(first, "import", f"mbox:{source.parent}:INBOX={source}", "", "all")
            shutil.rmtree(source.parent / ".imap", ignore_errors=True)  # its index of the mailbox
        shutil.rmtree(source.parent)
        copy_doubling(self._home, group.names())

    def _doveadm(self, account: str, *words: str) -> None:
        """Run it as the owner of the mailboxes: so it needs no running server."""
        command = ["doveadm", "-c", str(self._folder / "conf"), "-o", "mail_fsync=never", *words]
        environment = {**os.environ, "USER": account, "HOME": str(self._home)}
        owner = self._owner
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            user=owner.uid if owner.is_root else None,
            group=owner.gid if owner.is_root else None,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")


def dovecot() -> str:
    """The program, which lies where only root's PATH may look."""
    return shutil.which("dovecot") or "/usr/sbin/dovecot"


def copy_doubling(home: Path, names: Sequence[str]) -> None:
    """Copy the mailbox of the first name for all others, with owners and times: all that are there in one go each."""
    fresh = home / "fresh"
    for have in (2**power for power in range(len(names).bit_length())):
        more = names[have : 2 * have]
        if more:
            fresh.mkdir()
            subprocess.run(["cp", "-a", *(str(home / name) for name in names[: len(more)]), str(fresh)], check=True)
            for name, copy in zip(names, more, strict=False):
                (fresh / name).rename(home / copy)
            fresh.rmdir()
