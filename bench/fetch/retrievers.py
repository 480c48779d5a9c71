"""The retrievers that are compared: how each is told to fetch all of one POP3 mailbox into a Maildir, and to keep it.

None of them pays for what the others do not: no spam filter, no local mail server, a password in the configuration.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from peers import PASSWORD


@dataclass(frozen=True, slots=True)
class Errand:
    """One fetch: from `user` at a port of loopback into `maildir`, with a fresh `folder` for files of its own."""

    user: str
    port: int
    folder: Path

    @property
    def maildir(self) -> Path:
        """Where the messages go."""
        return self.folder / "Maildir"


@dataclass(frozen=True, slots=True)
class Retriever:
    """A program: `prepare` writes its configuration and gives the command."""

    name: str
    program: str
    prepare: Callable[[Errand], list[str]] = field(repr=False)
    version: tuple[str, ...] = ("--version",)

    def installed(self) -> str | None:
        """Its version, None where it is not here."""
        if self.program and shutil.which(self.program) is None:
            return None
        command = [self.program or sys.executable, *self.version]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
        return told[0].strip() if told else self.name


def _private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def _maildir(errand: Errand) -> None:
    for folder in ("tmp", "new", "cur"):
        (errand.maildir / folder).mkdir(parents=True)


def postane(errand: Errand) -> list[str]:
    """Ours: every message recorded durably, in groups, before the next step."""
    config = _private(
        errand.folder / "fetch.toml",
        f'state = "{errand.folder}/fetch.db"\n[[account]]\nname = "bench"\n'
        f'url = "pop3://{errand.user}@127.0.0.1:{errand.port}"\npassword = "{PASSWORD}"\ntls = "none"\n'
        f'received = false\n[[account.deliver]]\nmaildir = "{errand.maildir}"\n',
    )
    return [sys.executable, "-m", "postane", "fetch", "-c", str(config)]


def mpop(errand: Errand) -> list[str]:
    """mpop with its pipelining, which is its default where the server offers it."""
    _maildir(errand)
    config = _private(
        errand.folder / "mpoprc",
        f"account bench\nhost 127.0.0.1\nport {errand.port}\nuser {errand.user}\npassword {PASSWORD}\nauth user\n"
        f"tls off\nkeep on\nreceived_header off\nuidls_file {errand.folder}/uidls\ndelivery maildir {errand.maildir}\n",
    )
    return ["mpop", "-C", str(config), "-q", "bench"]


def fetchmail(errand: Errand) -> list[str]:
    """fetchmail, which hands each message to a program: the smallest one that files it durably."""
    _maildir(errand)
    config = _private(
        errand.folder / "fetchmailrc",
        f'set idfile "{errand.folder}/ids"\nset pidfile "{errand.folder}/pid"\n'
        f'poll 127.0.0.1 service {errand.port} protocol pop3 auth password uidl user "{errand.user}" '
        f'password "{PASSWORD}" sslproto "" keep mda "{errand.folder}/file-it"\n',
    )
    script = errand.folder / "file-it"
    script.write_text(
        f'#!/bin/sh\nname=$$.$(date +%s%N)\ncat > "{errand.maildir}/tmp/$name" && '
        f'mv "{errand.maildir}/tmp/$name" "{errand.maildir}/new/$name"\n'
    )
    script.chmod(0o755)
    return ["fetchmail", "-f", str(config), "--silent", "--nosyslog"]


def getmail(errand: Errand) -> list[str]:
    """getmail6, which delivers as another user where it is started by root."""
    _maildir(errand)
    user = ""
    if os.geteuid() == 0:
        user = "user = mail\n"
        for path in (errand.maildir, *errand.maildir.iterdir()):
            shutil.chown(path, "mail", "mail")
        errand.folder.chmod(0o755)
    _private(
        errand.folder / "getmailrc",
        f"[retriever]\ntype = SimplePOP3Retriever\nserver = 127.0.0.1\nport = {errand.port}\n"
        f"username = {errand.user}\npassword = {PASSWORD}\n"
        f"[destination]\ntype = Maildir\npath = {errand.maildir}/\n{user}"
        "[options]\nread_all = true\ndelete = false\nverbose = 0\n",
    )
    return ["getmail", f"--getmaildir={errand.folder}", "--rcfile=getmailrc"]


RETRIEVERS: Mapping[str, Retriever] = {
    "postane": Retriever("postane fetch", "", postane, ("-m", "postane", "--version")),
    "mpop": Retriever("mpop", "mpop", mpop),
    "fetchmail": Retriever("fetchmail", "fetchmail", fetchmail),
    "getmail": Retriever("getmail6", "getmail", getmail),
}
