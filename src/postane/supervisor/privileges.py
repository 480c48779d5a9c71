"""What a process may do: fewer rights than root, and as many open files as it is allowed.

Must not know: why.
"""

import os
import pwd
import resource

from postane.config.file import ConfigError


def drop_privileges(user: str) -> None:
    """Become `user` for good, with that user's groups; nothing to do when not root. Raises ConfigError."""
    if os.geteuid() != 0:
        return
    entry = find_user(user)
    os.initgroups(entry.pw_name, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def raise_descriptors() -> None:
    """As many open files as the system lets us have: a connection is one, an open maildrop about six."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def forbid_cores() -> None:
    """Leave no core behind: passwords would be in it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def find_user(user: str) -> pwd.struct_passwd:
    """The system's entry of a user. Raises ConfigError."""
    try:
        return pwd.getpwnam(user)
    except KeyError:
        raise ConfigError(f'server.user: this machine has no user "{user}"; create it, or name another') from None
