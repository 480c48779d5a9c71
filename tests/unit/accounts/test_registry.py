"""What the contract suite does not show: importing, upgrading, traces of use, keys."""

import sqlite3
from contextlib import closing

import pytest

from postane.accounts.base import AccountsUnavailable, NameTaken, UnknownName
from postane.accounts.changes import FILE_NAME as CHANGES
from postane.accounts.changes import Changes
from postane.accounts.hashes import LIGHT, BadPassword, verify
from postane.accounts.names import BadName
from postane.accounts.records import Entry, Place
from postane.accounts.registry import ROWS_AT_ONCE, Registry
from postane.accounts.scram_keys import OWN, derive, unseal
from postane.maildrop.base import Quota
from postane.sasl.base import ScramDigest
from support.clock import Clock


@pytest.fixture
def clock():
    return Clock(1000.0)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def registry(place, clock):
    registry = Registry(place, clock=clock, cost=LIGHT)
    yield registry
    registry.close()


def keys_of(registry, name, label=OWN):
    return dict(registry._ask("SELECT digest, keys FROM scram WHERE account = ? AND label = ?", name, label))


def password_of(registry, name):
    return registry._ask("SELECT password FROM account WHERE name = ?", name)[0][0]


def test_a_record_tells_all_but_secrets(registry, clock):
    registry.add("Mrose", password="secret", quota=Quota(10, 20), aliases=["info", "@Example.org", "INFO"])
    clock.time = 2000.0
    registry.add_device("mrose", "phone", "tanstaaf")
    record = registry.show("MROSE")
    assert record.account.name == "mrose"
    assert record.account.quota == Quota(10, 20)
    assert (record.created, record.has_password) == (1000.0, True)
    assert record.aliases == ("@example.org", "info")
    assert [(device.label, device.created, device.last_used) for device in record.devices] == [("phone", 2000.0, None)]
    assert registry.records() == [record]
    assert "secret" not in repr(record)
    assert "tanstaaf" not in repr(record)


def test_records_are_sorted_and_keep_their_own(registry):
    registry.add("mrose", aliases=["info"])
    registry.add("anna")
    registry.add_device("anna", "phone")
    anna, mrose = registry.records()
    assert (anna.account.name, anna.aliases, len(anna.devices), anna.has_password) == ("anna", (), 1, False)
    assert (mrose.account.name, mrose.aliases, mrose.devices) == ("mrose", ("info",), ())
    registry.share("mrose", "anna")
    anna, mrose = registry.records()
    assert (anna.readers, anna.owners, mrose.readers, mrose.owners) == ((), ("mrose",), ("anna",), ())
    assert registry.records() == [registry.show("anna"), registry.show("mrose")]
    assert registry.names() == ["anna", "mrose"]


@pytest.mark.parametrize("password", ["", "a\nb", "x" * 300])
def test_unusable_passwords_are_refused_everywhere(registry, password):
    registry.add("mrose", password="secret")
    for use in (
        lambda: registry.add("anna", password=password),
        lambda: registry.set_password("mrose", password),
        lambda: registry.add_device("mrose", "phone", password),
    ):
        with pytest.raises(BadPassword):
            use()
    assert registry.names() == ["mrose"]
    assert registry.show("mrose").devices == ()


def test_a_near_name_is_proposed(registry):
    registry.add("mrose@example.org")
    with pytest.raises(UnknownName, match=r'did you mean "mrose@example.org"'):
        registry.show("mrsoe@example.org")
    with pytest.raises(UnknownName, match=r'there is no account "zzz"$'):
        registry.show("zzz")


@pytest.mark.parametrize("aliases", [["mrose"], ["a b"], ["anna"], ["fine", "anna"]])
def test_an_account_with_an_impossible_alias_is_not_added(registry, aliases):
    registry.add("anna")
    with pytest.raises((NameTaken, BadName)):
        registry.add("mrose", aliases=aliases)
    assert registry.names() == ["anna"]
    assert registry.existing(["fine"]) == {}


def test_what_is_taken(registry):
    registry.add("anna", aliases=["info"])
    assert registry.existing(["anna", "info", "ben"]) == {"anna": "anna", "info": "anna"}
    many = [f"user{number}" for number in range(2 * ROWS_AT_ONCE + 1)]
    registry.import_many([Entry(name, "{SHA}") for name in many])
    assert registry.existing(many) == {name: name for name in many}
    assert registry.existing([]) == {}


