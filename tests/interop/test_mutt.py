"""mutt reads a POP mailbox on a terminal: copies, deletes."""

from pathlib import Path

import pytest

from support.corpus import Way, by_way, plain
from support.post import check_all, count, fill, read_all, with_lf
from support.postoffice import Mailbox, PostOffice
from support.programs import require
from support.terminal import run_on_terminal

pytestmark = pytest.mark.interop

COPY_ALL = "<tag-pattern>~A<enter><tag-prefix><copy-message>{box}<enter>"
DELETE_FIRST = "<first-entry><delete-message>"
LEAVE = "<quit>"


class Mutt:
    """mutt with a home of its own and a terminal that nobody looks at; `keys` are what is typed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.box = home / "box"
        (home / "Mail").mkdir()  # else it asks whether to make it

    def run(self, office: PostOffice, mailbox: Mailbox, keys: str, *settings: str) -> None:
        host, port = office.pop3
        rc = self.home / "muttrc"
        lines = [
            f'set pop_user="{mailbox.name}" pop_pass="{mailbox.password}" pop_authenticators="user"',
            "set pop_checkinterval=0 ssl_starttls=no ssl_force_tls=no pop_delete=no sort=mailbox-order",
            "set confirmappend=no confirmcreate=no delete=yes move=no quit=yes mbox_type=mbox wait_key=no",
            *settings,
            f'push "{keys.format(box=self.box)}"',
        ]
        rc.write_text("\n".join(lines) + "\n")
        code, screen = run_on_terminal([require("mutt"), "-n", "-F", str(rc), "-f", f"pop://{host}:{port}/"], self.home)
        assert code == 0, f"mutt ended with {code}, its screen: {screen[-1500:]}"

    def got(self) -> list[bytes]:
        """The messages in its mbox file."""
        return (b"\n" + self.box.read_bytes()).split(b"\nFrom ")[1:]


@pytest.fixture
def mutt(tmp_path: Path) -> Mutt:
    return Mutt(tmp_path)


def test_copy_every_message(post_office: PostOffice, mailbox: Mailbox, mutt: Mutt) -> None:
    specimens = plain()
    fill(post_office, mailbox, specimens)
    mutt.run(post_office, mailbox, COPY_ALL + LEAVE)
    got = mutt.got()
    assert len(got) == len(specimens)
    for message, specimen in zip(got, specimens, strict=True):
        body = with_lf(specimen.octets).partition(b"\n\n")[2]
        assert message.partition(b"\n\n")[2].rstrip(b"\n") == body.rstrip(b"\n"), specimen.name
    check_all(read_all(post_office, mailbox), specimens)


def test_whole_corpus_is_shown(post_office: PostOffice, mailbox: Mailbox, mutt: Mutt) -> None:
    everything = by_way(Way.DATA)
    fill(post_office, mailbox, everything)
    mutt.run(post_office, mailbox, COPY_ALL + LEAVE)
    assert count(post_office, mailbox) == len(everything)
    assert mutt.box.stat().st_size > 3_000_000


def test_delete(post_office: PostOffice, mailbox: Mailbox, mutt: Mutt) -> None:
    fill(post_office, mailbox, plain()[:2])
    mutt.run(post_office, mailbox, DELETE_FIRST + LEAVE)
    check_all(read_all(post_office, mailbox), plain()[1:2])


def test_apop(post_office: PostOffice, mailbox: Mailbox, mutt: Mutt) -> None:
    fill(post_office, mailbox, plain()[:1])
    device = post_office.add_device(mailbox)
    mutt.run(post_office, device, COPY_ALL + LEAVE, 'set pop_authenticators="apop"')
    assert len(mutt.got()) == 1
