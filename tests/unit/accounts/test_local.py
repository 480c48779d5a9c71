"""What the contract suite does not show: several workers on one file, the cache, upgrades, broken files."""

import asyncio
import hashlib
import hmac
import sqlite3
import sys
from collections import Counter

import pytest

from postane.accounts import hashes, local
from postane.accounts.base import AccountsUnavailable, LoginRefused
from postane.accounts.devices import apop_digest
from postane.accounts.hashes import FULL, LIGHT, Cost, cost_of
from postane.accounts.local import COUNT_KEYS_EVERY, MEANS, Clocks, LocalAccounts
from postane.accounts.reader import LOOK_EVERY
from postane.accounts.records import Entry, Place
from postane.accounts.registry import Registry
from postane.accounts.traces import NOTE_USE_EVERY
from postane.maildrop.base import Quota
from postane.sasl.base import Means, ScramDigest
from postane.sasl.scram import derive_keys
from support.clock import Clock

STAMP = "<1896.697170952@dbc.mtview.ca.us>"


@pytest.fixture
def clock():
    return Clock(1_000_000.0)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def registry(place, clock):
    registry = Registry(place, clock=clock)
    yield registry
    registry.close()


@pytest.fixture
async def workers(place, clock):
    workers = [LocalAccounts(place, cache_seconds=600.0, clocks=Clocks(clock, clock)) for _ in range(2)]
    yield workers
    for worker in workers:
        await worker.close()


@pytest.fixture
def slow(monkeypatch):
    """Counts the slow checks by what they were asked."""
    counted = Counter()
    check = hashes.check

    def count(stored, password):
        counted[password] += 1
        return check(stored, password)

    monkeypatch.setattr(hashes, "check", count)
    return counted


async def written(worker):
    """Wait for what the worker writes in the background."""
    worker._traces._write_uses()
    await asyncio.get_running_loop().run_in_executor(worker._traces._writing, lambda: None)


def cram(secret):
    return hmac.new(secret.encode(), STAMP.encode(), "md5").hexdigest()


async def refused(worker, name, password):
    with pytest.raises(LoginRefused):
        await worker.verify_password(name, password)


async def test_the_slow_hash_is_paid_once_while_the_cache_holds(workers, registry, clock, slow):
    registry.add("mrose", password="secret")
    for _ in range(5):
        await workers[0].verify_password("mrose", "secret")
    assert slow["secret"] == 1
    clock.time += 600
    await workers[0].verify_password("mrose", "secret")
    assert slow["secret"] == 2


async def test_a_wrong_password_is_never_remembered(workers, registry, slow):
    registry.add("mrose", password="secret")
    for _ in range(3):
        await refused(workers[0], "mrose", "wrong")
    assert slow["wrong"] == 3


async def test_a_change_of_password_ends_cached_logins_in_every_worker(workers, registry, slow):
    registry.add("mrose", password="secret")
    for worker in workers:
        await worker.verify_password("mrose", "secret")
    registry.set_password("mrose", "new")
    for worker in workers:
        await refused(worker, "mrose", "secret")
        await worker.verify_password("mrose", "new")
    registry.set_password("mrose", "secret")
    before = slow["secret"]
    await workers[0].verify_password("mrose", "secret")
    assert slow["secret"] == before + 1, "the same password again is a new hash"


async def test_disabling_and_removing_end_cached_logins_in_every_worker(workers, registry):
    registry.add("mrose", password="secret")
    registry.add("anna", password="secret")
    for worker in workers:
        await worker.verify_password("mrose", "secret")
        await worker.verify_password("anna", "secret")
    registry.set_enabled("mrose", False)
    registry.remove("anna")
    for worker in workers:
        await refused(worker, "mrose", "secret")
        await refused(worker, "anna", "secret")


def recalled(worker, password):
    """What the worker recalls of mrose, and what it asks the file for that."""
    asked = []
    worker._reader._opened.set_trace_callback(asked.append)
    proof = worker.recall("mrose", password)
    worker._reader._opened.set_trace_callback(None)
    return proof, asked


