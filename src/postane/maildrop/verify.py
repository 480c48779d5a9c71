"""Proves that every row has its blob, every blob its digest, and that no blob is without a row.

Must not know: which index and which blob side.
"""

import hashlib
from collections.abc import AsyncIterator

from .base import Blob, Finding, FindingKind, Row, StoreDamaged
from .sides import BlobSide, Index
from .spool import BLOCK


async def check_blobs(index: Index, blobs: BlobSide, drop: str, orphan_age: float) -> AsyncIterator[Finding]:
    """What is wrong with a drop's blobs. A Finding of an orphan has its name as `detail`.

    The names are listed before the rows: what is placed meanwhile is too young to be taken for an orphan, and a
    row that goes meanwhile is looked for again before its blob is missed.
    """
    orphans = set(await blobs.names(drop, orphan_age))
    for rows in (index.deleted, index.rows):
        async for row in rows(drop):
            if row.blob is None:
                continue
            orphans.discard(row.blob.name)
            wrong = await _check(blobs, drop, row.blob)
            if wrong is not None and await _is_there(index, drop, row):
                yield Finding(drop, wrong[0], wrong[1], row.uid)
    if orphans:  # what was put out of sight meanwhile is in neither list
        orphans -= {row.blob.name async for row in index.deleted(drop) if row.blob}
    for name in sorted(orphans):
        yield Finding(drop, FindingKind.ORPHAN, name)


async def _check(blobs: BlobSide, drop: str, blob: Blob) -> tuple[FindingKind, str] | None:
    digest = hashlib.sha256()
    try:
        reader = await blobs.open(drop, blob)
    except StoreDamaged as error:
        is_there = blob.name in await blobs.names(drop, 0.0)
        return FindingKind.BODY_DAMAGED if is_there else FindingKind.BODY_MISSING, error.log
    try:
        while octets := await reader.read(BLOCK):
            digest.update(octets)
    except StoreDamaged as error:
        return FindingKind.BODY_DAMAGED, error.log
    finally:
        await reader.close()
    if digest.digest() != blob.digest:
        return FindingKind.BODY_DAMAGED, f"blob {blob.name} is not what was stored"
    return None


async def _is_there(index: Index, drop: str, row: Row) -> bool:
    if row.deleted is None:
        return bool(await index.fetch(drop, row.uid, row.uid))
    return row.uid in [kept.uid async for kept in index.deleted(drop)]
