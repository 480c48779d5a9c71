"""How many heaps the C library keeps for a worker's threads.

glibc gives each thread a heap of its own, up to eight for each processor. What one thread took and another one gave
back stays in it: after 4,000 sessions whose indexes were opened by sixteen threads that was 48 MB, of 49. Threads here
take turns by the interpreter's lock anyway.

Must not know: what is in them.
"""

import ctypes
import sys

HEAPS = 2
"""One for the event loop, one for the threads that wait for disks."""

_M_ARENA_MAX = -8
"""As glibc's <malloc.h> has it."""


def share_heaps() -> bool:
    """Let all threads that are begun from now on share a few heaps; whether the C library knows how."""
    if sys.platform != "linux":
        return False
    try:
        told = ctypes.CDLL(None).mallopt(_M_ARENA_MAX, HEAPS)
    except (AttributeError, OSError):  # another C library
        return False
    return bool(told == 1)
