"""Who is asked for a password may give up, in every command that fetches: by Ctrl-C, heard at once, or Ctrl-D."""

import os
import signal

import pytest

from postane.cli import asking
from postane.testing.hostile import hostile_server
from support.aside import aside
from support.terminal import Typist

PROMPT = "Password of mrose at 127.0.0.1: "
INTERRUPTED = 130
CTRL_C, CTRL_D = "\x03", "\x04"


@pytest.fixture
def server():
    with aside(hostile_server([b"Subject: one\r\n\r\n1\r\n"])) as server:
        yield server


@pytest.fixture
def typist(fetch, server):
    """Somebody at a terminal, where no account says what its password is."""
    fetch.errand.add("work", url=server.url)
    fetch.errand.add("home", url=server.url.replace("mrose", "anna"))
    return lambda *words: Typist(fetch.errand.command(*words), fetch.home)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("work",), 75, "postane: stopped; what was fetched is delivered and recorded"),
        (("--watch", "work"), 0, "stopping: what is being delivered is recorded first"),
        (("--dry-run", "work"), INTERRUPTED, "no password was given"),
        (("check", "--connect", "work"), INTERRUPTED, "no password was given"),
        (("state", "mark-seen", "work"), INTERRUPTED, "no password was given"),
    ],
)
def test_ctrl_c_ends_it_at_once_and_in_good_order(typist, words, code, told):
    with typist(*words) as terminal:
        terminal.sees(PROMPT)
        terminal.type(CTRL_C)
        assert terminal.wait() == code
        terminal.sees(told)
        assert "Traceback" not in terminal.text


def test_a_terminal_that_is_closed_ends_who_watches_while_it_asks(typist):
    with typist("--watch", "work") as terminal:
        terminal.sees(PROMPT)
        terminal.hang_up()
        assert terminal.wait() == os.EX_OK


@pytest.mark.parametrize(("words", "code"), [((), 75), (("--dry-run",), INTERRUPTED)])
def test_who_gives_up_is_not_asked_for_the_next_account(typist, words, code):
    with typist(*words) as terminal:
        terminal.sees("Password of ")
        terminal.type(CTRL_C)
        assert terminal.wait() == code
        assert terminal.text.count("Password of ") == 1


@pytest.mark.parametrize("words", [("work",), ("--dry-run", "work"), ("check", "--connect", "work"),
                                   ("state", "mark-seen", "work")])  # fmt: skip
def test_ctrl_d_is_no_password(typist, words):
    with typist(*words) as terminal:
        terminal.sees(PROMPT)
        terminal.type(CTRL_D)
        assert terminal.wait() == os.EX_NOPERM
        terminal.sees("no password of work was given: write for example password = {")
        assert "Traceback" not in terminal.text


@pytest.mark.parametrize(("key", "code", "told"), [(CTRL_C, INTERRUPTED, "no password was given"),
                                                   (CTRL_D, os.EX_NOPERM, "nothing was written")])  # fmt: skip
def test_who_adds_an_account_may_give_up(fetch, server, key, code, told):
    with Typist(fetch.errand.command("add", "mrose@example.org", "--url", server.url), fetch.home) as terminal:
        terminal.sees(PROMPT)
        terminal.type(key)
        assert terminal.wait() == code
        terminal.sees(told)
        assert "Traceback" not in terminal.text


def test_the_signals_are_afterwards_as_they_were(monkeypatch):
    heard = []
    monkeypatch.setattr(asking.getpass, "getpass", lambda prompt: f"asked: {prompt}")
    old = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        assert asking.type_password("who? ") == "asked: who? "
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, old)
    assert heard == [signal.SIGINT]


def test_a_signal_that_is_ignored_stays_so(monkeypatch):
    monkeypatch.setattr(asking.getpass, "getpass", lambda _: signal.raise_signal(signal.SIGINT) or "typed")
    old = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert asking.type_password("who? ") == "typed"
    finally:
        signal.signal(signal.SIGINT, old)
