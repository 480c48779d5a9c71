"""Waiting for a lease, and the words for who has to."""

import pytest

from postane.maildrop.base import DropInUse, Holder, Lock, LockPolicy, StoreUnavailable
from postane.maildrop.leases import Taken, acquire, in_use

HOLDER = Holder("s1", "192.0.2.1:4321", "pop3", 1_700_000_000.0)  # 22:13:20 UTC


class Attempts:
    """A lease that is free after some attempts."""

    def __init__(self, needed):
        self.left = needed
        self.made = 0

    def __call__(self):
        self.made += 1
        return "lease" if self.made >= self.left else Taken(HOLDER)


@pytest.mark.parametrize("policy", [LockPolicy.REFUSE, LockPolicy.WAIT])
async def test_a_free_one_is_taken_at_once(policy):
    attempts = Attempts(1)
    assert await acquire(attempts, Lock(policy)) == "lease"
    assert attempts.made == 1


async def test_refusal_does_not_wait():
    attempts = Attempts(2)
    with pytest.raises(DropInUse):
        await acquire(attempts, Lock(LockPolicy.REFUSE, 60.0))
    assert attempts.made == 1


async def test_waiting_tries_again_until_patience_ends():
    attempts = Attempts(4)
    assert await acquire(attempts, Lock(LockPolicy.WAIT, 60.0)) == "lease"
    assert attempts.made == 4
    with pytest.raises(DropInUse):
        await acquire(Attempts(1_000_000), Lock(LockPolicy.WAIT, 0.05))


async def test_what_is_not_offered_takes_nothing():
    attempts = Attempts(1)
    with pytest.raises(StoreUnavailable):
        await acquire(attempts, Lock(LockPolicy.TAKEOVER))
    assert attempts.made == 0


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (0, "since 22:13:20 UTC (0 s)"),
        (12.9, "since 22:13:20 UTC (12 s)"),
        (119, "since 22:13:20 UTC (119 s)"),
        (600, "since 22:13:20 UTC (10 min)"),
        (7200 * 5, "since 2023-11-14 22:13:20 UTC (10 h)"),
        (-5, "since 22:13:20 UTC (0 s)"),
    ],
)
def test_the_words(later, words):
    error = in_use(HOLDER, HOLDER.since + later)
    assert error.text == f"maildrop is in use by another session {words}"
    assert error.holder is HOLDER
    assert "192.0.2.1" in error.log


def test_words_without_a_holder():
    assert in_use(None, 0.0).text == "maildrop is in use by another session"
