from pathlib import Path

from postane.accounts.base import Account
from postane.accounts.partial import Salts
from postane.accounts.records import Entry, Place, read_account, read_records
from postane.accounts.schema import open_database
from postane.accounts.scram_keys import derive
from postane.maildrop.base import LockPolicy, Quota


def test_an_account_from_its_columns():
    nothing = (None, None, None, None)
    assert read_account(("anna", 0, 10, None, *nothing)) == Account("anna", "anna", False, Quota(10, None))
    own = ("takeover", float("inf"), 300.0, 1)
    account = Account("anna", "anna", True, Quota(), LockPolicy.TAKEOVER, float("inf"), 300.0, True)
    assert read_account(("anna", 1, None, None, *own)) == account


def test_places():
    assert Place(Path("/storage")).database == Path("/storage/accounts.sqlite")


def test_an_entry_does_not_show_its_hash():
    entry = Entry("anna", "the hash", derive("secret", "anna", Salts(b"k" * 32)))
    assert "hash" not in repr(entry)
    assert "Keys" not in repr(entry)


def test_records_of_nobody(tmp_path):
    database = open_database(tmp_path)
    assert read_records(database, None) == []
    assert read_records(database, "anna") == []
    database.close()
