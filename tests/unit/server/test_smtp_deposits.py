"""A message for one recipient whose drop is open: it is stored without a task, and answered like every other one."""

import asyncio
import gc
import threading
from collections.abc import Callable

import pytest
import structlog

from postane.maildrop.base import Quota
from postane.maildrop.embedded import embedded_store
from postane.maildrop.file_blobs import FileUpload
from postane.maildrop.sides import Step
from postane.net.memory import MemoryStream
from postane.net.stream import Peer, Stream
from postane.server.limits import private_tally
from postane.server.loop import Conversation, converse
from postane.server.office import PostOffice
from postane.server.reception import Reception
from postane.server.record import Ending, SessionRecord
from postane.server.smtp import SmtpDesk
from postane.server.smtp_settings import AuthPolicy, SmtpSettings
from postane.smtp.server import SmtpServer
from postane.smtp.states import Dialect
from support.receiving import NOW, ReceivingOffice

SETTINGS = SmtpSettings(dialect=Dialect.LMTP, auth=AuthPolicy.OFF)
HELLO = b"LHLO bar.com\r\n"
LETTER = b"MAIL FROM:<smith@bar.com>\r\nRCPT TO:<joe@foo.com>\r\nDATA\r\nSubject: x\r\n\r\nhello\r\n.\r\n"


class Gate:
    """A hook that holds up the thread that writes, or makes its step fail."""

    def __init__(self) -> None:
        self.is_open = threading.Event()
        self.is_open.set()
        self.error: Exception | None = None
        self.steps: list[Step] = []

    def __call__(self, step: Step) -> None:
        self.steps.append(step)
        if step is Step.ROW_WRITTEN:
            self.is_open.wait(10)
            if self.error is not None:
                raise self.error


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
async def here(tmp_path, gate):
    here = ReceivingOffice(maildrops=embedded_store(tmp_path / "post", on_step=gate))
    account = here.accounts.add("joe")
    here.accounts.recall_address = lambda local_part, domain: account if local_part == "joe" else None
    await here.maildrops.usage("joe")
    yield here
    await here.maildrops.close()


def make_desk(office: PostOffice, stream: Stream, record: SessionRecord) -> tuple[SmtpServer, SmtpDesk]:
    return SmtpServer(SETTINGS.dialect, SETTINGS.body), SmtpDesk(office, stream, record, SETTINGS)


def connect(here: ReceivingOffice) -> tuple[Reception, MemoryStream]:
    reception, stream = Reception(here.office, private_tally()), MemoryStream(Peer("192.0.2.7"))
    reception.accept("lmtp", make_desk, stream)
    return reception, stream


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - it is the loop's own doing that is waited for
        await asyncio.sleep(0.001)


async def said(stream: MemoryStream, last: bytes) -> bytes:
    """What is said up to a line that begins so."""
    words = b""
    while not any(line.startswith(last) for line in words.split(b"\r\n")[:-1]):
        await asyncio.sleep(0.001)
        words += stream.take()
    return words


async def first(reception: Reception, stream: MemoryStream) -> None:
    """The first message opens the drop, which is waited for in a task."""
    stream.give(HELLO + LETTER)
    await said(stream, b"250 2.0.0 stored")
    await until(lambda: not tasks(reception))


def tasks(reception: Reception) -> list[object]:
    return [guest.task for guest in reception._open if guest.task is not None]


async def test_it_is_stored_without_a_task_and_what_was_sent_ahead_is_answered_after_it(here, gate) -> None:
    reception, stream = connect(here)
    await first(reception, stream)
    gate.is_open.clear()
    gate.steps.clear()
    stream.give(LETTER + b"NOOP\r\n" + LETTER)
    await until(lambda: gate.steps)
    assert tasks(reception) == []
    assert b"stored" not in stream.take()
    gate.is_open.set()
    stream.give(b"QUIT\r\n")
    words = await said(stream, b"221")
    told = [line.split()[2] for line in words.split(b"\r\n") if line.startswith(b"2") and b"ok" not in line]
    assert told == [b"stored", b"done", b"stored", b"closing"]
    await until(lambda: reception.count == 0)
    assert len(await here.messages("joe")) == 3


