"""Watching: what is told of runs that follow one another, and that the file is read again when somebody asks for it."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace

import pytest

from postane.cli import fetch_watch
from postane.cli.fetch_watch import STILL, Teller, Watch, choose_stamp, clock_time, date_and_time
from postane.config.fetch_file import load_fetch_config
from postane.config.fetching import Account, FetchConfig
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.progress import Progress
from postane.fetching import house
from postane.testing.faults import RefuseLogin, Stall
from postane.testing.hostile import hostile_server
from support.aside import aside
from support.errand import Errand
from support.postoffice import wait_until
from support.terminal import Typist

MESSAGES = [b"Subject: one\r\n\r\n1\r\n", b"Subject: two\r\n\r\n2\r\n"]
PASSWORD = "tanstaaf"
NOON = 1_790_000_000.0


@pytest.fixture
def server():
    with aside(hostile_server(MESSAGES)) as server:
        yield server


class Told:
    """A teller, and what it says of runs that end one after the other."""

    def __init__(self, capsys: "pytest.CaptureFixture[str]", **wishes: bool) -> None:
        self.teller = Teller(lambda _: "", **wishes)
        self._capsys = capsys
        self.now = NOON

    def __call__(self, error: str = "", **changes: object) -> list[str]:
        """A run ends so, five minutes after the one before: the lines."""
        self.now += 300
        progress = Progress("work", lambda: self.now)
        progress.begin()
        for words in changes.pop("fails", ()):  # type: ignore[attr-defined]
            progress.fail(words, Trouble.REFUSED)
        for name, value in changes.items():
            setattr(progress, name, value)
        progress.end(FetchError(error, Trouble.UNREACHABLE) if error else None)
        progress.next_at = self.now + 300
        self.teller.tell(progress)
        told = self._capsys.readouterr()
        return (told.out + told.err).splitlines()


@pytest.fixture
def told(capsys):
    return Told(capsys)


def test_the_same_trouble_is_told_once_and_its_end_too(told):
    assert told() == []
    assert told("no route to pop.example.org") == ["work: no route to pop.example.org; again in 5m"]
    assert [told("no route to pop.example.org") for _ in range(3)] == [[], [], []]
    assert told() == ["work: works again after 20m"]
    assert told() == []
    assert told("no route to pop.example.org") == ["work: no route to pop.example.org; again in 5m"]


def test_another_trouble_is_news(told):
    told("no route")
    assert told("the login was refused") == ["work: the login was refused; again in 5m"]
    assert told() == ["work: works again after 10m"]


def test_troubles_that_take_turns_are_told_once_each(told):
    assert told("the server took too long") == ["work: the server took too long; again in 5m"]
    assert told("connection refused") == ["work: connection refused; again in 5m"]
    assert [told(words) for words in ("the server took too long", "connection refused") * 3] == [[]] * 6
    told.now += STILL
    assert told("connection refused")[0].startswith("work: connection refused; still so after 6h")
    assert told("another one") != []
    assert told() == ["work: works again after 6h 50m"]
    assert told("connection refused") != []


def test_a_trouble_that_is_another_one_each_time_fills_no_memory(told):
    for number in range(fetch_watch.KINDS + 5):
        assert told("x" * number + " is wrong") != []
    assert told("x is wrong") != []
    assert told("x is wrong") == []


def test_a_trouble_that_counts_is_the_same(told):
    told("the server wants 600 s between logins: again in 480 s")
    assert told("the server wants 600 s between logins: again in 180 s") == []


def test_a_trouble_that_stays_is_told_again_after_hours(told):
    told("no route")
    later = [told("no route") for _ in range(int(STILL / 300) + 3)]
    assert [each for each in later if each] == [["work: no route; still so after 6h"]]


def test_a_message_that_is_refused_each_time_is_told_once_and_another_one_too(told):
    first = told(fails=["u4: cmd: never"], messages=1)
    assert first == ["work: 0 delivered, 1 failed, 0 B in 0.0 s; again in 5m", "work: u4: cmd: never"]
    assert told(fails=["u4: cmd: never"], messages=1) == []
    assert told(fails=["u4: cmd: never", "u5: cmd: never"])[1:] == ["work: u4 and 1 more: cmd: never"]


def test_what_comes_in_spite_of_it_is_told_without_it(told):
    told(fails=["u4: cmd: never"])
    assert told(fails=["u4: cmd: never"], delivered=2) == ["work: 2 delivered, 1 failed, 0 B in 0.0 s"]
    assert told(delivered=1) == ["work: 1 delivered, 0 B in 0.0 s", "work: works again after 10m"]


def test_a_note_is_told_once(told):
    assert told(note="nothing is deleted") == ["work: 0 delivered, 0 B in 0.0 s", "work: nothing is deleted"]
    assert told(note="nothing is deleted") == []
    assert told(note="nothing is deleted", delivered=1) == ["work: 1 delivered, 0 B in 0.0 s"]


def test_in_silence_only_what_went_wrong_is_told_and_that_it_is_over(capsys):
    told = Told(capsys, is_quiet=True)
    assert told(delivered=2) == []
    assert told("no route") == ["work: no route; again in 5m"]
    assert told(delivered=2) == ["work: works again after 5m"]


def test_programs_get_a_line_for_each_run(capsys):
    told = Told(capsys, is_json=True)
    for _ in range(2):
        (line,) = told("no route")
        assert (json.loads(line)["at"], json.loads(line)["error"]) == (told.now, "no route")


def test_a_time_stands_before_each_line(monkeypatch, capsys):
    monkeypatch.setenv("TZ", "XYZ-2")
    time.tzset()
    try:
        assert clock_time(NOON) == "16:13 "
        assert date_and_time(NOON) == "2026-09-21T16:13:20+02:00 "
        Teller(clock_time).say("here")
        assert re.fullmatch(r"\d\d:\d\d here\n", capsys.readouterr().err)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_journal_of_systemd_has_times_of_its_own(monkeypatch, tmp_path):
    with (tmp_path / "journal").open("w") as journal:
        monkeypatch.setattr("sys.stderr", journal)
        assert choose_stamp() is date_and_time
        place = os.fstat(journal.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{place.st_dev}:{place.st_ino}")
        assert choose_stamp()(NOON) == ""


class Watched:
    """`postane fetch --watch` in a pipe, and what it has said."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line

    def sees(self, words: str) -> None:
        wait_until(lambda: words in self.said, f"it says {words!r}")

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self._reader.join(30)
        return code


