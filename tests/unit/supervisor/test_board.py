"""Memory that all workers share, over a real fork."""

import os

import pytest

from postane.accounts.throttle import Patience, Throttle
from postane.supervisor.board import ROWS, Board


def test_counts_are_seen_over_a_fork_and_cleared_with_the_worker() -> None:
    board = Board()
    own, childs = board.take_row(), board.take_row()
    pid = os.fork()
    if not pid:
        entered = board.connections(childs).enter("192.0.2.1", 1)
        os._exit(0 if entered else 1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert not board.connections(own).enter("192.0.2.1", 1)
    assert board.sessions(own).enter("192.0.2.1", 1), "sessions are counted apart"
    board.clear(childs)
    assert board.connections(own).enter("192.0.2.1", 1)


def test_rows_are_given_again() -> None:
    board = Board()
    rows = [board.take_row() for _ in range(ROWS)]
    assert len(set(rows)) == ROWS
    with pytest.raises(RuntimeError):
        board.take_row()
    board.clear(5)
    assert board.take_row() == 5


def test_failed_logins_are_seen_over_a_fork_and_outlive_the_worker() -> None:
    board = Board()
    row = board.take_row()
    pid = os.fork()
    if not pid:
        throttle = Throttle(board.failures, Patience(lockout_after=3), lambda: 1000.0)
        for guess in (b"a", b"b", b"c"):
            throttle.failed("192.0.2.1", "ada", guess)
        os._exit(0)
    os.waitpid(pid, 0)
    board.clear(row)
    throttle = Throttle(board.failures, Patience(lockout_after=3), lambda: 1000.0)
    assert throttle.check("192.0.2.1", "bob") > 0
    assert throttle.check("198.51.100.1", "ada") > 0
    assert throttle.check("198.51.100.1", "bob") == 0