async def test_a_failure_is_told_and_the_session_goes_on(here, gate) -> None:
    reception, stream = connect(here)
    await first(reception, stream)
    gate.error = OSError(5, "Input/output error")
    stream.give(LETTER)
    assert b"451 4.3.0 cannot be done now" in await said(stream, b"451")
    gate.error = ZeroDivisionError()
    stream.give(LETTER)
    assert b"internal error" in await said(stream, b"451")
    gate.error = None
    stream.give(LETTER)
    await said(stream, b"250 2.0.0 stored")
    assert len(await here.messages("joe")) == 2


async def test_a_quota_that_is_reached_by_this_very_message(here) -> None:
    reception, stream = connect(here)
    await first(reception, stream)
    here.accounts.set_quota("joe", Quota(octets=500))
    account = await here.accounts.find("joe")
    here.accounts.recall_address = lambda local_part, domain: account
    stream.give(LETTER.replace(b"hello", b"hello " * 50))
    assert b"452 4.2.2 mailbox full" in await said(stream, b"452")


async def test_who_is_kicked_meanwhile_hears_no_more_and_the_message_is_there(here, gate) -> None:
    reception, stream = connect(here)
    await first(reception, stream)
    gate.is_open.clear()
    gate.steps.clear()
    stream.give(LETTER)
    await until(lambda: gate.steps)
    [(record, _)] = reception.sessions()
    assert await reception.kick(record.session)
    gate.is_open.set()
    assert b"stored" not in stream.take()
    assert record.ending is Ending.KICKED
    await until(lambda: Step.ROW_DURABLE in gate.steps)
    assert len(await here.messages("joe")) == 2


async def test_of_who_is_kicked_meanwhile_no_failure_is_left_behind(here, gate) -> None:
    reception, stream = connect(here)
    await first(reception, stream)
    gate.is_open.clear()
    gate.steps.clear()
    gate.error = OSError(5, "Input/output error")
    stream.give(LETTER)
    await until(lambda: gate.steps)
    left: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: left.append(told["message"]))
    [(record, _)] = reception.sessions()
    assert await reception.kick(record.session)
    gate.is_open.set()
    assert len(await here.messages("joe")) == 1
    await here.maildrops.close()
    gc.collect()
    assert left == []


async def test_a_task_that_runs_the_whole_session_waits_as_well(here) -> None:
    stream = MemoryStream(Peer("192.0.2.7"))
    record = SessionRecord("s1", "lmtp", stream.peer, NOW)
    talk = Conversation(stream, *make_desk(here.office, stream, record))
    stream.give(HELLO + LETTER + LETTER + LETTER + b"QUIT\r\n")
    assert await converse(talk) is Ending.QUIT
    assert stream.take().count(b"250 2.0.0 stored") == 3
    assert record.messages == 3


async def test_a_large_one_is_answered_before_its_spool_is_taken_away(here, gate, monkeypatch) -> None:
    may_go, gone = threading.Event(), threading.Event()
    discard = FileUpload._discard

    def held_up(upload: FileUpload) -> None:
        may_go.wait(10)
        discard(upload)
        gone.set()

    monkeypatch.setattr(FileUpload, "_discard", held_up)
    _, stream = connect(here)
    stream.give(HELLO + LETTER.replace(b"hello", b"hello\r\n" * 20_000))
    assert b"stored" in await said(stream, b"250 2.0.0 stored")
    assert not gone.is_set()
    may_go.set()
    await until(gone.is_set)


async def test_the_receipt_leaves_before_the_line_of_the_log_is_made(here) -> None:
    with structlog.testing.capture_logs() as lines:
        _, stream = connect(here)
        write, told = stream.write, []

        def noted(octets: bytes) -> None:
            if b"stored" in octets:
                told.append((octets.count(b"stored"), len(lines)))
            write(octets)

        stream.write = noted
        stream.give(HELLO + LETTER + LETTER)
        await until(lambda: len(lines) == 2)
    assert told == [(1, 0), (1, 1)]
    assert [line["event"] for line in lines] == ["message"] * 2


async def test_more_than_one_recipient_is_a_matter_for_a_task(here) -> None:
    here.accounts.add("ann")
    reception, stream = connect(here)
    await first(reception, stream)
    stream.give(LETTER.replace(b"DATA", b"RCPT TO:<ann@foo.com>\r\nDATA") + b"QUIT\r\n")
    assert (await said(stream, b"221")).count(b"250 2.0.0 stored") == 2
    assert [len(await here.messages(name)) for name in ("joe", "ann")] == [2, 1]
    await until(lambda: reception.count == 0)
