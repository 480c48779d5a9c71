"""The live table: how far each account is, what goes wrong, when the next run is; on a narrow terminal too."""

import io
import os

import pytest
from rich.console import Console

from postane.cli.fetch_screen import picture
from postane.cli.words import Exit
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.progress import Progress
from postane.testing.hostile import hostile_server
from support.aside import aside
from support.postoffice import wait_until
from support.terminal import Typist

MESSAGES = [b"Subject: one\r\n\r\n1\r\n", b"Subject: two\r\n\r\n2\r\n"]
PASSWORD = "tanstaaf"
HIDE, SHOW = b"\x1b[?25l", b"\x1b[?25h"


def made(account: str = "work", **changes: object) -> Progress:
    progress = Progress(account, lambda: 12.0)
    progress.begin()
    for name, value in changes.items():
        setattr(progress, name, value)
    return progress


def drawn(*progresses: Progress, width: int = 120, height: int = 1000) -> list[str]:
    screen = io.StringIO()
    Console(file=screen, width=width, color_system=None).print(picture(progresses, width, height))
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def test_the_table_tells_how_far_it_is():
    progress = made(
        step="fetching", messages=3, messages_total=10, octets=2048, octets_total=8192, began=10.0, failed=1
    )
    heading, row = drawn(progress)
    assert heading.split() == ["account", "step", "messages", "octets", "per", "second", "errors"]
    assert row.split("  ")[0] == "work"
    assert all(words in row for words in ("fetching", "3 of 10", "2 kB of 8 kB", " 1 kB", " 1"))


@pytest.mark.parametrize("words", ["[/nothing] to close", "[link=https://evil.example]here", "[bold]x :warning:"])
def test_what_a_server_says_is_no_markup(words):
    progress = made("[/work]")
    progress.end(FetchError(f"RETR was refused: {words}\x1b[31m", Trouble.TEMPORARY))
    assert drawn(progress)[-1] == f"[/work]: RETR was refused: {words}\\x1b[31m"
    assert drawn(progress)[1].startswith("[/work]")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0s"), (-3, "0s"), (59.6, "1m 0s"), (250, "4m 10s"), (3 * 3600 + 59, "3h 0m")]
)
def test_who_waits_is_told_how_long(seconds, words):
    assert f"next in {words}" in drawn(made(next_at=12.0 + seconds))[1]


@pytest.mark.parametrize("width", [40, 50, 64, 80, 100])
def test_a_narrow_terminal_has_what_it_has_room_for(width):
    full = {"messages": 9999, "messages_total": 10000, "octets": 1_200_000, "octets_total": 4_000_000, "failed": 1000}
    rows = drawn(made("somebody-with-a-long-name@example.org", step="fetching", **full), width=width)
    assert all(len(row) <= width for row in rows)
    assert "9999 of 10000" in rows[1], "numbers are whole"
    assert rows[1].startswith("some")
    assert ("1.14 MB of 3.81 MB" in rows[1]) == (width >= 64)
    troubles = drawn(made(error=FetchError("x" * 200, Trouble.LOGIN)), width=width)
    assert len(troubles[-1]) == width
    assert troubles[-1].endswith("…")


def test_the_last_trouble_is_told():
    progress = made()
    progress.fail("one", Trouble.TEMPORARY)
    progress.fail("two", Trouble.TEMPORARY)
    assert drawn(progress)[-1] == "work: two"


def test_who_waits_for_others_is_told_why():
    progress = made(step="fetching")
    progress.wait("the mbox /m is locked by another program")
    rows = drawn(progress)
    assert rows[1].split() == ["work", "waiting", "0"]
    assert rows[2] == "work: the mbox /m is locked by another program"
    progress.wait("")
    assert "fetching" in drawn(progress)[1]


