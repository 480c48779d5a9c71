"""Which processes live."""

import os

from postane.sinks.processes import lives


def test_ours_does_and_one_that_cannot_be_does_not() -> None:
    assert lives(os.getpid())
    assert lives(1)
    assert not lives(2**22 + 1)
    assert lives(2**100), "no number of a process: nothing is known of it"
