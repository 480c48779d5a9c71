"""When an account's next run is."""

from postane.fetch.errors import FetchError, Trouble
from postane.fetch.schedule import LONGEST, Schedule


def error(trouble: Trouble, wait: float | None = None) -> FetchError:
    return FetchError("no", trouble, wait=wait)


def test_so_often_and_not_all_at_once():
    assert Schedule(300, lambda: 0.0).next(None) == 300
    assert Schedule(300, lambda: 1.0).next(None) == 330
    assert Schedule(300, lambda: 0.5).first() < 5


def test_later_after_each_failure_and_soon_again_after_none():
    schedule = Schedule(300, lambda: 0.0)
    assert [schedule.next(error(Trouble.TEMPORARY)) for _ in range(6)] == [300, 600, 1200, 2400, LONGEST, LONGEST]
    assert schedule.next(None) == 300
    assert schedule.next(error(Trouble.UNREACHABLE)) == 300


def test_a_refused_login_is_tried_more_seldom():
    schedule = Schedule(60, lambda: 0.0)
    assert schedule.next(error(Trouble.LOGIN)) == 360


def test_a_long_time_stays_as_long():
    assert Schedule(7200, lambda: 0.0).next(error(Trouble.TEMPORARY)) == 7200


def test_never_earlier_than_the_server_wants():
    assert Schedule(60, lambda: 0.0).next(error(Trouble.TEMPORARY, wait=900)) == 900
