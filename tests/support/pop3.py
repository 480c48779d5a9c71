"""A POP3 session in memory: the real machine, desk and loop over a stream that the test holds in its hands."""

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path

from postane.accounts.memory import MemoryAccounts
from postane.accounts.throttle import private_throttle
from postane.maildrop.base import Addressee, Letter, Lock, MaildropStore, Receipt
from postane.maildrop.memory import memory_store
from postane.net.memory import MemoryStream
from postane.pop3.server import Pop3Server
from postane.server.limits import Limits, private_tally
from postane.server.loop import Conversation, converse
from postane.server.office import PostOffice
from postane.server.pop3 import Pop3Desk
from postane.server.record import Ending, SessionRecord
from postane.wire.dots import stuff

NOW = 697170952.0
"""The clock of every test's office: with TOKEN and HOST it makes the stamp of the RFC's example."""
TOKEN = "1896"
HOST = "dbc.mtview.ca.us"


def make_office(
    maildrops: MaildropStore | None = None,
    accounts: MemoryAccounts | None = None,
    limits: Limits | None = None,
    hostname: str | None = None,
    **facts: object,
) -> PostOffice:
    """A post office in memory; failed logins are not held back unless the test says so."""
    return PostOffice(
        hostname=hostname or HOST,
        implementation="Postane-test",
        accounts=accounts or MemoryAccounts(),
        maildrops=maildrops or memory_store(),
        limits=limits or Limits(),
        lock=Lock(),
        throttle=private_throttle(0.0, lambda: 0.0),
        sessions_by_account=private_tally(),
        clock=lambda: NOW,
        token=lambda: TOKEN,
        **facts,  # type: ignore[arg-type]
    )


async def put(store: MaildropStore, drop: str, *messages: bytes) -> None:
    """Deposit messages as they are."""
    for message in messages:
        spool = store.spool()
        await spool.write(message)
        outcomes = await store.deposit(spool, Letter("a@example.com", NOW, is_international=True), [Addressee(drop)])
        assert isinstance(outcomes[0], Receipt), outcomes
        await spool.discard()


def sized(octets: int, subject: str = "test") -> bytes:
    """A message of exactly so many octets."""
    head = f"Subject: {subject}\r\n\r\n".encode("ascii")
    return head + b"x" * (octets - len(head) - 2) + b"\r\n"


class Pop3Session:
    """One connection to an office. `say` gives what the server wrote since the last word."""

    def __init__(self, office: PostOffice, stream: MemoryStream | None = None) -> None:
        self.stream = stream or MemoryStream()
        self.record = SessionRecord("test", "pop3", self.stream.peer, NOW)
        self.talk = Conversation(self.stream, Pop3Server(), Pop3Desk(office, self.stream, self.record))
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> Ending:
        try:
            return await converse(self.talk)
        finally:
            await self.talk.desk.close()

    async def settle(self) -> bytes:
        """Let the server do all it can; what it wrote."""
        for _ in range(200):
            if self.task.done():
                break
            await asyncio.sleep(0)
        return self.stream.take()

    async def say(self, *lines: bytes) -> bytes:
        """Send lines in one piece; what came back."""
        self.stream.give(b"".join(line + b"\r\n" for line in lines))
        return await self.settle()

    async def log_in(self, name: bytes = b"mrose", password: bytes = b"tanstaaf") -> bytes:
        """USER and PASS."""
        await self.settle()
        return await self.say(b"USER " + name, b"PASS " + password)

    async def end(self) -> Ending:
        """The client goes away; how the session ended."""
        self.stream.end()
        return await self.task


async def play(script: Path, office: PostOffice, messages: Iterable[bytes]) -> None:
    """Play a transcript: `C:` lines are said, `S:` lines must come back, in this order and nothing else.

    `...` in an `S:` line stands for any text; `S: {message N}` for that message, stuffed and ended.
    """
    bodies = [stuff(message) for message in messages]
    session = Pop3Session(office)
    received = await session.settle()
    for number, line in enumerate(script.read_text("utf-8").splitlines(), 1):
        place = f"{script.name}:{number}"
        side, _, text = line.partition(": ")
        if side == "C":
            assert received == b"", f"{place}: more came than was expected: {received!r}"
            received = await session.say(text.encode("utf-8"))
        elif side == "S" and (body := re.fullmatch(r"\{message (\d+)\}", text)):
            expected = bodies[int(body[1]) - 1]
            assert received.startswith(expected), f"{place}: not message {body[1]}: {received!r}"
            received = received[len(expected) :]
        elif side == "S":
            got, _, received = received.partition(b"\r\n")
            pattern = ".*".join(re.escape(part) for part in text.split("..."))
            assert re.fullmatch(pattern, got.decode("utf-8")), f"{place}: expected {text!r}, got {got!r}"
        else:
            assert not line or line.startswith("#"), f"{place}: neither C:, S: nor a comment"
    assert received == b"", f"{script.name}: more came than was expected: {received!r}"
    if not session.task.done():
        await session.end()
