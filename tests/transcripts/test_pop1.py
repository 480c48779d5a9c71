"""Dialogues of POP1, each at three paces: the RFC's scenario, and what goes wrong."""

from pathlib import Path

import pytest

from postane.accounts.memory import MemoryAccounts
from postane.mail.mboxrd import Quoter, format_postmark
from postane.maildrop.memory import memory_store
from support.pop3 import NOW, make_office, put, sized
from support.retrieval import transcript_session
from support.transcript import Pace, Turn, play, read_transcript

TRANSCRIPTS = sorted((Path(__file__).parent / "pop1").glob("*.txt"))

FRED = [sized(200), b"Subject: quoted\r\n\r\nFrom here on\r\n>From there\r\n.\r\n" + b"x" * 2000 + b"\r\n"]
POSTMARK = b"From a@example.com Tue Feb  4 02:35:52 1992\r\n"


def mailbox(*messages: bytes) -> bytes:
    """The messages as they are sent."""
    written = b""
    for message in messages:
        quoter = Quoter()
        written += POSTMARK + quoter.feed(message) + quoter.finish()
    return written


@pytest.mark.parametrize("pace", list(Pace))
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
async def test_a_dialogue(path: Path, pace: Pace) -> None:
    accounts, store = MemoryAccounts(), memory_store(inline=1000)
    accounts.add("fred", password="password")
    accounts.add("jones", password="secret")
    await put(store, "fred", *FRED)
    sent = mailbox(*FRED)

    async def check(mark: str) -> None:
        name, count = mark.split()
        if pace is Pace.BY_TURN or mark == marks[-1]:
            assert (await store.usage(name.lower())).messages == int(count), mark

    turns = [
        Turn(turn.who, turn.octets.replace(b"{mailbox}", b"%d" % len(sent)), turn.number)
        for turn in read_transcript(path)
    ]
    marks = [turn.octets.decode() for turn in turns if turn.who == "M"]
    session, desk = transcript_session(make_office(store, accounts), "pop1")
    await play(turns, session, pace, check, {"Fred": sent})
    await desk.close()


def test_the_scenario_of_the_rfc_is_there() -> None:
    assert "rfc918_normal" in {path.stem for path in TRANSCRIPTS}


def test_the_mailbox_is_what_it_should_be() -> None:
    assert format_postmark("a@example.com", NOW) == POSTMARK
    assert b"\r\n\r\n>From here on\r\n>>From there\r\n.\r\nxxx" in mailbox(*FRED)
