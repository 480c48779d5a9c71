"""Waiting for a lease, and the words for who has to."""

from dataclasses import replace

import pytest

from postane.maildrop.base import DropInUse, Holder, Lock, LockPolicy
from postane.maildrop.leases import Taken, acquire, in_use

HOLDER = Holder("s1", "192.0.2.1:4321", "pop3", 1_700_000_000.0)  # 22:13:20 UTC


class Attempts:
    """A lease that is free after some attempts."""

    def __init__(self, needed):
        self.left = needed
        self.made = 0

    async def __call__(self):
        self.made += 1
        return "lease" if self.made >= self.left else Taken(HOLDER)


async def nobody():
    raise AssertionError("nobody was to be evicted")


async def evict():
    return "taken over"


@pytest.mark.parametrize("policy", LockPolicy)
async def test_a_free_one_is_taken_at_once(policy):
    attempts = Attempts(1)
    assert await acquire(attempts, nobody, Lock(policy)) == "lease"
    assert attempts.made == 1


@pytest.mark.parametrize("policy", [LockPolicy.REFUSE, LockPolicy.SHARE])
async def test_refusal_does_not_wait(policy):
    attempts = Attempts(2)
    with pytest.raises(DropInUse):
        await acquire(attempts, nobody, Lock(policy, 60.0))
    assert attempts.made == 1


async def test_waiting_tries_again_until_patience_ends():
    attempts = Attempts(4)
    assert await acquire(attempts, nobody, Lock(LockPolicy.WAIT, 60.0)) == "lease"
    assert attempts.made == 4
    with pytest.raises(DropInUse):
        await acquire(Attempts(1_000_000), nobody, Lock(LockPolicy.WAIT, 0.05))


async def test_a_takeover_evicts_after_one_try():
    attempts = Attempts(2)
    assert await acquire(attempts, evict, Lock(LockPolicy.TAKEOVER, 60.0)) == "taken over"
    assert attempts.made == 1


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
    assert str(error.text) == f"maildrop is in use by another session {words}"
    assert error.holder is HOLDER
    assert "192.0.2.1" in error.log


def test_the_words_for_one_that_is_idle():
    error = in_use(replace(HOLDER, last_seen=HOLDER.since + 60), HOLDER.since + 180)
    assert str(error.text).endswith("since 22:13:20 UTC (3 min), idle for 2 min")


def test_words_without_a_holder():
    assert in_use(None, 0.0).text == "maildrop is in use by another session"
