"""A command as a sink: its exit codes, what it is given, and how it is ended."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from postane.sinks.base import Outcome, SinkError
from postane.sinks.command import CommandSink
from postane.sinks.line_ends import LineEnds
from postane.sinks.processes import lives
from support.sink_houses import octets, parcel


async def outcome(command: "str | list[str]", **how: float) -> tuple[Outcome, str]:
    sink = CommandSink(command, **how)
    (answer,) = await sink.deliver([parcel(1)])
    await sink.close()
    return answer.outcome, answer.reason


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        *((code, Outcome.DEFERRED) for code in (1, 2, 71, 72, 74, 75, 79, 126, 127, 255)),
        *((code, Outcome.REFUSED) for code in (64, 65, 66, 67, 68, 69, 70, 73, 76, 77, 78)),
    ],
)
async def test_exit_codes(code: int, expected: Outcome) -> None:
    assert await outcome(f"cat > /dev/null; exit {code}") == (expected, f"/bin/sh ended with code {code}")


async def test_it_gets_the_message_and_the_envelope(tmp_path: Path) -> None:
    sink = CommandSink(f'cat > {tmp_path}/m; echo "$SENDER|$RECIPIENT|$POSTANE_ACCOUNT|$POSTANE_KEY" > {tmp_path}/e')
    sent = parcel(1, recipients=("a@example.org", "b@example.org"))
    (answer,) = await sink.deliver([sent])
    assert answer.outcome is Outcome.DELIVERED
    assert (tmp_path / "m").read_bytes() == octets(sent).replace(b"\r\n", b"\n")
    assert (tmp_path / "e").read_text() == "wmt@example.org|a@example.org b@example.org|work|work/uidl-1\n"
    await sink.close()


async def test_words_need_no_shell_and_line_ends_may_stay(tmp_path: Path) -> None:
    sink = CommandSink(["tee", str(tmp_path / "$HOME")], line_ends=LineEnds.CRLF)
    await sink.deliver([parcel(1)])
    assert (tmp_path / "$HOME").read_bytes() == octets(parcel(1))
    assert sink.name == f"command:tee {tmp_path}/$HOME"


async def test_the_last_thing_it_says_is_the_reason() -> None:
    said = await outcome("echo first >&2; printf 'mailbox \\033[31m full\\n\\n' >&2; exit 75")
    assert said == (Outcome.DEFERRED, "/bin/sh ended with code 75: mailbox  [31m full")
    _, reason = await outcome("head -c 9000 /dev/zero | tr '\\0' x >&2; exit 75")
    assert len(reason) < 400


async def test_one_that_reads_nothing_may_be_content() -> None:
    sink = CommandSink("exec true")
    (answer,) = await sink.deliver([parcel(1, b"x" * 200_000)])
    assert answer.outcome is Outcome.DELIVERED


async def test_one_that_is_killed() -> None:
    assert await outcome("kill -9 $$") == (Outcome.DEFERRED, "/bin/sh was ended by signal 9")


async def test_one_that_is_not_there() -> None:
    with pytest.raises(SinkError, match="/no/such/thing cannot be run: No such file") as raised:
        await outcome(["/no/such/thing"])
    assert not raised.value.may_pass


async def test_one_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    said = await outcome(f"sleep 60 & echo $! > {tmp_path}/child; wait", timeout=0.3)
    assert said == (Outcome.DEFERRED, "/bin/sh took longer than 0.3 seconds")
    await ended(int((tmp_path / "child").read_text()))


async def test_one_that_does_not_listen_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postane.sinks.command.GRACE", 0.1)
    assert (await outcome("trap '' TERM; while :; do sleep 0.05; done", timeout=0.2))[0] is Outcome.DEFERRED


async def test_one_that_nobody_waits_for_is_ended(tmp_path: Path) -> None:
    sink = CommandSink(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    delivering = asyncio.ensure_future(sink.deliver([parcel(1)]))
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.01)
    delivering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivering
    await ended(int((tmp_path / "pid").read_text()))


async def test_what_it_leaves_running_holds_nobody_up(tmp_path: Path) -> None:
    assert (await outcome(f"sleep 30 & echo $! > {tmp_path}/child; exit 0"))[0] is Outcome.DELIVERED
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


async def ended(pid: int) -> None:
    for _ in range(500):
        if not lives(pid) or Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"process {pid} lives")


async def test_an_envelope_that_no_process_can_be_given_is_its_message_s_fault() -> None:
    """Whoever writes to us chooses what stands in Return-Path: the next message is delivered all the same."""
    sink = CommandSink("cat > /dev/null")
    first, second = await sink.deliver([parcel(1, recipients=("a@example.org",) * 50_000), parcel(2)])
    await sink.close()
    assert (first.outcome, second.outcome) == (Outcome.REFUSED, Outcome.DELIVERED)
    assert "too many, or too long" in first.reason
