"""From root to a user who may do less, in a process of its own."""

import os
import pwd
import resource
from pathlib import Path

import pytest

from postane.config.file import ConfigError
from postane.supervisor.privileges import drop_privileges, find_user, forbid_cores, raise_descriptors


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_there_is_no_way_back() -> None:
    nobody = pwd.getpwnam("nobody")
    pid = os.fork()
    if not pid:
        drop_privileges("nobody")
        is_nobody = os.getresuid() == (nobody.pw_uid,) * 3 and os.getresgid() == (nobody.pw_gid,) * 3
        try:
            os.setuid(0)
        except PermissionError:
            os._exit(0 if is_nobody and 0 not in os.getgroups() else 1)
        os._exit(2)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/proc/self/status").exists(), reason="only root can become somebody else"
)
def test_nothing_of_root_is_left() -> None:
    pid = os.fork()
    if not pid:
        drop_privileges("nobody")
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        powers = [int(status[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")]
        os._exit(0 if not any(powers) and os.getgroups() == [pwd.getpwnam("nobody").pw_gid] else 1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_as_many_open_files_as_are_allowed() -> None:
    pid = os.fork()
    if not pid:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        raise_descriptors()
        os._exit(0 if resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard else 1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_an_unknown_user_is_named() -> None:
    with pytest.raises(ConfigError, match='no user "nobody-of-that-name"; create it, or name another'):
        find_user("nobody-of-that-name")


def test_no_core_is_left_behind() -> None:
    pid = os.fork()
    if not pid:
        forbid_cores()
        os._exit(0 if resource.getrlimit(resource.RLIMIT_CORE) == (0, 0) else 1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
