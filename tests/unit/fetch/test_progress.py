"""How far a run is."""

import pytest

from postane.fetch.errors import FetchError, Trouble
from postane.fetch.progress import Progress, tell_of


def test_the_worst_trouble_counts_and_few_are_told_one_by_one():
    progress = Progress("work", lambda: 0.0)
    for number in range(12):
        progress.fail(f"message {number}", Trouble.TEMPORARY)
    progress.fail("refused", Trouble.REFUSED)
    assert (progress.worst, progress.failed, len(progress.troubles)) == (Trouble.TEMPORARY, 13, 10)
    progress.end(FetchError("no", Trouble.LOGIN))
    assert (progress.worst, progress.step) == (Trouble.LOGIN, "failed")


def test_seconds_run_until_the_end():
    now = [0.0]
    progress = Progress("work", lambda: now[0])
    assert progress.seconds == 0
    progress.begin()
    now[0] = 3
    assert progress.seconds == 3
    progress.end()
    now[0] = 9
    assert (progress.seconds, progress.step, progress.worst) == (3, "done", None)


@pytest.mark.parametrize(
    ("sink", "words", "told"),
    [
        ("maildir:/m", "no room", "maildir:/m: no room"),
        ("maildir:/m", "no room in the Maildir /m", "maildir: no room in the Maildir /m"),
        ("lmtp:unix:/l.sock for nobody", "unix:/l.sock: nobody: 550 who?", "lmtp: unix:/l.sock: nobody: 550 who?"),
        ("smtp:127.0.0.1:25", "cannot connect to 127.0.0.1:25", "smtp: cannot connect to 127.0.0.1:25"),
        ("imap:a@h.example:993/New", "h.example:993: no such folder", "imap: h.example:993: no such folder"),
        ("maildrop:anna", "maildrop:anna: it is in use", "maildrop:anna: it is in use"),
        ("memory", "never", "memory: never"),
    ],
)
def test_a_destination_is_named_once(sink, words, told):
    assert tell_of(sink, words) == told
