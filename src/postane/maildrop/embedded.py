"""The embedded store: an SQLite index and files under one folder, for one machine.

Must not know: configuration.
"""

from pathlib import Path

from .drop import INLINE, JoinedStore
from .file_blobs import FileBlobs
from .sides import ORPHAN_AGE, StepHook, ignore_step
from .slow_drops import SlowDrops
from .sqlite_index import HANDLES, SqliteIndex


def embedded_store(
    path: Path,
    *,
    inline: int = INLINE,
    handles: int = HANDLES,
    orphan_age: float = ORPHAN_AGE,
    on_step: StepHook = ignore_step,
) -> JoinedStore:
    """The store under `path`. Opens nothing yet: it may be made before a process forks."""
    slow = SlowDrops()  # what is slow for the one is slow for the other
    index = SqliteIndex(path, handles=handles, on_step=on_step, slow=slow)
    blobs = FileBlobs(path, orphan_age=orphan_age, on_step=on_step, slow=slow)
    return JoinedStore(index, blobs, inline=inline, orphan_age=orphan_age)
