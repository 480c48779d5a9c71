"""What the contract suite does not show: how a passwd-file changes, what its cache spares, what a refusal costs."""

import hashlib
import hmac
import os
from collections import Counter

import pytest

from postane.accounts import passwd_file
from postane.accounts.base import AccountsUnavailable, LoginRefused
from postane.accounts.imported import HashError
from postane.accounts.passwd_file import PasswdFile, PasswdFileAccounts
from postane.sasl.base import Means, ScramDigest
from support.file_houses import hashed, scram_256

STAMP = "<1896.697170952@dbc.mtview.ca.us>"
CRAM = "{CRAM-MD5}cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56"  # of "secret"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "passwd"
    path.write_text(f"mrose:{hashed('secret')}\nanna:{hashed('hers')}\n")
    path.chmod(0o640)
    return path


@pytest.fixture
async def store(path):
    store = PasswdFileAccounts(PasswdFile(path), own_domains=("localhost",), decoy_key=lambda: b"k" * 32)
    yield store
    await store.close()


@pytest.fixture
def checks(monkeypatch):
    """Counts the checks by what they were made of."""
    counted = Counter()
    fits = passwd_file.fits

    def count(kept, password):
        counted[kept.cost] += 1
        return fits(kept, password)

    monkeypatch.setattr(passwd_file, "fits", count)
    return counted


def settle(path) -> None:
    """The file is an old one: its times tell every change."""
    os.utime(path, (1_000_000, 1_000_000))


async def refused(asking) -> None:
    with pytest.raises(LoginRefused):
        await asking


def test_an_unknown_scheme_is_refused_at_once(path):
    with pytest.raises(HashError, match="ROT13"):
        PasswdFile(path, "ROT13")


async def test_an_edit_in_place_of_the_same_size_within_a_moment_counts(store, path):
    text = path.read_text()
    for _ in range(20):
        for one, other in (("mrose", "rosem"), ("rosem", "mrose")):
            path.write_text(text.replace("mrose", other))
            assert await store.find(other) is not None
            assert await store.find(one) is None


async def test_a_file_that_does_not_change_is_read_once(store, path, monkeypatch):
    monkeypatch.setattr("postane.accounts.passwd_table.SETTLED_NS", -(10**12))
    reads = Counter()
    read = passwd_file.read_table

    def count(*values):
        reads["read"] += 1
        return read(*values)

    monkeypatch.setattr(passwd_file, "read_table", count)
    for _ in range(5):
        assert await store.find("mrose") is not None
        assert await store.is_local("localhost")
    assert reads["read"] == 1


async def test_a_file_that_vanishes_keeps_nobody_in_and_everybody_out(store, path):
    await store.verify_password("mrose", "secret")
    octets = path.read_bytes()
    path.unlink()
    for asking in (
        lambda: store.verify_password("mrose", "secret"),
        lambda: store.verify_apop("mrose", STAMP, "0" * 32),
        lambda: store.scram("mrose", ScramDigest.SHA_256),
        lambda: store.admit("mrose", "certificate"),
        lambda: store.find("mrose"),
        lambda: store.resolve("mrose", None),
        lambda: store.is_local("example.org"),
    ):
        with pytest.raises(AccountsUnavailable):
            await asking()
    path.write_bytes(octets)
    await store.verify_password("mrose", "secret")


async def test_the_cache_spares_the_check_until_the_line_changes(store, path, checks):
    for _ in range(3):
        await store.verify_password("mrose", "secret")
    assert sum(checks.values()) == 1
    path.write_text(f"mrose:{hashed('secret')}\n")
    await store.verify_password("mrose", "secret")
    assert sum(checks.values()) == 2
    path.write_text(f"mrose:{hashed('other')}\n")
    await refused(store.verify_password("mrose", "secret"))


async def test_what_changes_during_the_slow_check_counts(store, path, monkeypatch):
    fits = passwd_file.fits

    def disable(kept, password):
        path.write_text(f"mrose:{hashed('secret')}::::::nologin\n")
        return fits(kept, password)

    monkeypatch.setattr(passwd_file, "fits", disable)
    await refused(store.verify_password("mrose", "secret"))


