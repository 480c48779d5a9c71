"""How far a run is."""

from postane.fetch.errors import FetchError, Trouble
from postane.fetch.progress import Progress


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
