"""Which processes of this machine live: what one has left that is gone may be cleared away.

Must not know: what was left.
"""

import os


def lives(pid: int) -> bool:
    """Whether there is a process of that number; True where that cannot be known."""
    if os.name == "nt":  # where such a signal would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's; or no number of a process
        return True
    return True
