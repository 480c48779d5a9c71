"""What a login leaves behind, and what asking for SCRAM does. Upgrades and uses: test_local.py, with the logins."""

import asyncio
import sys

import pytest

from postane.accounts.base import LoginRefused
from postane.accounts.local import Clocks, LocalAccounts
from postane.accounts.records import Place
from postane.accounts.registry import Registry
from postane.accounts.traces import GATHER_MOST, GATHER_SECONDS, MAKE_KEYS_EVERY, NOTE_USE_EVERY
from postane.sasl.base import ScramDigest
from postane.sasl.scram import derive_keys
from support.clock import Clock

DIGEST = ScramDigest.SHA_256


@pytest.fixture
def clock():
    return Clock(1_000_000.0)


@pytest.fixture
def registry(tmp_path, clock):
    registry = Registry(Place(tmp_path), clock=clock)
    yield registry
    registry.close()


@pytest.fixture
async def store(tmp_path, clock):
    store = LocalAccounts(Place(tmp_path), clocks=Clocks(clock, clock))
    yield store
    await store.close()


async def written(store):
    """What was begun to be written in the background is."""
    await asyncio.get_running_loop().run_in_executor(store._traces._writing, lambda: None)


async def test_a_device_of_an_older_version_gets_keys_when_it_is_asked_for(store, registry):
    """Its client may know nothing else: the first login fails, and the next one does not."""
    registry.add("mrose")
    secrets = {label: registry.add_device("mrose", label) for label in ("phone", "tablet")}
    registry.add("anna", password="secret")
    registry.add_device("anna", "phone")
    with registry._change() as database:
        database.execute("DELETE FROM scram")
    registry.set_enabled("anna", False)
    for name in ("mrose", "anna", "nobody"):
        assert (await store.scram(name, DIGEST)).proofs == ()
    await written(store)
    entry = await store.scram("mrose", DIGEST)
    keys = entry.keys
    assert {proof.credential: pair for proof, pair in zip(entry.proofs, keys.pairs, strict=True)} == {
        f"device {label}": derive_keys(secret.encode(), keys.salt, keys.iterations, DIGEST).pairs[0]
        for label, secret in secrets.items()
    }
    assert registry._ask("SELECT * FROM scram WHERE account <> 'mrose'") == []


async def test_what_cannot_be_made_is_not_tried_at_every_question(store, registry, clock, monkeypatch):
    registry.add("mrose")
    registry.add_device("mrose", "phone")
    with registry._change() as database:
        database.execute("DELETE FROM scram")
    tried = []
    monkeypatch.setattr(store._registry, "renew_device", lambda name, label: tried.append((name, label)))
    for seconds in (0.0, 1.0, MAKE_KEYS_EVERY):
        clock.time += seconds
        await store.scram("mrose", DIGEST)
    await written(store)
    assert tried == [("mrose", "phone")] * 2


class Timers:
    """Stands for the event loop's."""

    def __init__(self, loop):
        self._loop = loop
        self.waiting = {}

    def call_later(self, seconds, work):
        assert seconds == GATHER_SECONDS
        handle = self._loop.call_at(self._loop.time() + 3600, work)
        self.waiting[handle] = work
        return handle

    def ring(self):
        """Do what is due now."""
        due = [work for handle, work in self.waiting.items() if not handle.cancelled()]
        self.waiting = {}
        for work in due:
            work()
        return len(due)


@pytest.fixture
async def timers(monkeypatch):
    loop = asyncio.get_running_loop()
    timers = Timers(loop)
    monkeypatch.setattr(loop, "call_later", timers.call_later)
    return timers


@pytest.fixture
def commits(store, monkeypatch):
    """How many uses were in each transaction of the worker's."""
    counted = []
    note_uses = store._registry.note_uses
    monkeypatch.setattr(store._registry, "note_uses", lambda uses: counted.append(len(uses)) or note_uses(uses))
    return counted


def uses(registry):
    return {(name, label): when for name, label, when in registry._ask("SELECT account, label, last_used FROM device")}


