"""What a login leaves behind, and what asking for SCRAM does. Upgrades and uses: test_local.py, with the logins."""

import asyncio

import pytest

from postane.accounts.local import Clocks, LocalAccounts
from postane.accounts.records import Place
from postane.accounts.registry import Registry
from postane.accounts.traces import MAKE_KEYS_EVERY
from postane.sasl.base import ScramDigest
from postane.sasl.scram import derive_keys

DIGEST = ScramDigest.SHA_256


class Clock:
    time = 1_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def registry(tmp_path):
    registry = Registry(Place(tmp_path))
    yield registry
    registry.close()


@pytest.fixture
async def store(tmp_path, clock):
    store = LocalAccounts(Place(tmp_path), clocks=Clocks(clock, clock))
    yield store
    await store.close()


async def written(store):
    """What was to be written in the background is."""
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
