"""How fetching is shown."""

import json

import pytest

from postane.cli.fetch_show import CODES, as_json, counted, exit_code, octets, report, span, summary
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.progress import Progress


def made(**changes: object) -> Progress:
    progress = Progress("work", lambda: 12.0)
    progress.begin()
    for name, value in changes.items():
        setattr(progress, name, value)
    return progress


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "0.977 kB"),
        (1024, "1 kB"),
        (1536, "1.5 kB"),
        (1024**2 * 20, "20 MB"),
        (10**16, "9.09e+03 TB"),
    ],
)
def test_octets_for_people(count, text):
    assert octets(count) == text


def test_a_run_on_one_line():
    progress = made(delivered=3, present=1, skipped=2, deleted=4, failed=5, octets=2048)
    progress.end()
    assert summary(progress) == (
        "work: 3 delivered, 1 there already, 2 left, 4 deleted at the server, 5 failed, 2 kB in 0.0 s"
    )
    progress.end(FetchError("no \x1b[31mroute", Trouble.UNREACHABLE))
    assert summary(progress).endswith("; then: no \\x1b[31mroute")


def test_what_was_done_goes_out_and_what_went_wrong_apart(capsys):
    progress = made(delivered=1, note="nothing is deleted")
    for number in range(12):
        progress.fail(f"message {number}", Trouble.TEMPORARY)
    progress.end()
    report(progress)
    out, err = capsys.readouterr()
    assert out.startswith("work: 1 delivered, 12 failed")
    assert err.splitlines() == [
        *(f"work: message {n}" for n in range(9)),
        "work: message 9; and 2 more failed",
        "work: nothing is deleted",
    ]
    progress.end(FetchError("no", Trouble.LOGIN))
    report(progress)
    assert capsys.readouterr().out == ""


def test_for_programs():
    progress = made(delivered=1)
    progress.end(FetchError("no", Trouble.LOGIN))
    told = as_json(progress)
    assert (told["ok"], told["trouble"], told["error"], told["note"]) == (False, "login", "no", None)
    assert json.loads(json.dumps(told)) == told


def test_every_trouble_has_a_code_of_its_own_and_the_worst_counts():
    assert set(CODES) == set(Trouble)
    assert len(set(CODES.values())) == len(Trouble)
    assert exit_code([]) == exit_code([made()]) == 0
    runs = [made(worst=trouble) for trouble in Trouble]
    for count in range(1, len(runs) + 1):
        assert exit_code(runs[:count]) == CODES[list(Trouble)[count - 1]]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.1, "0.1s"), (30, "30s"), (250, "4m 10s"), (300, "5m"), (3600, "1h"), (4200, "1h 10m")]
)
def test_times_that_stay(seconds, words):
    assert span(seconds) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0 messages"), (1, "1 message"), (2, "2 messages")])
def test_numbers_of_things(count, words):
    assert counted(count, "message") == words


def test_what_went_wrong_for_one_reason_is_told_once(capsys):
    progress = made()
    for number in range(1, 4):
        progress.fail(f"u{number}: mbox:/m: no room", Trouble.TEMPORARY)
    progress.fail("message 7 (u7): no such message", Trouble.TEMPORARY)
    progress.end()
    report(progress)
    assert capsys.readouterr().err.splitlines() == [
        "work: u1 and 2 more: mbox:/m: no room",
        "work: message 7 (u7): no such message",
    ]
    progress.end(FetchError("mbox:/m takes no message now: no room", Trouble.TEMPORARY))
    report(progress)
    assert capsys.readouterr().err.splitlines()[1:] == ["work: message 7 (u7): no such message"]


def test_of_a_run_that_did_nothing_only_why_is_told():
    progress = made(octets=0)
    progress.end(FetchError("no route", Trouble.UNREACHABLE))
    assert summary(progress) == "work: no route"
