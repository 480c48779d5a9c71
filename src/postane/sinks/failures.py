"""What a failure of the system means for a destination that is made of files.

Must not know: which destination.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from .base import Delivery, Outcome, SinkError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""There is no room for this; perhaps for another one, perhaps later."""

_NEEDS_A_PERSON = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ELOOP})


def deferred(reason: str) -> Delivery:
    """Not now."""
    return Delivery(Outcome.DEFERRED, reason)


def refused(reason: str) -> Delivery:
    """Never."""
    return Delivery(Outcome.REFUSED, reason)


def in_words(error: OSError) -> str:
    """What the system says, with the file where it names one."""
    said = error.strerror or str(error)
    return f"{said}: {error.filename}" if isinstance(error.filename, str) else said


@contextmanager
def told_as(what: str) -> Iterator[None]:
    """An OSError inside becomes a SinkError: "WHAT: Permission denied"."""
    try:
        yield
    except OSError as error:
        is_named = isinstance(error.filename, str) and error.filename in what
        said = (error.strerror or str(error)) if is_named else in_words(error)
        raise SinkError(f"{what}: {said}", may_pass=error.errno not in _NEEDS_A_PERSON) from error
