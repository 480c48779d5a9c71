"""Fixtures that several folders share."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from support import postoffice

# No test asserts a time, so no property test has a deadline.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# Whoever starts this in the background of a script has Ctrl-C ignored, by the programs of the tests too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    """What `-n auto` means: one more than there are processors, as a third of the time is spent waiting for others."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def post_office() -> Iterator[postoffice.PostOffice]:
    """One running server for all tests that do not disturb it; each test takes accounts of its own."""
    with postoffice.PostOffice(pool=24) as office:
        yield office


@pytest.fixture
def mailbox(post_office: postoffice.PostOffice) -> postoffice.Mailbox:
    """An account that is this test's alone."""
    return post_office.fresh()