def test_an_import_is_all_or_nothing(registry):
    registry.add("anna", aliases=["info"])
    for taken in ("anna", "info"):
        with pytest.raises(NameTaken, match=taken):
            registry.import_many([Entry("ben", "{SHA}"), Entry(taken, "{SHA}")])
    assert registry.names() == ["anna"]


def test_an_update_changes_the_password_alone(registry):
    registry.add("anna", password="old", quota=Quota(10), aliases=["info"])
    registry.set_enabled("anna", False)
    assert registry.import_many([Entry("anna", "{SHA}new"), Entry("ben", "{SHA}new")], update=True) == 1
    record = registry.show("anna")
    assert password_of(registry, "anna") == "{SHA}new"
    assert (record.account.quota, record.account.is_enabled, record.aliases) == (Quota(10), False, ("info",))
    with pytest.raises(NameTaken):
        registry.import_many([Entry("info", "{SHA}")], update=True)


def test_an_upgrade_never_overwrites_a_newer_password(registry):
    registry.import_many([Entry("anna", "{SHA}old")])
    registry.renew("anna", "{SHA}old", "old")
    better = password_of(registry, "anna")
    assert verify(better, "old")
    registry.set_password("anna", "new")
    newer, keys = password_of(registry, "anna"), keys_of(registry, "anna")
    for stored in ("{SHA}old", better):
        registry.renew("anna", stored, "old")
    assert password_of(registry, "anna") == newer
    assert keys_of(registry, "anna") == keys, "nor its SCRAM keys"


def test_use_of_a_device_is_noted(registry):
    registry.add("anna")
    registry.add_device("anna", "phone")
    registry.note_uses([(3000.0, "anna", "phone"), (4000.0, "anna", "gone")])
    assert registry.show("anna").devices[0].last_used == 3000.0


def test_the_key_may_lie_elsewhere(tmp_path):
    registry = Registry(Place(tmp_path / "storage", tmp_path / "keys" / "device.key"))
    registry.add("anna")
    registry.add_device("anna", "phone")
    registry.close()
    assert (tmp_path / "keys" / "device.key").exists()
    assert not (tmp_path / "storage" / "device.key").exists()


def test_a_lost_key_is_not_replaced_while_secrets_wait_for_it(registry, place):
    registry.add("anna")
    registry.add_device("anna", "phone")
    (place.folder / "device.key").unlink()
    fresh = Registry(place)
    with pytest.raises(AccountsUnavailable, match=r"device\.key"):
        fresh.add_device("anna", "scanner")
    assert not (place.folder / "device.key").exists()
    fresh.revoke_device("anna", "phone")
    fresh.add_device("anna", "scanner")
    fresh.close()


def test_secrets_are_not_in_the_file(registry, place):
    registry.add("anna", password="the password in clear")
    registry.add_device("anna", "phone", "the secret of the device")
    registry.close()
    octets = b"".join(each.read_bytes() for each in place.folder.iterdir())
    assert b"anna" in octets
    assert b"the password in clear" not in octets
    assert b"the secret of the device" not in octets


def test_what_was_removed_is_wiped(registry, place):
    registry.import_many([Entry("anna", "{SHA}a hash to be forgotten")])
    registry.remove("anna")
    registry.close()  # the last to close writes the log back and removes it
    octets = b"".join(each.read_bytes() for each in place.folder.iterdir())
    assert b"to be forgotten" not in octets


# SCRAM keys


def test_keys_are_kept_when_a_password_is_set_and_replaced_with_it(registry):
    registry.add("anna")
    assert not registry.show("anna").has_scram_keys
    registry.set_password("anna", "secret")
    first = keys_of(registry, "anna")
    assert set(first) == {"sha1", "sha256"}
    assert registry.show("anna").has_scram_keys
    registry.set_password("anna", "secret")
    assert not set(first.values()) & set(keys_of(registry, "anna").values())
    registry.set_enabled("anna", False)
    assert registry.show("anna").has_scram_keys
    registry.remove("anna")
    assert registry._ask("SELECT * FROM scram") == []