@contextlib.contextmanager
def watching(fetch, *words: str) -> Iterator[Watched]:
    command = fetch.errand.command("--watch", *words)
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, text=True, **streams) as process:
        try:
            yield Watched(process)
        finally:
            process.kill()


def test_in_a_pipe_it_says_what_it_watches_and_when_what_happened(fetch, server):
    fetch.errand.add("work", url=server.url, password=PASSWORD, every="5m")
    fetch.errand.add("lists", url=server.url, password=PASSWORD, every="1h")
    fetch.errand.add("home", url=server.url, password=PASSWORD, every="5m")
    with watching(fetch) as watched:
        watched.sees("home: 2 delivered")
        assert watched.end() == os.EX_OK
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d "
    first, *others = [line for line in watched.said.splitlines() if not line.startswith("warning: ")]
    assert re.fullmatch(stamp + "watching work, home every 5m; lists every 1h; what comes .*", first)
    assert any(re.match(stamp + "home: 2 delivered", line) for line in others)


def test_a_login_that_is_refused_and_then_not_is_told_twice(fetch, server):
    server.behave([RefuseLogin()])
    fetch.errand.add("work", url=server.url, password=PASSWORD, every="100ms")
    with watching(fetch) as watched:
        wait_until(lambda: server.connections >= 3, "it has tried some times")
        server.behave()
        watched.sees("works again after")
        assert watched.end() == os.EX_OK
    assert watched.said.count("come back later") == 1
    assert "; again in 0.1" in watched.said