async def test_the_uses_of_many_devices_are_one_transaction(store, registry, clock, timers, commits):
    registry.add("mrose")
    secrets = {label: registry.add_device("mrose", label) for label in ("phone", "tablet", "scanner")}
    expected = {}
    for label, secret in secrets.items():
        clock.time += 1.0
        expected["mrose", label] = clock.time
        for _ in range(3):
            await store.verify_password("mrose", secret)
            assert store.recall("mrose", secret) is not None
    await written(store)
    assert set(uses(registry).values()) == {None}, "they are gathered"
    assert timers.ring() == 1
    await written(store)
    assert uses(registry) == expected
    assert commits == [3]
    assert timers.ring() == 0, "nothing waits while nobody comes"
    for secret in secrets.values():
        assert store.recall("mrose", secret) is not None, "nothing was forgotten for it"


async def test_of_two_uses_that_wait_the_newer_one_counts(store, registry, clock, timers, commits):
    registry.add("mrose")
    secret = registry.add_device("mrose", "phone")
    for _ in range(2):
        clock.time += NOTE_USE_EVERY
        await store.verify_password("mrose", secret)
    assert timers.ring() == 1
    await written(store)
    assert uses(registry) == {("mrose", "phone"): clock.time}
    assert commits == [1]


async def test_no_more_than_so_many_wait(store, registry, timers, commits):
    for number in range(2 * GATHER_MOST + 1):
        store._traces.used_again(f"user{number}", "phone")
    await written(store)
    assert commits == [GATHER_MOST] * 2
    assert timers.ring() == 1
    await written(store)
    assert commits == [GATHER_MOST, GATHER_MOST, 1]


async def test_what_is_gathered_is_written_at_the_end(tmp_path, registry, clock, timers):
    store = LocalAccounts(Place(tmp_path), clocks=Clocks(clock, clock))
    registry.add("mrose")
    await store.verify_password("mrose", registry.add_device("mrose", "phone"))
    await store.close()
    assert uses(registry) == {("mrose", "phone"): clock.time}
    assert timers.ring() == 0


async def test_a_revoked_device_is_refused_while_its_use_waits(store, registry, timers):
    registry.add("mrose")
    secret = registry.add_device("mrose", "phone")
    await store.verify_password("mrose", secret)
    registry.revoke_device("mrose", "phone")
    assert store.recall("mrose", secret) is None
    with pytest.raises(LoginRefused):
        await store.verify_password("mrose", secret)
    assert timers.ring() == 1
    await written(store)
    assert uses(registry) == {}, "nor does its use bring it back"
    with pytest.raises(LoginRefused):
        await store.verify_password("mrose", secret)


async def test_a_device_that_took_the_label_meanwhile_was_not_used(store, registry, clock, timers):
    registry.add("mrose")
    await store.verify_password("mrose", registry.add_device("mrose", "phone"))
    registry.revoke_device("mrose", "phone")
    clock.time += 1.0
    registry.add_device("mrose", "phone")
    assert timers.ring() == 1
    await written(store)
    assert uses(registry) == {("mrose", "phone"): None}


KILLED = """
import asyncio, os, sys
from pathlib import Path
from postane.accounts.local import LocalAccounts
from postane.accounts.records import Place

async def main():
    store = LocalAccounts(Place(Path(sys.argv[1])))
    await store.verify_password("mrose", sys.argv[2])
    store._traces._write_uses()
    await asyncio.get_running_loop().run_in_executor(store._traces._writing, lambda: None)
    await store.verify_password("mrose", sys.argv[3])
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


async def test_a_killed_worker_loses_the_uses_that_waited_and_nothing_else(tmp_path, store, registry):
    registry.add("mrose", password="secret")
    secrets = [registry.add_device("mrose", label) for label in ("phone", "tablet")]
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(tmp_path), *secrets)
    assert await process.wait() == -9
    used = uses(registry)
    assert used["mrose", "phone"] is not None
    assert used["mrose", "tablet"] is None
    for secret in secrets:
        await store.verify_password("mrose", secret)
    await store.close()
    assert None not in uses(registry).values()
