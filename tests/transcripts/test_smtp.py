"""Dialogues of SMTP and LMTP, each at three paces: turn by turn, octet by octet, everything at once."""

from pathlib import Path

import pytest

from postane.maildrop.base import Quota
from postane.net.networks import parse_networks
from postane.server.smtp import SmtpSettings
from postane.smtp.states import Dialect
from support.receiving import ReceivingOffice
from support.transcript import Pace, play, read_transcript

TRANSCRIPTS = sorted((Path(__file__).parent / "smtp").glob("*.txt"))


@pytest.mark.parametrize("pace", list(Pace))
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
async def test_a_dialogue(path: Path, pace: Pace) -> None:
    here = ReceivingOffice()
    for name in ("brown", "josé"):
        here.accounts.add(name)
    here.accounts.add("jones", aliases=["postmaster"])
    here.accounts.add("green", quota=Quota(octets=10))
    dialect = Dialect.LMTP if path.stem.startswith("lmtp") else Dialect.SMTP

    async def check(mark: str) -> None:
        name, count = mark.split()
        assert len(await here.messages(name)) == int(count), mark

    trusted = parse_networks([here.peer.host] if path.stem == "xclient" else [])
    await play(read_transcript(path), here.session(SmtpSettings(dialect, xclient=trusted)), pace, check)


def test_there_are_dialogues() -> None:
    assert len(TRANSCRIPTS) >= 14
