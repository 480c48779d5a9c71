"""What the contract suite does not show: how keys are kept, and what becomes of decoys without a key file."""

import sqlite3
from contextlib import closing

import pytest

from postane.accounts import scram_keys
from postane.accounts.base import Account, AccountsUnavailable, Proof
from postane.accounts.devices import Vault
from postane.accounts.partial import SCRAM_ITERATIONS, Salts
from postane.accounts.schema import open_database
from postane.accounts.scram_keys import OWN, KeyMaker, ScramSafe, derive, seal, unseal
from postane.sasl.base import ScramDigest
from postane.sasl.scram import derive_pair

ANNA = Account("anna", "anna")
SALTS = Salts(b"k" * 32)
OWNER = ("anna", OWN)

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


def keep(database: sqlite3.Connection, vault: Vault, name: str, ring, label: str = OWN) -> None:
    rows = [(name, digest, label, seal(vault, (name, label), digest, pair)) for digest, pair in ring.items()]
    database.executemany("INSERT INTO scram VALUES (?, ?, ?, ?)", rows)


def test_keys_are_derived_for_every_digest_with_the_salts_of_the_name():
    ring = derive("şifre", "anna", SALTS)
    assert set(ring) == set(ScramDigest)
    assert SCRAM_ITERATIONS >= 4096  # RFC 7677 s4
    for digest, pair in ring.items():
        assert pair == derive_pair("şifre".encode(), SALTS.of("ANNA", digest), SCRAM_ITERATIONS, digest)
    assert len({SALTS.of(name, digest) for name in ("anna", "ben") for digest in ScramDigest}) == 4
    assert Salts(b"x" * 32).of("anna", ScramDigest.SHA_1) != SALTS.of("anna", ScramDigest.SHA_1)


@every_digest
def test_sealed_keys_open_again_and_show_nothing(vault, digest):
    pair = derive("secret", "anna", SALTS)[digest]
    sealed = seal(vault, OWNER, digest, pair)
    assert unseal(vault, OWNER, digest, sealed) == pair
    for part in (pair.stored_key, pair.server_key):
        assert part not in sealed


def test_they_open_for_their_account_and_password_and_digest_alone(vault):
    sealed = seal(vault, OWNER, ScramDigest.SHA_1, derive("secret", "anna", SALTS)[ScramDigest.SHA_1])
    for owner, digest in (
        (("ben", OWN), ScramDigest.SHA_1),
        (("anna", "phone"), ScramDigest.SHA_1),
        (OWNER, ScramDigest.SHA_256),
    ):
        with pytest.raises(AccountsUnavailable, match="what is kept of the password"):
            unseal(vault, owner, digest, sealed)


def test_no_device_can_pose_as_keys(vault):
    sealed = vault.seal("anna", "scram sha1 ", b"x" * 40)
    with pytest.raises(AccountsUnavailable):
        unseal(vault, OWNER, ScramDigest.SHA_1, sealed)


@every_digest
def test_workers_and_restarts_give_the_same_decoys(open_safe, database, vault, digest):
    keep(database, vault, "anna", derive("secret", "anna", SALTS))
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
    assert first.proofs == ()
    assert safe.entry("nobody", None, digest).keys.salt == first.keys.salt
    assert safe.entry("anna", ANNA, digest).proofs == ()


@pytest.mark.parametrize(
    "harm", [lambda path: path.unlink(), lambda path: path.chmod(0o640), lambda path: path.write_bytes(b"x" * 32)]
)
def test_a_key_file_that_does_not_fit_is_told_for_every_name(open_safe, database, vault, path, harm):
    keep(database, vault, "anna", derive("secret", "anna", SALTS))
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
    assert open_safe().entry("anna", ANNA, ScramDigest.SHA_1).proofs == ()
    assert not path.exists()


@every_digest
def test_every_password_of_an_account_is_among_its_keys(open_safe, database, vault, digest):
    salts = KeyMaker(vault, lambda *_: []).salts()
    rings = {label: derive(f"secret {label}", "anna", salts) for label in (OWN, "phone", "tablet")}
    for label, ring in rings.items():
        keep(database, vault, "anna", ring, label)
    entry = open_safe().entry("anna@localhost", ANNA, digest)
    assert entry.keys.salt == salts.of("anna", digest)
    assert entry.keys.pairs == tuple(ring[digest] for ring in rings.values())
    assert entry.proofs == tuple(Proof(ANNA, each) for each in ("password", "device phone", "device tablet"))
    disabled = open_safe().entry("anna", Account("anna", "anna", is_enabled=False), digest)
    assert disabled.proofs == ()
    assert len(disabled.keys.pairs) == len(entry.keys.pairs), "as much is compared"
    assert not set(disabled.keys.pairs) & set(entry.keys.pairs)


@every_digest
def test_nobody_sees_whether_somebody_has_a_name(open_safe, database, vault, digest):
    """Before there is an account, with keys, disabled, without keys, gone."""
    safe = open_safe()
    shown = [safe.entry("anna", None, digest).keys, safe.entry("anna", ANNA, digest).keys]
    keep(database, vault, "anna", derive("secret", "anna", SALTS))
    shown += [safe.entry("Anna", None, digest).keys, safe.entry("anna", ANNA, digest).keys]
    shown += [safe.entry("anna", Account("anna", "anna", is_enabled=False), digest).keys]
    assert len({(keys.salt, keys.iterations) for keys in shown}) == 1
    assert len({keys.pairs for keys in shown}) == len(shown), "each decoy is another one"


@every_digest
def test_every_name_is_the_same_work(database, vault, path, monkeypatch, digest):
    keep(database, vault, "anna", derive("secret", "anna", SALTS))
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
    ring = derive("secret", "anna", SALTS)
    safe = open_safe()
    for label in (OWN, "phone"):
        assert not safe.is_complete("anna", label)
        keep(database, vault, "anna", {ScramDigest.SHA_1: ring[ScramDigest.SHA_1]}, label)
        assert not safe.is_complete("anna", label)
        keep(database, vault, "anna", {ScramDigest.SHA_256: ring[ScramDigest.SHA_256]}, label)
        assert safe.is_complete("anna", label)
    assert not safe.is_complete("ben")


def test_whether_most_passwords_have_keys(open_safe, database, vault):
    database.execute("DELETE FROM account")
    safe = open_safe()
    assert safe.serves_most(), "nobody is kept out"
    add = "INSERT INTO account VALUES (?, '', ?, 1, NULL, NULL, 0)"
    database.executemany(add, [("anna", "hash"), ("ben", "hash"), ("cem", "hash"), ("devices", None)])
    keep(database, vault, "anna", derive("secret", "anna", SALTS))
    keep(database, vault, "devices", derive("secret", "devices", SALTS), "phone")
    assert not safe.serves_most()
    keep(database, vault, "ben", derive("secret", "ben", SALTS))
    assert safe.serves_most()


def test_without_a_key_file_that_can_be_used_no_keys_are_made(database, tmp_path):
    (tmp_path / "file").write_text("")
    maker = KeyMaker(Vault(tmp_path / "file" / "device.key"), lambda *_: [])
    assert maker.salts() is None
    assert maker.ring("anna", "secret") == {}
    assert maker.seal({OWNER: derive("secret", "anna", SALTS)}) == []
