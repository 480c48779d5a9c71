"""The examples of docs/moving-here.md: another retriever fetches, `postane fetch` takes over, nothing comes twice."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from support.post import count, deliver
from support.postoffice import Mailbox, PostOffice
from support.programs import require, run

pytestmark = pytest.mark.interop

PAGE = (Path(__file__).parents[2] / "docs" / "moving-here.md").read_text()
ORDINARY_USER = "nobody"
STORE = '#!/bin/sh\nn=$(ls "$HOME/Mail/new" | wc -l)\nexec cat > "$HOME/Mail/new/$n"\n'


def example(title: str) -> list[str]:
    """What stands in the boxes of a section: the old program's file, fetch.toml, the command that takes over."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```\w*\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


class Move:
    """A home in which another retriever has fetched."""

    def __init__(self, home: Path, office: PostOffice, mailbox: Mailbox) -> None:
        self.home = home
        self._office = office
        self._mailbox = mailbox
        for part in ("Mail/cur", "Mail/new", "Mail/tmp", ".config/postane", ".config/getmail", "bin"):
            (home / part).mkdir(parents=True)
        self.program("pass", f"#!/bin/sh\necho '{mailbox.password}'\n")
        self.program("procmail", STORE)
        self.program("postane", f'#!/bin/sh\nexec "{sys.executable}" -m postane "$@"\n')

    def program(self, name: str, text: str) -> None:
        """Something that the examples run."""
        (self.home / "bin" / name).write_text(text)
        (self.home / "bin" / name).chmod(0o755)

    def here(self, text: str, changes: Mapping[str, str]) -> str:
        """An example, for this server, which has another address and no certificate."""
        host, port = self._office.pop3
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new.format(port=port))
        text = text.replace("-995-", f"-{port}-").replace("tanstaaf", self._mailbox.password)
        text = re.sub(r"\byou(?=@|_at_|\b)", self._mailbox.name, text)
        return text.replace("pop.example.org", host)

    def write(self, place: str, text: str) -> None:
        """A file that only its owner reads."""
        (self.home / place).write_text(text)
        (self.home / place).chmod(0o600)

    def run(self, command: str, *, is_ours: bool = True) -> bytes:
        """A line for the shell, at home; what it printed. Somebody else's program runs as somebody else: getmail
        delivers nothing as root."""
        user = ORDINARY_USER if os.geteuid() == 0 and not is_ours else None
        if user:
            for path in (self.home, *self.home.rglob("*")):
                shutil.chown(path, user)
        line = f'unset XDG_CONFIG_HOME XDG_DATA_HOME; PATH="$HOME/bin:$PATH"; {command}'
        return run(["/bin/sh", "-c", line], home=self.home, user=user, is_deaf=not is_ours).stdout

    def subjects(self) -> list[str]:
        """What has come, sorted."""
        texts = (path.read_text() for path in (self.home / "Mail" / "new").iterdir())
        return sorted(found[1] for text in texts for found in re.finditer(r"^Subject: (.*)$", text, re.MULTILINE))


@pytest.fixture
def move(post_office: PostOffice, mailbox: Mailbox) -> Iterator[Move]:
    with tempfile.TemporaryDirectory(prefix="postane-") as folder:
        yield Move(Path(folder), post_office, mailbox)


def letters(*subjects: str) -> list[bytes]:
    return [f"Subject: {subject}\r\n\r\nbody\r\n".encode() for subject in subjects]


FETCHMAIL = {"protocol": "service {port} protocol", " ssl ": " sslproto '' "}
MPOP = {"pop.example.org\n": "pop.example.org\nport {port}\n", "tls on\ntls_starttls off": "tls off\nauth user"}
GETMAIL = {"POP3SSL": "POP3", "pop.example.org\n": "pop.example.org\nport = {port}\n"}


@pytest.mark.parametrize(
    ("title", "place", "changes", "command"),
    [
        ("fetchmail", ".fetchmailrc", FETCHMAIL, "fetchmail --nosyslog -d 0"),
        ("mpop", ".mpoprc", MPOP, "mpop -a"),
        ("getmail6", ".config/getmail/getmailrc", GETMAIL, "getmail"),
    ],
)
def test_nothing_comes_twice(move, post_office, mailbox, title, place, changes, command):
    require(command.split()[0])
    theirs, ours, take_over = example(title)
    move.write(place, move.here(theirs, changes))
    deliver(post_office, mailbox, letters("one", "two"))
    move.run(command, is_ours=False)
    assert move.subjects() == ["one", "two"]
    deliver(post_office, mailbox, letters("three"))

    here = {"pop3s://you@pop.example.org": "pop3://you@pop.example.org:{port}"}
    move.write(".config/postane/fetch.toml", move.here(ours, here))
    told = move.run(move.here(take_over.removeprefix("$ "), {}))
    assert told.startswith(b"work: 2 marked as seen")
    assert b"work: 1 delivered" in move.run("postane fetch")
    assert move.subjects() == ["one", "three", "two"], "what came after the last fetch of the other program too"
    assert b"work: 0 delivered" in move.run("postane fetch")
    assert count(post_office, mailbox) == 3
