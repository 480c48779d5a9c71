"""How many open files a process may have, and how they are shared out, so that connections leave some for the mail.

A third is for connections, a third for what sessions hold open besides (a lease, a message that comes or goes), a third
for the indexes of drops (`maildrop/sqlite_handles`), and a few before that for the process itself. Where connections
could take all of them, the rule by which who came first and has not logged in makes room would never come to be: the
system would shut everybody out before.

Must not know: who connects.
"""

import resource

RESERVE = 128
"""Listeners, pipes, accounts, logs, connections that are being told that there is no room: half of it and less."""

LINGERING = 64
"""Connections without a place that may be told so, and be waited for until they have read it; more are just closed."""


def descriptors_allowed() -> int:
    """How many open files this process may have now."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if soft == resource.RLIM_INFINITY else soft


def descriptors_possible() -> int:
    """How many it may have once it has asked for all that it can get."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if hard == resource.RLIM_INFINITY else hard


def places(descriptors: int) -> int:
    """Connections that a process with so many descriptors takes in."""
    return max(1, (descriptors - RESERVE) // 3)


def shortfall(connections: int, workers: int, descriptors: int) -> str | None:
    """What is to be said where workers with so many descriptors each cannot reach `limits.connections`."""
    reached = workers * places(descriptors)
    if reached >= connections:
        return None
    needed = RESERVE + 3 * -(-connections // workers)
    return (
        f"limits.connections is {connections}, but with {descriptors} open files a process {reached} can be reached:"
        f" set LimitNOFILE={needed} in the service, or ulimit -n {needed}, or lower it"
    )
