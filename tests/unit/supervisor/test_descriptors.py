"""How open files are shared out."""

import os
import resource

import pytest

from postane.supervisor.descriptors import (
    LINGERING,
    RESERVE,
    descriptors_allowed,
    descriptors_possible,
    places,
    shortfall,
)


def test_what_the_system_allows() -> None:
    assert (descriptors_allowed(), descriptors_possible()) == resource.getrlimit(resource.RLIMIT_NOFILE)
    pid = os.fork()
    if not pid:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        os._exit(0 if (descriptors_allowed(), descriptors_possible()) == (64, hard) else 1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize("descriptors", [256, 1024, 65536, 524288])
def test_connections_leave_the_rest_for_files(descriptors: int) -> None:
    assert places(descriptors) >= 1
    assert 3 * places(descriptors) + RESERVE <= descriptors
    assert LINGERING < RESERVE


def test_there_is_always_a_place() -> None:
    assert places(16) == 1


@pytest.mark.parametrize(("connections", "workers", "descriptors"), [(20000, 2, 65536), (100, 1, 1024), (298, 1, 1024)])
def test_nothing_is_said_where_all_can_come(connections: int, workers: int, descriptors: int) -> None:
    assert shortfall(connections, workers, descriptors) is None


@pytest.mark.parametrize(("connections", "workers"), [(20000, 2), (20000, 3), (299, 1)])
def test_what_is_advised_is_enough(connections: int, workers: int) -> None:
    words = shortfall(connections, workers, 1024)
    assert words is not None
    assert f"limits.connections is {connections}, but with 1024 open files a process" in words
    needed = int(words.partition("LimitNOFILE=")[2].partition(" ")[0])
    assert f"ulimit -n {needed}" in words
    assert shortfall(connections, workers, needed) is None
