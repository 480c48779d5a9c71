"""Damage inside an index, found with names and numbers."""

import sqlite3

import pytest

from postane.maildrop.base import FindingKind, StoreTooNew
from postane.maildrop.sqlite_verify import find_damage, mend_totals
from support.store_child import deposit, message


@pytest.fixture
async def path(store, tmp_path):
    for number in (1, 2, 3):
        await deposit(store, message(number), "anna")
    await store.close()
    (path,) = (tmp_path / "post").glob("drops/*/anna/index.sqlite")
    return path


def change(path, statement):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement)
    connection.close()


async def test_a_sound_index(path):
    assert find_damage("anna", str(path)) == []


@pytest.mark.parametrize(
    ("statement", "kind", "uid"),
    [
        ("UPDATE body SET octets = zeroblob(length(octets)) WHERE uid = 1", FindingKind.BODY_DAMAGED, 1),
        ("UPDATE body SET octets = cast(octets AS TEXT) WHERE uid = 3", FindingKind.BODY_DAMAGED, 3),
        ("UPDATE body SET octets = x'' WHERE uid = 3", FindingKind.BODY_DAMAGED, 3),
        ("DELETE FROM body WHERE uid = 3", FindingKind.BODY_MISSING, 3),
        ("UPDATE message SET header_octets = -1 WHERE uid = 1", FindingKind.BODY_DAMAGED, 1),
        ("UPDATE message SET header_octets = 'many' WHERE uid = 1", FindingKind.BODY_DAMAGED, 1),
        ("UPDATE message SET blob_octets = 'many' WHERE uid = 2", FindingKind.BODY_DAMAGED, 2),
        ("UPDATE message SET digest = x'00' WHERE uid = 1", FindingKind.BODY_DAMAGED, 1),
        ("UPDATE meta SET octets = octets + 1", FindingKind.TOTALS_WRONG, None),
        ("UPDATE meta SET messages = 0", FindingKind.TOTALS_WRONG, None),
        ("UPDATE meta SET next_uid = 3", FindingKind.TOTALS_WRONG, None),
        ("UPDATE meta SET excess = 3", FindingKind.TOTALS_WRONG, None),
        ("DELETE FROM meta", FindingKind.INDEX_DAMAGED, None),
        ("DROP TABLE body", FindingKind.INDEX_DAMAGED, None),
    ],
)
async def test_each_kind(path, statement, kind, uid):
    change(path, statement)
    (finding,) = find_damage("anna", str(path))
    assert (finding.drop, finding.kind, finding.uid) == ("anna", kind, uid)
    assert finding.detail


async def test_an_empty_file_is_told(path):
    path.write_bytes(b"")
    (finding,) = find_damage("anna", str(path))
    assert finding.kind is FindingKind.INDEX_DAMAGED


async def test_a_newer_one_is_no_damage(path):
    change(path, "PRAGMA user_version = 99")
    with pytest.raises(StoreTooNew):
        find_damage("anna", str(path))


async def test_a_uid_that_was_given_is_never_given_again_by_mending(path):
    change(path, "DELETE FROM message WHERE uid > 1")
    connection = sqlite3.connect(path)
    assert mend_totals(connection, 4) == (1, len(message(1)), 4, 0)
    assert mend_totals(connection, 1) == (1, len(message(1)), 2, 0)
    connection.close()