@pytest.mark.parametrize("name", ["mrose", "gone", "nobody", "clear", "keyless"])
async def test_every_refusal_costs_a_check_of_each_kind(store, path, checks, name):
    path.write_text(
        f"mrose:{hashed('secret')}\nanna:{scram_256('hers')}\ngone:{hashed('secret')}::::::nologin\n"
        f"clear:{{PLAIN}}x\nkeyless:\n"
    )
    await refused(store.verify_password(name, "wrong"))
    assert {kind: count for kind, count in checks.items() if kind} == {"$5$rounds=1000": 1, "sha256 4096": 1}


async def test_cram_md5_without_the_secret(store, path):
    path.write_text(f"mrose:{CRAM}\n")
    await store.verify_password("mrose", "secret")
    assert Means.SECRET in store.means
    digest = hmac.new(b"secret", STAMP.encode(), "md5").hexdigest()
    assert (await store.verify_cram("mrose", STAMP.encode(), digest)).account.name == "mrose"
    await refused(store.verify_cram("mrose", b"<other@stamp>", digest))
    await refused(store.verify_apop("mrose", STAMP, hashlib.md5(f"{STAMP}secret".encode()).hexdigest()))


async def test_scram_keys_of_a_file_are_those_of_the_file(store, path):
    path.write_text(f"mrose:{scram_256('secret')}\n")
    entry = await store.scram("mrose@localhost", ScramDigest.SHA_256)
    assert entry.proofs[0].account.name == "mrose"
    path.write_text(f"{path.read_text().strip()}::::::nologin\n")
    disabled = await store.scram("mrose", ScramDigest.SHA_256)
    assert (disabled.proofs, disabled.keys.salt) == ((), entry.keys.salt), "nobody sees when one is disabled"
    assert (await store.scram("mrose", ScramDigest.SHA_1)).proofs == ()


async def test_workers_with_one_key_give_the_same_decoys(store, path):
    other = PasswdFileAccounts(PasswdFile(path), decoy_key=lambda: b"k" * 32)
    alone = PasswdFileAccounts(PasswdFile(path))
    salts = [(await each.scram("nobody", ScramDigest.SHA_256)).keys.salt for each in (store, other, alone)]
    assert salts[0] == salts[1] != salts[2]
    for each in (other, alone):
        await each.close()


async def test_without_their_key_decoys_are_made_all_the_same(path):
    def missing() -> bytes:
        raise AccountsUnavailable("no", "no key")

    store = PasswdFileAccounts(PasswdFile(path), decoy_key=missing)
    assert (await store.scram("nobody", ScramDigest.SHA_1)).proofs == ()
    await store.close()


async def test_means_can_be_asked_before_anything_else_and_without_a_file(store, path):
    path.write_text("mrose:{PLAIN}secret\n")
    assert Means.SECRET in store.means
    lost = PasswdFileAccounts(PasswdFile(path.with_name("none")))
    assert lost.means == {Means.PASSWORD, Means.OUTSIDE}
    await lost.close()


async def test_domains_are_those_of_the_names(store, path):
    path.write_text("anna@example.org:{PLAIN}x\n")
    assert await store.is_local("EXAMPLE.org.")
    assert not await store.is_local("example.net")
    assert (await store.resolve("anna+news", "example.org")).name == "anna@example.org"


async def test_the_quota_is_told(store, path):
    path.write_text("mrose:{PLAIN}x::::::userdb_quota_rule=*:storage=1G\n")
    assert (await store.find("mrose")).quota.octets == 1024**3


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ed:{ROT13}frperg", "hashes of this kind cannot be read; known are ARGON2ID, "),
        ("ed:{SCRAM-SHA-256}1,2", "the {SCRAM-SHA-256} keys are damaged"),
        ("ed:", "its line has no password"),
        ("ed:!", "its line has no password"),
        (f"ed:{hashed('secret')}", "wrong password"),
    ],
    ids=["scheme", "keys", "nothing", "locked", "hash"],
)
async def test_the_log_is_told_where_it_is_not_the_password_that_is_wrong(path, store, line, why):
    path.write_text(line)
    with pytest.raises(LoginRefused) as caught:
        await store.verify_password("ed", "frperg")
    assert caught.value.log.startswith(f'"ed": {why}')
    assert "frperg" not in caught.value.log