def test_a_copy_of_the_database_has_no_key_in_it(registry, place):
    registry.add("anna", password="secret")
    for digest, sealed in keys_of(registry, "anna").items():
        pair = unseal(place.vault(), ("anna", OWN), ScramDigest(digest), sealed)
        registry.close()
        for part in (pair.stored_key, pair.server_key):
            assert part not in place.database.read_bytes()


def test_an_import_brings_keys_that_are_known_and_ends_the_old_ones(registry):
    salts = registry.salts()
    registry.import_many([Entry("anna", "hash", derive("secret", "anna", salts)), Entry("ben", "hash")])
    assert [record.has_scram_keys for record in registry.records()] == [True, False]
    registry.import_many([Entry("anna", "new"), Entry("ben", "new", derive("secret", "ben", salts))], update=True)
    assert [record.has_scram_keys for record in registry.records()] == [False, True]


def test_a_device_has_keys_of_its_own_until_it_is_revoked(registry):
    registry.add("anna", password="secret")
    own = keys_of(registry, "anna")
    for label in ("phone", "tablet"):
        registry.add_device("anna", label)
    phone, tablet = keys_of(registry, "anna", "phone"), keys_of(registry, "anna", "tablet")
    assert set(phone) == set(tablet) == {"sha1", "sha256"}
    registry.set_password("anna", "new")
    assert (keys_of(registry, "anna", "phone"), keys_of(registry, "anna") == own) == (phone, False)
    registry.import_many([Entry("anna", "hash")], update=True)
    assert (keys_of(registry, "anna", "phone"), keys_of(registry, "anna")) == (phone, {})
    registry.revoke_device("anna", "phone")
    assert (keys_of(registry, "anna", "phone"), keys_of(registry, "anna", "tablet")) == ({}, tablet)
    assert not registry.show("anna").has_scram_keys, "of the own password"
    registry.remove("anna")
    assert registry._ask("SELECT * FROM scram") == []


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), lambda path: path.chmod(0o644)])
def test_a_password_can_be_changed_without_the_key_file_and_ends_the_old_keys(registry, place, harm):
    for name in ("anna", "cem"):
        registry.add(name, password="secret")
    harm(place.folder / "device.key")
    registry.close()
    broken = Registry(place, cost=LIGHT)
    broken.set_password("anna", "new")
    broken.add("ben", password="secret")
    assert verify(password_of(broken, "anna"), "new")
    assert keys_of(broken, "anna") == keys_of(broken, "ben") == {}
    assert broken.salts() is None
    broken.renew("ben", password_of(broken, "ben"), "secret")
    assert keys_of(broken, "ben") == {}
    assert keys_of(broken, "cem") != {}, "the key may come back"
    broken.close()


def test_a_renewal_without_need_and_key_file_writes_nothing(place):
    registry = Registry(place)
    registry.add("anna", password="secret")
    (place.folder / "device.key").chmod(0o644)
    registry.close()
    before = registry._ask("SELECT * FROM account"), registry._ask("PRAGMA data_version")
    writer = Registry(place)
    writer.renew("anna", before[0][0][2], "secret")
    writer.close()
    assert (registry._ask("SELECT * FROM account"), registry._ask("PRAGMA data_version")) == before
    registry.close()


def test_a_change_is_told_of_when_it_is_committed(registry, place, monkeypatch):
    """The workers look when the number has changed: they must find the change, not the state before it."""
    registry.add("mrose")
    found = []
    with closing(sqlite3.connect(place.database)) as other:
        note = Changes.note

        def noting(changes):
            found.append(other.execute("SELECT enabled FROM account").fetchall())
            note(changes)

        monkeypatch.setattr(Changes, "note", noting)
        registry.set_enabled("mrose", False)
    assert found == [[(0,)]]


def test_what_workers_could_not_be_told_of_is_not_changed(registry, place):
    registry.add("mrose")
    registry.close()
    (place.folder / CHANGES).unlink()
    (place.folder / CHANGES).mkdir()
    deaf = Registry(place)
    with pytest.raises(AccountsUnavailable) as caught:
        deaf.set_enabled("mrose", False)
    assert str(place.folder / CHANGES) in caught.value.log
    assert deaf.show("mrose").account.is_enabled
    deaf.close()