async def test_a_remembered_login_asks_the_file_for_its_version_at_most_and_not_each_time(workers, registry, clock):
    registry.add("mrose", password="secret")
    phone = registry.add_device("mrose", "phone")
    for password, credential in (("secret", "password"), (phone, "device phone")):
        for _ in range(2):
            await workers[0].verify_password("mrose", password)
            await written(workers[0])
        clock.time += LOOK_EVERY
        await workers[0].verify_password("mrose", password)
        proof, asked = recalled(workers[0], password)
        assert (proof.account.name, proof.credential) == ("mrose", credential)
        assert asked == []
        clock.time += LOOK_EVERY
        assert [recalled(workers[0], password)[1] for _ in range(2)] == [["PRAGMA data_version"], []]
        clock.time += 600
        assert recalled(workers[0], password) == (None, []), "it is not remembered for ever"


@pytest.mark.parametrize(
    "change",
    [
        lambda registry: registry.set_enabled("mrose", False),
        lambda registry: registry.set_password("mrose", "secret"),
        lambda registry: registry.set_quota("mrose", Quota(5)),
        lambda registry: registry.add("anna"),
    ],
)
async def test_any_change_makes_every_worker_look_again(workers, registry, change):
    registry.add("mrose", password="secret")
    for worker in workers:
        for _ in range(2):
            await worker.verify_password("mrose", "secret")
        assert worker.recall("mrose", "secret") is not None
    change(registry)
    for worker in workers:
        assert worker.recall("mrose", "secret") is None


async def test_what_another_process_commits_is_seen_soon_although_it_tells_nobody(workers, registry, place, clock):
    registry.add("mrose", password="secret")
    for _ in range(2):
        await workers[0].verify_password("mrose", "secret")
    assert workers[0].recall("mrose", "secret") is not None
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute(sys.argv[2])"
    words = [sys.executable, "-c", code, str(place.database), "UPDATE account SET enabled = 0"]
    assert (await (await asyncio.create_subprocess_exec(*words)).wait()) == 0
    clock.time += LOOK_EVERY
    assert workers[0].recall("mrose", "secret") is None
    await refused(workers[0], "mrose", "secret")


async def test_a_change_while_a_row_is_read_is_not_overlooked(workers, registry, monkeypatch):
    """What is committed between the look at the version and the row belongs to the next version."""
    registry.add("mrose", password="secret")
    await workers[0].verify_password("mrose", "secret")
    ask = workers[0]._reader.ask

    def asking(question, values):
        rows = ask(question, values)
        if "password" in question:
            registry.set_enabled("mrose", False)
        return rows

    monkeypatch.setattr(workers[0]._reader, "ask", asking)
    await workers[0].verify_password("mrose", "secret")
    assert workers[0].recall("mrose", "secret") is None


async def test_a_login_is_recalled_from_the_first_on(workers, registry):
    registry.add("mrose", password="secret")
    proof = await workers[0].verify_password("mrose", "secret")
    assert workers[0].recall("mrose", "secret") == proof


async def test_what_a_name_means_since_the_slow_hash_is_not_overlooked(workers, registry, monkeypatch):
    """While the password of `mrose` is looked at, `mrose@localhost` becomes an account of its own."""
    monkeypatch.setattr(workers[0], "_own_domains", frozenset({"localhost"}))
    registry.add("mrose", password="secret")
    check = hashes.check

    def checking(stored, password):
        monkeypatch.undo()
        other = Registry(registry._place)
        other.add("mrose@localhost", password="other")
        other.close()
        return check(stored, password)

    monkeypatch.setattr(hashes, "check", checking)
    await workers[0].verify_password("mrose@localhost", "secret")
    assert workers[0].recall("mrose@localhost", "secret") is None


async def test_without_a_cache_nothing_is_recalled(place, registry):
    registry.add("mrose", password="secret")
    phone = registry.add_device("mrose", "phone")
    accounts = LocalAccounts(place, cache_seconds=0.0)
    for password in ("secret", phone) * 2:
        await accounts.verify_password("mrose", password)
        assert accounts.recall("mrose", password) is None
    await accounts.close()


async def test_an_account_added_again_is_another_one(workers, registry):
    registry.add("mrose", password="secret")
    await workers[0].verify_password("mrose", "secret")
    registry.remove("mrose")
    registry.add("mrose", password="other")
    await refused(workers[0], "mrose", "secret")