def test_who_needs_somebody_and_who_does_something_is_shown_where_not_all_are():
    waiting = [made(f"w{number}", next_at=40.0, ended=12.0) for number in range(28)]
    busy, bad = made("busy", step="fetching"), made("bad", ended=12.0, error=FetchError("no route", Trouble.LOGIN))
    rows = drawn(*waiting, busy, bad, height=24)
    assert len(rows) == 23, "the cursor has a line too"
    assert [row.split()[0] for row in rows[1:4]] == ["bad", "busy", "w0"]
    assert rows[-2:] == ["10 more accounts are not shown", "bad: no route"]
    assert len([row for row in rows if row.startswith("w")]) == 18


@pytest.mark.parametrize("height", [5, 10, 24, 40])
def test_a_terminal_has_room_for_whatever_goes_wrong(height):
    bad = [made(f"b{number}", ended=12.0, error=FetchError("no route", Trouble.LOGIN)) for number in range(30)]
    rows = drawn(*bad, height=height)
    assert len(rows) < height
    assert rows[-1] == f"and {30 - height // 3 + 1} more that something is wrong with"
    assert any("are not shown" in row for row in rows)


@pytest.mark.parametrize("count", [1, 21, 22])
def test_all_are_shown_in_their_order_where_there_is_room(count):
    rows = drawn(*(made(f"w{number}", next_at=40.0) for number in range(count)), height=24)
    assert [row.split()[0] for row in rows[1:]] == [f"w{number}" for number in range(count)]


def test_many_accounts_on_a_terminal(fetch):
    for number in range(30):
        fetch.errand.add(f"w{number}", url="pop3://mrose@127.0.0.1:1", password=PASSWORD, every="1h")
    with Typist(fetch.errand.command("--watch"), fetch.home, rows=24) as terminal:
        terminal.sees("accounts are not shown")
        terminal.sees("more that something is wrong with")
        terminal.type("\x03")
        assert terminal.wait() == os.EX_OK
        assert "..." not in terminal.text


@pytest.fixture
def server():
    with aside(hostile_server(MESSAGES)) as server:
        yield server


def test_who_watches_sees_the_table_between_runs_and_what_came_above_it(fetch, server):
    fetch.errand.add("work", url=server.url, password=PASSWORD, every="1h")
    with Typist(fetch.errand.command("--watch"), fetch.home) as terminal:
        terminal.sees("work: 2 delivered")
        terminal.sees("next in 1h")
        terminal.type("\x03")
        assert terminal.wait() == os.EX_OK
        terminal.sees("stopping")
        assert terminal.drawn.count(HIDE) == terminal.drawn.count(SHOW) == 1
        assert terminal.drawn.rstrip().rfind(SHOW) > terminal.drawn.rfind(HIDE)


def test_who_asks_for_silence_watches_without_a_table(fetch, server):
    fetch.errand.add("work", url=server.url, password=PASSWORD, every="100ms")
    with Typist(fetch.errand.command("--watch", "--json"), fetch.home) as terminal:
        terminal.sees('"delivered": 2')
        terminal.sees('"delivered": 0')
        assert HIDE not in terminal.drawn


def test_the_cursor_is_there_again_after_a_second_signal(fetch, server):
    fetch.errand.add("work", url=server.url, password=PASSWORD, deliver=[{"command": "touch begun; sleep 30"}])
    with Typist(fetch.errand.command(), fetch.home) as terminal:
        wait_until((fetch.home / "begun").exists, "it delivers")
        terminal.type("\x03")
        terminal.sees("stopping")
        terminal.type("\x03")
        assert terminal.wait() == Exit.TEMP_FAIL
        wait_until(lambda: SHOW in terminal.drawn, "the cursor is there")
        assert terminal.drawn.rfind(SHOW) > terminal.drawn.rfind(HIDE)


def test_a_password_is_asked_for_without_the_table(fetch, server):
    fetch.errand.add("work", url=server.url)
    with Typist(fetch.errand.command(), fetch.home) as terminal:
        terminal.sees("Password of mrose at 127.0.0.1: ")
        assert terminal.drawn.rfind(SHOW) > terminal.drawn.rfind(HIDE), "the table is out of the way"
        terminal.type(f"{PASSWORD}\n")
        terminal.sees("work: 2 delivered")
        assert terminal.wait() == os.EX_OK
