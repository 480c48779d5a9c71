"""Quotas, the same for every index."""

import pytest

from postane.maildrop.base import Quota, QuotaExceeded, Usage
from postane.maildrop.sides import Step, check_quota, ignore_step


@pytest.mark.parametrize(
    ("quota", "held", "octets"),
    [
        (Quota(), Usage(10**6, 10**12), 10**9),
        (Quota(octets=100), Usage(5, 60), 40),
        (Quota(messages=6), Usage(5, 60), 40),
        (Quota(octets=0), Usage(0, 0), 0),
    ],
)
def test_what_fits(quota, held, octets):
    check_quota(quota, held, octets)


@pytest.mark.parametrize(
    ("quota", "held", "octets"),
    [
        (Quota(octets=100), Usage(5, 60), 41),
        (Quota(messages=5), Usage(5, 60), 0),
        (Quota(messages=0), Usage(0, 0), 0),
        (Quota(octets=100, messages=1), Usage(0, 0), 101),
    ],
)
def test_what_does_not(quota, held, octets):
    with pytest.raises(QuotaExceeded) as refused:
        check_quota(quota, held, octets)
    assert refused.value.text == "maildrop is full", "how full is the owner's business"
    assert "quota" in refused.value.log


def test_nobody_needs_to_watch_steps():
    assert [ignore_step(step) for step in Step] == [None] * len(Step)