@pytest.mark.parametrize(
    "change",
    [
        lambda registry: registry.set_enabled("mrose", False),
        lambda registry: registry.remove("mrose"),
        lambda registry: registry.set_password("mrose", "new"),
    ],
)
async def test_a_change_during_the_slow_hash_counts(workers, registry, change, monkeypatch):
    registry.add("mrose", password="secret")
    monkeypatch.setattr(hashes, "check", lambda stored, password: change(registry) is None)
    await refused(workers[0], "mrose", "secret")
    assert len(workers[0]._cache) == 0


@pytest.mark.parametrize("name", ["nobody", "gone", "bare", "mr ose", "mrose\0"])
async def test_whoever_cannot_log_in_costs_a_slow_check_too(workers, registry, name, slow):
    registry.add("gone", password="secret")
    registry.set_enabled("gone", False)
    registry.add("bare")
    await refused(workers[0], name, "secret")
    assert slow["secret"] == 1


async def test_the_loop_goes_on_during_the_slow_hash(workers, registry, monkeypatch):
    registry.add("mrose", password="secret")
    loop, seen = asyncio.get_running_loop(), asyncio.Event()

    def check(stored, password):
        loop.call_soon_threadsafe(seen.set)
        return asyncio.run_coroutine_threadsafe(seen.wait(), loop).result(30)

    monkeypatch.setattr(hashes, "check", check)
    await workers[0].verify_password("mrose", "secret")


async def test_a_device_costs_no_slow_hash_and_no_cache(workers, registry, slow):
    registry.add("mrose", password="secret")
    secret = registry.add_device("mrose", "phone")
    for worker in workers:
        await worker.verify_password("mrose", secret)
    assert not slow
    registry.revoke_device("mrose", "phone")
    for worker in workers:
        await refused(worker, "mrose", secret)


async def test_a_light_hash_becomes_a_full_one_at_the_first_login(workers, registry, slow):
    registry.import_many([Entry("mrose", hashes.hash_password("secret", LIGHT))])
    await refused(workers[0], "mrose", "wrong")
    await workers[0].verify_password("mrose", "secret")
    await written(workers[0])
    (stored,) = registry._ask("SELECT password FROM account")[0]
    assert cost_of(stored) == FULL
    assert hashes.verify(stored, "secret")
    for worker in workers:
        await worker.verify_password("mrose", "secret")


async def test_a_hash_of_another_server_does_too(workers, registry):
    stored = "$6$kurt$y0PdV6gJLhPNB30nGcPd0fxtkwvJ.rmAG.pbmYAxWUgsx8pGoP.uq0/lLqxPtFYgW9RiuI1hqIflmHunxcXbl."
    registry.import_many([Entry("mrose", stored)])
    await workers[0].verify_password("mrose", "tanstaaf ü")
    await written(workers[0])
    (upgraded,) = registry._ask("SELECT password FROM account")[0]
    assert cost_of(upgraded) == FULL
    await workers[1].verify_password("mrose", "tanstaaf ü")


