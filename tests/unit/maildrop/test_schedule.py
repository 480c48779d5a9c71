import os

from postane.maildrop.schedule import LONGEST_PAUSE, Schedule


def test_a_round_is_due_at_once_and_then_after_a_period(tmp_path):
    schedule = Schedule(tmp_path / "turn", 100.0)
    assert schedule.begin(1000.0)
    schedule.end(1010.0)
    assert [schedule.begin(now) for now in (1010.0, 1109.0)] == [False, False]
    assert schedule.begin(1110.0)
    schedule.end(1110.0)


def test_a_restart_does_not_make_it_due(tmp_path):
    first = Schedule(tmp_path / "turn", 100.0)
    assert first.begin(1000.0)
    first.end(1000.0)
    assert not Schedule(tmp_path / "turn", 100.0).begin(1099.0)
    assert Schedule(tmp_path / "turn", 50.0).begin(1099.0)


def test_only_one_is_at_it(tmp_path):
    first, second = Schedule(tmp_path / "turn", 100.0), Schedule(tmp_path / "turn", 100.0)
    assert first.begin(1000.0)
    assert not second.begin(1000.0)
    first.end(1000.0)
    assert not second.begin(1000.0)
    assert second.begin(1100.0)
    second.end(1100.0)


def test_a_round_that_was_never_ended_is_begun_anew(tmp_path):
    dead = Schedule(tmp_path / "turn", 100.0)
    assert dead.begin(1000.0)
    os.close(dead._descriptor)  # as the system does when its process dies
    assert Schedule(tmp_path / "turn", 100.0).begin(1001.0)


def test_a_clock_that_was_put_back_does_not_stop_it(tmp_path):
    schedule = Schedule(tmp_path / "turn", 100.0)
    assert schedule.begin(9000.0)
    schedule.end(9000.0)
    assert schedule.begin(1000.0)
    schedule.end(1000.0)


def test_where_nothing_is_kept_nothing_is_due(tmp_path):
    assert not Schedule(tmp_path / "storage" / "turn", 100.0).begin(1000.0)
    assert not (tmp_path / "storage").exists()


def test_pauses_are_short_against_the_period():
    assert Schedule("turn", 8.0).pause == 1.0
    assert Schedule("turn", 86400.0).pause == LONGEST_PAUSE