def test_who_waits_is_told_of_with_the_time(fetch, server):
    mbox = fetch.home / "mbox"
    fetch.errand.add("work", url=server.url, password=PASSWORD, every="1h", deliver=[{"mbox": str(mbox)}])
    lock = fetch.home / "mbox.lock"
    lock.write_text(f"{os.getpid()} {socket.gethostname()}\n")
    with watching(fetch) as watched:
        watched.sees("is locked by another program")
        lock.unlink()
        watched.sees("work: 2 delivered")
        assert watched.end() == os.EX_OK
    assert all(line[:2] == "20" for line in watched.said.splitlines() if "work: " in line)


def test_asked_to_it_reads_the_file_again(fetch, server):
    fetch.errand.add("work", url=server.url, password="wrong", every="1h")
    with watching(fetch) as watched:
        watched.sees("work: ")
        fetch.errand.change(password=PASSWORD, every="2h")
        fetch.errand.add("home", url=server.url, password=PASSWORD, every="100ms")
        watched.process.send_signal(signal.SIGHUP)
        watched.sees("watching work every 2h; home every 0.1s")
        watched.sees("work: 2 delivered")
        watched.sees("home: 2 delivered")
        assert watched.end() == os.EX_OK


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("at_once = 0\n", "fetch.toml:1: at_once: 0 does not fit"),
        ("", "there is no account to fetch"),
        ('[[account]]\nname = "a"\nurl = "pop3s://x.example"\ndeliver = [{ maildir = "m" }]\n', "whose mail is it"),
    ],
)
def test_a_file_that_became_wrong_is_told_and_changes_nothing(fetch, server, wrong, told):
    fetch.errand.add("work", url=server.url, password=PASSWORD, every="100ms")
    with watching(fetch) as watched:
        watched.sees("work: 2 delivered")
        fetch.errand.config.write_text(wrong)
        watched.process.send_signal(signal.SIGHUP)
        watched.sees("the file as it was before goes on")
        assert told in watched.said
        server.put(b"Subject: three\r\n\r\n3\r\n")
        watched.sees("work: 1 delivered")
        assert watched.end() == os.EX_OK
    assert watched.said.count("watching") == 1


def test_a_terminal_that_is_closed_ends_it(fetch, server):
    fetch.errand.add("work", url=server.url, password=PASSWORD, every="1h")
    with Typist(fetch.errand.command("--watch"), fetch.home) as terminal:
        terminal.sees("watching work every 1h")
        terminal.sees("work: 2 delivered")
        terminal.hang_up()
        assert terminal.wait() == os.EX_OK


def test_nothing_is_watched_where_all_accounts_are_disabled(fetch, server):
    fetch.errand.add("work", url=server.url, password=PASSWORD, enabled=False)
    for words in ((), ("--watch",)):
        outcome = fetch(*words)
        assert (outcome.code, outcome.out) == (0, "")
        assert "no account is enabled in " in outcome.err
    assert fetch("-q").err == ""


def test_who_watches_in_silence_is_stopped_though_nobody_reads_that(fetch, server):
    fetch.errand.add("work", url=server.url, password=PASSWORD, every="1h")
    command = fetch.errand.command("--watch", "-q")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            wait_until(lambda: len(fetch.errand.messages()) == len(MESSAGES), "it fetches")
            assert process.stderr is not None
            process.stderr.close()
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        finally:
            process.kill()
    assert process.returncode != -signal.SIGKILL


async def test_a_run_that_does_not_end_is_stopped_where_the_file_was_read_again(tmp_path, server, monkeypatch, capsys):
    monkeypatch.setattr(fetch_watch, "GRACE", 0.05)
    server.behave([Stall("RETR", 40)])
    errand = Errand(tmp_path, url=server.url, password=PASSWORD, every="10ms")

    def read() -> tuple[FetchConfig, list[Account]]:
        settings = load_fetch_config(errand.config)
        return settings, settings.account

    watch = Watch(read, Teller(lambda _: ""), lambda _: None, lambda _: contextlib.nullcontext())
    watching = asyncio.create_task(watch.go(*read()))
    try:
        await asyncio.to_thread(wait_until, lambda: any("RETR" in line for line in server.commands), "it fetches")
        server.behave()
        watch.reread()
        wanted = errand.messages
        await asyncio.to_thread(wait_until, lambda: len(wanted()) == len(MESSAGES), "the next run fetches all")
    finally:
        watching.cancel()
        await asyncio.wait([watching])
    assert errand.messages() == MESSAGES
    assert capsys.readouterr().err.count("watching work") == 2