@pytest.mark.parametrize(
    ("cost", "becomes"),
    [
        (Cost(FULL.memory, 1), FULL),
        (Cost(FULL.memory // 2, FULL.passes), FULL),
        (Cost(FULL.memory, FULL.passes + 1), None),
        (Cost(FULL.memory * 2, 1), None),
    ],
)
async def test_a_login_makes_a_hash_stronger_and_never_weaker(workers, registry, cost, becomes):
    stored = hashes.hash_password("secret", cost)
    registry.import_many([Entry("mrose", stored)])
    await workers[0].verify_password("mrose", "secret")
    await written(workers[0])
    (kept,) = registry._ask("SELECT password FROM account")[0]
    assert cost_of(kept) == (becomes or cost)
    assert (kept == stored) is (becomes is None)
    await workers[1].verify_password("mrose", "secret")


# SCRAM keys


async def scram_of(worker, name, digest=ScramDigest.SHA_256):
    return await worker.scram(name, digest)


@pytest.mark.parametrize("cost", [FULL, LIGHT])
async def test_keys_of_an_imported_hash_come_with_the_first_password_in_clear_text(workers, registry, cost):
    registry.import_many([Entry("mrose", hashes.hash_password("tanstaaf", cost))])
    assert (await scram_of(workers[0], "mrose")).proofs == ()
    await refused(workers[0], "mrose", "wrong")
    await written(workers[0])
    assert not registry.show("mrose").has_scram_keys
    await workers[0].verify_password("mrose", "tanstaaf")
    await written(workers[0])
    for worker in workers:
        for digest in ScramDigest:
            entry = await scram_of(worker, "mrose", digest)
            assert [proof.credential for proof in entry.proofs] == ["password"]
            assert entry.keys == derive_keys(b"tanstaaf", entry.keys.salt, entry.keys.iterations, digest)


async def test_keys_that_are_there_are_not_made_again(workers, registry):
    registry.add("mrose", password="secret")
    before = await scram_of(workers[0], "mrose")
    for worker in workers:
        await worker.verify_password("mrose", "secret")
        await written(worker)
        assert await scram_of(worker, "mrose") == before


async def test_a_device_password_makes_no_keys_of_the_own_one(workers, registry):
    registry.import_many([Entry("mrose", hashes.hash_password("tanstaaf", FULL))])
    secret = registry.add_device("mrose", "phone")
    await workers[0].verify_password("mrose", secret)
    await written(workers[0])
    assert not registry.show("mrose").has_scram_keys
    assert credentials(await scram_of(workers[0], "mrose")) == ["device phone"]


def credentials(entry):
    return [proof.credential for proof in entry.proofs]


USES = {
    "password": lambda worker, secret: worker.verify_password("mrose", secret),
    "apop": lambda worker, secret: worker.verify_apop("mrose", STAMP, apop_digest(STAMP, secret.encode()).decode()),
    "cram": lambda worker, secret: worker.verify_cram("mrose", STAMP.encode(), cram(secret)),
}


@pytest.mark.parametrize("way", USES)
async def test_a_device_of_an_older_version_gets_keys_at_its_next_use(workers, registry, way):
    registry.add("mrose")
    secret = registry.add_device("mrose", "phone")
    registry.add_device("mrose", "tablet")
    with registry._change() as database:
        database.execute("DELETE FROM scram")
    await USES[way](workers[0], secret)
    await written(workers[0])
    assert registry._ask("SELECT DISTINCT account, label FROM scram") == [("mrose", "phone")]
    for worker in workers:
        for digest in ScramDigest:
            entry = await scram_of(worker, "mrose", digest)
            (pair,) = derive_keys(secret.encode(), entry.keys.salt, entry.keys.iterations, digest).pairs
            assert entry.keys.pairs[credentials(entry).index("device phone")] == pair


async def test_a_device_that_is_revoked_meanwhile_gets_no_keys(workers, registry, monkeypatch):
    registry.add("mrose")
    registry.add_device("mrose", "phone")
    monkeypatch.setattr(registry._maker, "ring", revoke_first(registry._maker.ring, workers[0]._registry))
    registry.renew_device("mrose", "phone")
    assert registry._ask("SELECT * FROM scram") == []
    registry.renew_device("mrose", "phone")
    registry.renew_device("nobody", "phone")


def revoke_first(ring, other):
    def revoking(name, password):
        other.revoke_device("mrose", "phone")
        return ring(name, password)

    return revoking


async def test_a_scram_login_notes_the_devices_use_and_a_revoked_one_is_not_admitted(workers, registry, clock):
    registry.add("mrose", password="secret")
    registry.add_device("mrose", "phone")
    assert (await workers[0].admit("mrose", "device phone")).credential == "device phone"
    await written(workers[0])
    assert registry.show("mrose").devices[0].last_used == clock.time
    registry.revoke_device("mrose", "phone")
    with pytest.raises(LoginRefused) as caught:
        await workers[0].admit("mrose", "device phone")
    assert "no such device" in caught.value.log


async def test_scram_is_not_offered_while_most_passwords_have_no_keys(workers, registry, clock):
    scram = {Means.SCRAM_SHA_1, Means.SCRAM_SHA_256}
    stored = hashes.hash_password("tanstaaf", FULL)
    registry.import_many([Entry(f"user{number}", stored) for number in range(3)])
    registry.add("devices-alone")
    registry.add_device("devices-alone", "phone")
    worker = workers[0]
    assert worker.means == MEANS - scram
    for number in range(2):
        await worker.verify_password(f"user{number}", "tanstaaf")
        await written(worker)
        assert worker.means == MEANS - scram, "nobody counts at every login"
        clock.time += COUNT_KEYS_EVERY
        assert worker.means == (MEANS if number else MEANS - scram)
    registry.import_many([Entry("user3", stored)])
    clock.time += COUNT_KEYS_EVERY
    assert worker.means == MEANS, "half of them have keys"
    registry.import_many([Entry("user4", stored)])
    clock.time += COUNT_KEYS_EVERY - 1
    assert worker.means == MEANS
    clock.time += 1
    assert worker.means == MEANS - scram


async def test_what_is_offered_stays_while_the_accounts_cannot_be_read(workers, registry, place, clock):
    registry.import_many([Entry("mrose", "{SHA}")])
    assert workers[0].means < MEANS
    clock.time += COUNT_KEYS_EVERY
    workers[0]._reader.forget()
    place.database.chmod(0o644)
    assert workers[0].means < MEANS
    assert workers[1].means == MEANS
    place.database.chmod(0o600)
    assert workers[1].means < MEANS


async def test_decoys_are_the_same_in_every_worker_and_after_a_restart(workers, registry, place):
    registry.add("gone", password="secret")
    registry.set_enabled("gone", False)
    again = LocalAccounts(place)
    for name in ("nobody", "gone"):
        salts = {(await scram_of(worker, name)).keys.salt for worker in (*workers, again)}
        assert len(salts) == 1
    await again.close()


async def test_a_change_of_password_ends_the_old_keys_in_every_worker(workers, registry):
    registry.add("mrose", password="secret")
    before = [await scram_of(worker, "mrose") for worker in workers]
    registry.import_many([Entry("mrose", hashes.hash_password("new", LIGHT))], update=True)
    for worker, old in zip(workers, before, strict=True):
        entry = await scram_of(worker, "mrose")
        assert (entry.proofs, entry.keys.salt) == ((), old.keys.salt)


@pytest.mark.parametrize(("way", "stamp"), [("apop", STAMP), ("cram", STAMP.encode())])
@pytest.mark.parametrize("name", ["nobody", "gone", "bare", "mr ose"])
async def test_who_has_no_secret_costs_a_digest_too(workers, registry, monkeypatch, way, stamp, name):
    registry.add("gone", password="secret")
    registry.add_device("gone", "phone", "tanstaaf")
    registry.set_enabled("gone", False)
    registry.add("bare")
    counted = []
    real = getattr(local, f"{way}_digest")
    monkeypatch.setattr(local, f"{way}_digest", lambda *args: counted.append(args) or real(*args))
    with pytest.raises(LoginRefused):
        await getattr(workers[0], f"verify_{way}")(name, stamp, "0" * 32)
    assert len(counted) == 1


async def test_the_last_use_is_written_at_most_once_an_hour(workers, registry, clock):
    registry.add("mrose")
    secret = registry.add_device("mrose", "phone")
    first = clock.time
    for seconds in (0.0, 1.0, NOTE_USE_EVERY - 2):
        clock.time += seconds
        await workers[0].verify_password("mrose", secret)
        await workers[0].verify_apop("mrose", STAMP, hashlib.md5((STAMP + secret).encode()).hexdigest())
        await workers[0].verify_cram("mrose", STAMP.encode(), cram(secret))
        await written(workers[0])
        assert registry.show("mrose").devices[0].last_used == first
    clock.time += 1.0
    await workers[0].verify_password("mrose", secret)
    await written(workers[0])
    assert registry.show("mrose").devices[0].last_used == first + NOTE_USE_EVERY


async def test_a_cram_login_notes_the_devices_use(workers, registry, clock):
    registry.add("mrose")
    secret = registry.add_device("mrose", "phone")
    assert (await workers[0].verify_cram("mrose", STAMP.encode(), cram(secret))).credential == "device phone"
    await written(workers[0])
    assert registry.show("mrose").devices[0].last_used == clock.time


async def test_a_login_stands_when_its_traces_cannot_be_written(workers, registry, clock, monkeypatch):
    registry.add("mrose")
    secret = registry.add_device("mrose", "phone")

    def fail(*_):
        raise AccountsUnavailable("full")

    with monkeypatch.context() as patch:
        patch.setattr(workers[0]._registry, "note_uses", fail)
        assert (await workers[0].verify_password("mrose", secret)).credential == "device phone"
        await written(workers[0])
    assert registry.show("mrose").devices[0].last_used is None
    await workers[0].verify_password("mrose", secret)
    await written(workers[0])
    assert registry.show("mrose").devices[0].last_used == clock.time, "the next login tries again"


async def test_a_key_that_others_may_read_stops_devices_and_nothing_else(workers, registry, place):
    registry.add("mrose", password="secret")
    secret = registry.add_device("mrose", "phone")
    (place.folder / "device.key").chmod(0o640)
    assert (await workers[0].verify_password("mrose", "secret")).credential == "password"
    with pytest.raises(AccountsUnavailable, match="may be read by others"):
        await workers[0].verify_password("mrose", secret)
    with pytest.raises(AccountsUnavailable, match="may be read by others"):
        await workers[0].verify_apop("mrose", STAMP, "0" * 32)
    with pytest.raises(AccountsUnavailable, match="may be read by others"):
        await workers[0].verify_cram("mrose", STAMP.encode(), "0" * 32)
    for name in ("mrose", "nobody"):
        with pytest.raises(AccountsUnavailable, match="may be read by others"):
            await scram_of(workers[0], name)
    (place.folder / "device.key").chmod(0o600)
    assert (await workers[0].verify_password("mrose", secret)).credential == "device phone"


async def test_nothing_is_opened_before_it_is_asked(place):
    accounts = LocalAccounts(place)
    assert list(place.folder.iterdir()) == []
    await accounts.close()
    assert list(place.folder.iterdir()) == []


async def test_a_broken_file_is_told_and_tried_again(workers, registry, place):
    registry.add("mrose", password="secret")
    registry.close()
    path = place.database
    octets = path.read_bytes()
    path.write_bytes(b"damaged" * 1000)
    for _ in range(2):
        with pytest.raises(AccountsUnavailable) as caught:
            await workers[0].verify_password("mrose", "secret")
        assert str(path) in caught.value.log
        assert str(path) not in caught.value.text
    path.write_bytes(octets)
    await workers[0].verify_password("mrose", "secret")


async def test_a_database_that_others_may_read_is_told(workers, registry, place):
    registry.add("mrose", password="secret")
    place.database.chmod(0o644)
    with pytest.raises(AccountsUnavailable, match="chmod 600"):
        await workers[0].verify_password("mrose", "secret")
    place.database.chmod(0o600)
    await workers[0].verify_password("mrose", "secret")


async def test_a_newer_file_is_told(workers, place):
    await workers[0].find("mrose")
    database = sqlite3.connect(place.database)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(AccountsUnavailable, match="newer Postane"):
        await workers[1].find("mrose")


async def test_readers_do_not_wait_for_a_writer(workers, registry):
    registry.add("mrose", password="secret")
    await workers[0].verify_password("mrose", "secret")
    with registry._change():
        await workers[0].verify_password("mrose", "secret")
        assert await workers[1].find("mrose") is not None


async def test_many_at_once(workers, registry):
    registry.add("mrose", password="secret")
    secret = registry.add_device("mrose", "phone")
    tries = [("mrose", "secret"), ("mrose", secret), ("mrose", "wrong"), ("nobody", "secret")] * 10
    outcomes = await asyncio.gather(
        *(workers[n % 2].verify_password(*each) for n, each in enumerate(tries)), return_exceptions=True
    )
    said = [outcome.credential if not isinstance(outcome, BaseException) else type(outcome) for outcome in outcomes]
    assert said == ["password", "device phone", LoginRefused, LoginRefused] * 10


async def test_the_log_tells_why_and_no_secret(workers, registry):
    registry.add("gone", password="secret")
    registry.set_enabled("gone", False)
    registry.add("mrose", password="secret")
    for name, why in (("gone", "disabled"), ("mrose", "wrong password"), ("nob\nody", "no such account")):
        with pytest.raises(LoginRefused) as caught:
            await workers[0].verify_password(name, "hunter2")
        assert why in caught.value.log
        assert caught.value.log.isprintable()
        assert "hunter2" not in caught.value.log


async def test_who_takes_the_own_password_for_a_digest_is_told_of(workers, registry):
    registry.add("mrose", password="hunter2-hunter2")
    registry.add_device("mrose", "phone")
    own = apop_digest("<stamp>", b"hunter2-hunter2").decode()
    with pytest.raises(LoginRefused) as caught:
        await workers[0].verify_apop("mrose", "<stamp>", own)
    assert caught.value.log == '"mrose": wrong digest; it is made of a device password, never of the user\'s own'
    assert caught.value.text == "invalid user name or password"
