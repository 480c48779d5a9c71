"""Dialogues of POP2, each at three paces: the RFC's examples, and what goes wrong."""

from pathlib import Path

import pytest

from postane.accounts.base import Account
from postane.accounts.memory import MemoryAccounts
from postane.maildrop.memory import memory_store
from postane.server import pop2
from postane.server.mailboxes import Mailbox, find_mailbox
from postane.server.office import PostOffice
from support.pop3 import make_office, put, sized
from support.retrieval import transcript_session
from support.transcript import Pace, play, read_transcript

TRANSCRIPTS = sorted((Path(__file__).parent / "pop2").glob("*.txt"))

HOSTS = {
    "rfc937_normal": "DOG-HOUSE.ARPA",
    "rfc937_example_1": "USC-ISIF.ARPA",
    "rfc937_example_2": "ISI-VAXA.ARPA",
    "rfc937_example_3": "ISI-VAXA.ARPA",
}
PASSWORDS = {"Fred": "Secret", "POSTEL": "SECRET", "smith": "secret", "Jones": "secret", "quoter": "se cr\\et"}

DROPS = {
    "Fred": [sized(100)] * 12 + [sized(537, "thirteen")],
    "POSTEL": [sized(537, "one"), b"Subject: two\r\n\r\n.\r\n..\r\n" + b"\xff" * 209 + b"\r\n"],
    "smith": [sized(100)] * 35,
    "spool": [sized(100)] * 26 + [sized(10123)],
}


async def find_example(office: PostOffice, account: Account, name: str) -> Mailbox | None:
    """The second example has a mailbox that smith may read beside their own."""
    if name == "/usr/spool/mail/smith" and account.name == "smith":
        return Mailbox("spool")
    return await find_mailbox(office, account, name)


@pytest.mark.parametrize("pace", list(Pace))
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
async def test_a_dialogue(path: Path, pace: Pace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pop2, "find_mailbox", find_example)
    accounts, store = MemoryAccounts(), memory_store(inline=1000)
    for name, password in PASSWORDS.items():
        accounts.add(name, password=password)
    accounts.share("smith", "Fred")
    for name, messages in DROPS.items():
        await put(store, name.lower(), *messages)
    bodies = {f"{name} {number}": body for name, drop in DROPS.items() for number, body in enumerate(drop, 1)}
    office = make_office(store, accounts, hostname=HOSTS.get(path.stem))

    async def check(mark: str) -> None:
        name, count = mark.split()
        if pace is Pace.BY_TURN or mark == marks[-1]:
            assert (await store.usage(name.lower())).messages == int(count), mark

    turns = read_transcript(path)
    marks = [turn.octets.decode() for turn in turns if turn.who == "M"]
    session, desk = transcript_session(office, "pop2")
    await play(turns, session, pace, check, bodies)
    await desk.close()


def test_every_example_of_the_rfc_is_there() -> None:
    assert set(HOSTS) <= {path.stem for path in TRANSCRIPTS}


def test_the_messages_are_as_long_as_in_the_rfc() -> None:
    assert [len(message) for message in DROPS["POSTEL"]] == [537, 234]
