"""What the contract suite does not show: how keys are kept, and what becomes of decoys without a key file."""

import sqlite3
from contextlib import closing

import pytest

from postane.accounts import scram_keys
from postane.accounts.base import Account, AccountsUnavailable, Proof
from postane.accounts.devices import Vault
from postane.accounts.schema import open_database
from postane.accounts.scram_keys import SALT_OCTETS, ScramSafe, derive, seal, unseal
from postane.sasl.base import ScramDigest
from postane.sasl.scram import derive_keys

ANNA = Account("anna", "anna")

every_digest = pytest.mark.parametrize("digest", list(ScramDigest))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "device.key"


@pytest.fixture
def vault(path):
    vault = Vault(path)
    vault.make_key()
    return vault


@pytest.fixture
def database(tmp_path):
    with closing(open_database(tmp_path)) as database:
        database.execute("INSERT INTO account VALUES ('anna', '', 'hash', 1, NULL, NULL, 0)")
        yield database


@pytest.fixture
def open_safe(database, path):
    """Makes another worker's safe."""
    return lambda: ScramSafe(Vault(path), lambda question, values: database.execute(question, values).fetchall())


def keep(database: sqlite3.Connection, vault: Vault, name: str, ring) -> None:
    rows = [(name, digest, seal(vault, name, digest, keys)) for digest, keys in ring.items()]
    database.executemany("INSERT INTO scram VALUES (?, ?, ?)", rows)


def test_keys_are_derived_for_every_digest_with_salts_of_their_own():
    ring, other = derive("şifre"), derive("şifre")
    assert set(ring) == set(ScramDigest)
    salts = {keys.salt for each in (ring, other) for keys in each.values()}
    assert len(salts) == 4
    assert {len(salt) for salt in salts} == {SALT_OCTETS}
    for digest, keys in ring.items():
        assert keys.iterations >= 4096  # RFC 7677 s4
        assert keys == derive_keys("şifre".encode(), keys.salt, keys.iterations, digest)


@every_digest
def test_sealed_keys_open_again_and_show_nothing(vault, digest):
    keys = derive("secret")[digest]
    sealed = seal(vault, "anna", digest, keys)
    assert unseal(vault, "anna", digest, sealed) == keys
    for part in (keys.salt, keys.stored_key, keys.server_key):
        assert part not in sealed


def test_they_open_for_their_account_and_digest_alone(vault):
    sealed = seal(vault, "anna", ScramDigest.SHA_1, derive("secret")[ScramDigest.SHA_1])
    for name, digest in (("ben", ScramDigest.SHA_1), ("anna", ScramDigest.SHA_256)):
        with pytest.raises(AccountsUnavailable, match="what is kept of the password"):
            unseal(vault, name, digest, sealed)


def test_no_device_can_pose_as_keys(vault):
    sealed = vault.seal("anna", "scram sha1", b"x" * 60)
    with pytest.raises(AccountsUnavailable):
        unseal(vault, "anna", ScramDigest.SHA_1, sealed)


@every_digest
def test_workers_and_restarts_give_the_same_decoys(open_safe, database, vault, digest):
    keep(database, vault, "anna", derive("secret"))
    salts = {open_safe().entry(name, None, digest).keys.salt for name in ("nobody", "NOBODY") for _ in range(3)}
    assert len(salts) == 1


@every_digest
def test_a_key_file_is_made_for_decoys_too(open_safe, path, digest):
    first = open_safe().entry("nobody", None, digest)
    assert path.exists()
    assert open_safe().entry("nobody", None, digest).keys.salt == first.keys.salt


@every_digest
def test_while_nobody_has_keys_a_key_file_that_cannot_be_made_is_no_harm(database, tmp_path, digest):
    (tmp_path / "file").write_text("")
    blocked = Vault(tmp_path / "file" / "device.key")
    safe = ScramSafe(blocked, lambda question, values: database.execute(question, values).fetchall())
    first = safe.entry("nobody", None, digest)
    assert first.proof is None
    assert safe.entry("nobody", None, digest).keys.salt == first.keys.salt
    assert safe.entry("anna", ANNA, digest).proof is None


@pytest.mark.parametrize(
    "harm", [lambda path: path.unlink(), lambda path: path.chmod(0o640), lambda path: path.write_bytes(b"x" * 32)]
)
def test_a_key_file_that_does_not_fit_is_told_for_every_name(open_safe, database, vault, path, harm):
    keep(database, vault, "anna", derive("secret"))
    harm(path)
    safe = open_safe()
    for name, account in (("anna", ANNA), ("nobody", None)):
        with pytest.raises(AccountsUnavailable, match=r"device\.key") as caught:
            safe.entry(name, account, ScramDigest.SHA_256)
        assert str(path) not in caught.value.text


def test_a_missing_key_file_is_not_replaced_while_it_has_sealed_something(open_safe, database, vault, path):
    sealed = vault.seal("anna", "phone", b"tanstaaf")
    database.execute("INSERT INTO device VALUES ('anna', 'phone', ?, 0, NULL)", (sealed,))
    path.unlink()
    assert open_safe().entry("anna", ANNA, ScramDigest.SHA_1).proof is None
    assert not path.exists()


@every_digest
def test_a_disabled_account_keeps_its_salt_and_nothing_else(open_safe, database, vault, digest):
    ring = derive("secret")
    keep(database, vault, "anna", ring)
    safe = open_safe()
    assert safe.entry("anna", ANNA, digest).proof == Proof(ANNA, "password")
    disabled = safe.entry("anna", Account("anna", "anna", is_enabled=False), digest)
    assert disabled.proof is None
    assert (disabled.keys.salt, disabled.keys.iterations) == (ring[digest].salt, ring[digest].iterations)
    assert disabled.keys.stored_key != ring[digest].stored_key
    assert disabled.keys.server_key != ring[digest].server_key


@every_digest
def test_every_name_is_the_same_work(database, vault, path, monkeypatch, digest):
    keep(database, vault, "anna", derive("secret"))
    database.execute("INSERT INTO account VALUES ('bare', '', 'hash', 1, NULL, NULL, 0)")
    work = []

    def ask(question, values):
        work.append("question")
        return database.execute(question, values).fetchall()

    safe = ScramSafe(Vault(path), ask)
    safe.entry("first", None, digest)
    for thing in ("unseal", "seal"):
        real = getattr(scram_keys, thing)
        monkeypatch.setattr(
            scram_keys, thing, lambda *args, real=real, thing=thing: (work.append(thing), real(*args))[1]
        )
    done = []
    for name, account in (
        ("anna", ANNA),
        ("anna", Account("anna", "anna", is_enabled=False)),
        ("bare", Account("bare", "bare")),
        ("nobody", None),
    ):
        work.clear()
        safe.entry(name, account, digest)
        done.append(tuple(work))
    assert set(done) == {("question", "unseal")}


def test_whether_all_keys_are_there(open_safe, database, vault):
    ring = derive("secret")
    safe = open_safe()
    assert not safe.is_complete("anna")
    keep(database, vault, "anna", {ScramDigest.SHA_1: ring[ScramDigest.SHA_1]})
    assert not safe.is_complete("anna")
    keep(database, vault, "anna", {ScramDigest.SHA_256: ring[ScramDigest.SHA_256]})
    assert safe.is_complete("anna")
    assert not safe.is_complete("ben")
