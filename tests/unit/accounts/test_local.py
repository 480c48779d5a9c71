"""What the contract suite does not show: several workers on one file, the cache, upgrades, broken files."""

import asyncio
import hashlib
import sqlite3
from collections import Counter

import pytest

from postane.accounts import hashes
from postane.accounts.base import AccountsUnavailable, LoginRefused
from postane.accounts.hashes import FULL, LIGHT, cost_of
from postane.accounts.local import NOTE_USE_EVERY, Clocks, LocalAccounts
from postane.accounts.records import Entry, Place
from postane.accounts.registry import Registry

STAMP = "<1896.697170952@dbc.mtview.ca.us>"


class Clock:
    time = 1_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def registry(place):
    registry = Registry(place)
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
    await asyncio.get_running_loop().run_in_executor(worker._writing, lambda: None)


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


async def test_the_last_use_is_written_at_most_once_an_hour(workers, registry, clock):
    registry.add("mrose")
    secret = registry.add_device("mrose", "phone")
    first = clock.time
    for seconds in (0.0, 1.0, NOTE_USE_EVERY - 2):
        clock.time += seconds
        await workers[0].verify_password("mrose", secret)
        await workers[0].verify_apop("mrose", STAMP, hashlib.md5((STAMP + secret).encode()).hexdigest())
        await written(workers[0])
        assert registry.show("mrose").devices[0].last_used == first
    clock.time += 1.0
    await workers[0].verify_password("mrose", secret)
    await written(workers[0])
    assert registry.show("mrose").devices[0].last_used == first + NOTE_USE_EVERY


async def test_a_login_stands_when_its_traces_cannot_be_written(workers, registry, monkeypatch):
    registry.add("mrose")
    secret = registry.add_device("mrose", "phone")

    def fail(*_):
        raise AccountsUnavailable("full")

    monkeypatch.setattr(workers[0]._registry, "note_use", fail)
    assert (await workers[0].verify_password("mrose", secret)).credential == "device phone"
    await written(workers[0])


async def test_a_key_that_others_may_read_stops_devices_and_nothing_else(workers, registry, place):
    registry.add("mrose", password="secret")
    secret = registry.add_device("mrose", "phone")
    (place.folder / "device.key").chmod(0o640)
    assert (await workers[0].verify_password("mrose", "secret")).credential == "password"
    with pytest.raises(AccountsUnavailable, match="may be read by others"):
        await workers[0].verify_password("mrose", secret)
    with pytest.raises(AccountsUnavailable, match="may be read by others"):
        await workers[0].verify_apop("mrose", STAMP, "0" * 32)
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