@contextlib.asynccontextmanager
async def _opened(rounds, *_, **__):
    """In the place of the house."""
    yield rounds
    rounds.is_closed = True


class SlowRounds:
    """Rounds with a run that takes its time, though it is stopped."""

    def __init__(self) -> None:
        self.watched: dict[str, Progress] = {}
        self.is_asked, self.may = asyncio.Event(), asyncio.Event()
        self.is_closed = self.was_closed_early = False

    async def watch(self, _schedule) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.is_asked.set()
            await self.may.wait()
            self.was_closed_early = self.is_closed

    def end(self) -> None:
        pass


async def test_stopped_while_it_stops_runs_it_still_waits_for_them(tmp_path, server, monkeypatch):
    monkeypatch.setattr(fetch_watch, "GRACE", 0.01)
    rounds = SlowRounds()
    monkeypatch.setattr(house, "opened_rounds", partial(_opened, rounds))
    errand = Errand(tmp_path, url=server.url, password=PASSWORD)
    settings = load_fetch_config(errand.config)
    watch = Watch(
        lambda: (settings, settings.account), Teller(lambda _: ""), lambda _: None, lambda _: contextlib.nullcontext()
    )
    watching = asyncio.create_task(watch.go(settings, settings.account))
    await asyncio.sleep(0)
    watch.reread()
    await rounds.is_asked.wait()
    watching.cancel()
    await asyncio.sleep(0.01)
    assert not watching.done(), "nobody is left who would record it"
    rounds.may.set()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert not rounds.was_closed_early


class Failing(SlowRounds):
    """Rounds that note how long they would wait after a failure."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.has_begun = asyncio.Event()
        self.may.set()

    async def watch(self, schedule) -> None:
        job = SimpleNamespace(account=SimpleNamespace(name="work"))
        self.waits.append(schedule(job).next(FetchError("no", Trouble.TEMPORARY)))
        self.has_begun.set()
        await super().watch(schedule)


async def test_how_often_an_account_failed_is_not_forgotten_unless_it_was_changed(tmp_path, server, monkeypatch):
    monkeypatch.setattr(fetch_watch, "GRACE", 0.01)
    rounds = Failing()
    monkeypatch.setattr(house, "opened_rounds", partial(_opened, rounds))
    errand = Errand(tmp_path, url=server.url, password=PASSWORD, every="1s")

    def read() -> tuple[FetchConfig, list[Account]]:
        settings = load_fetch_config(errand.config)
        return settings, settings.account

    watch = Watch(read, Teller(lambda _: "", is_quiet=True), lambda _: None, lambda _: contextlib.nullcontext())
    watching = asyncio.create_task(watch.go(*read()))
    for password in (PASSWORD, PASSWORD, "another one"):
        await rounds.has_begun.wait()
        rounds.has_begun.clear()
        errand.change(password=password)
        watch.reread()
    await rounds.has_begun.wait()
    watching.cancel()
    await asyncio.wait([watching])
    assert [int(wait / 1.0) for wait in rounds.waits] == [1, 2, 4, 1]


def test_who_disables_all_accounts_may_enable_some_later(fetch, server):
    fetch.errand.add("work", url=server.url, password=PASSWORD, every="1h")
    with watching(fetch) as watched:
        watched.sees("work: 2 delivered")
        fetch.errand.change(enabled=False)
        watched.process.send_signal(signal.SIGHUP)
        watched.sees("watching no account")
        fetch.errand.change(enabled=True)
        server.put(b"Subject: three\r\n\r\n3\r\n")
        watched.process.send_signal(signal.SIGHUP)
        watched.sees("work: 1 delivered")
        assert watched.end() == os.EX_OK
