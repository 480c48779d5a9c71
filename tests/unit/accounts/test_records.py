from pathlib import Path

from postane.accounts.base import Account
from postane.accounts.records import Entry, Place, read_account, read_records
from postane.accounts.schema import open_database
from postane.maildrop.base import Quota


def test_an_account_from_its_columns():
    assert read_account(("anna", 0, 10, None)) == Account("anna", "anna", False, Quota(10, None))


def test_places():
    assert Place(Path("/storage")).database == Path("/storage/accounts.sqlite")


def test_an_entry_does_not_show_its_hash():
    assert "hash" not in repr(Entry("anna", "the hash"))


def test_records_of_nobody(tmp_path):
    database = open_database(tmp_path)
    assert read_records(database, None) == []
    assert read_records(database, "anna") == []
    database.close()
