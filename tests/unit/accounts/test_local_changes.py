"""What another process has changed is seen by the very next login and recipient, by the shared number alone.

The workers' clock stands still here, so that SQLite, which is asked each second, cannot tell them.
"""

import asyncio
import inspect
from pathlib import Path

import pytest

from postane.accounts.base import LoginRefused
from postane.accounts.hashes import LIGHT
from postane.accounts.local import Clocks, LocalAccounts
from postane.accounts.reader import LOOK_EVERY
from postane.accounts.records import Place
from postane.accounts.registry import Registry
from support.clock import Clock
from support.registry_child import another_process

CHANGES = (
    ("set_password", "mrose", "other"),
    ("set_enabled", "mrose", False),
    ("set_enabled", "mrose", True),
    ("set_quota", "mrose", 5),
    ("configure", "mrose", 60.0),
    ("add_alias", "mrose", "info@example.org"),
    ("remove_alias", "mrose", "info@example.org"),
    ("share", "mrose", "anna"),
    ("unshare", "mrose", "anna"),
    ("renew_device", "mrose", "bare"),
    ("revoke_device", "mrose", "phone"),
    ("add_device", "mrose", "tablet"),
    ("add", "ben"),
    ("import_many", "cleo", "secret"),
    ("renew", "cleo", "secret"),
    ("remove", "mrose"),
)

"""One after the other, by a process that is not the worker's."""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def registry(place, clock):
    registry = Registry(place, clock=clock, cost=LIGHT)
    registry.add("anna", password="secret", aliases=["anna@example.org", "@example.net"])
    registry.add("mrose", password="secret")
    yield registry
    registry.close()


@pytest.fixture
def clock():
    return Clock(1e6)


@pytest.fixture
async def worker(place, registry, clock):
    worker = LocalAccounts(place, own_domains=("localhost",), clocks=Clocks(clock, clock))
    yield worker
    await worker.close()


async def remember(worker, address=("anna", "localhost"), login=("anna", "secret")):
    for _ in range(3):
        await worker.verify_password(*login)
        await worker.resolve(*address)
    assert worker.recall(*login) is not None
    assert worker.recall_address(*address) is not None
    await worker.spread()
    assert worker.recall_spread() is not None


def writers(*ways: str) -> set[str]:
    """The methods of Registry that commit something in one of these ways."""
    methods = inspect.getmembers(Registry, inspect.isfunction)
    return {name for name, method in methods if not name.startswith("_") and set(ways) & set(method.__code__.co_names)}


def test_every_change_is_tried():
    assert {method for method, *_ in CHANGES} == writers("_change", "_update")
    assert writers("transaction") == {"note_uses"}, "tells nobody"


async def test_any_change_of_another_process_is_seen_at_once(worker, registry, place):
    phone = registry.add_device("mrose", "phone")
    registry.add_device("mrose", "bare")
    registry._database().execute("DELETE FROM scram WHERE label = 'bare'")
    with another_process(place.folder) as office:
        for change in CHANGES:
            await remember(worker)
            office.change(*change)
            assert worker.recall("anna", "secret") is None, change
            assert worker.recall_address("anna", "localhost") is None, change
            assert worker.recall_spread() is None, change
    with pytest.raises(LoginRefused):
        await worker.verify_password("mrose", phone)


async def test_that_a_device_was_used_ends_nothing_that_is_remembered(worker, registry, place, clock):
    """Nor does SQLite's own count of commits, in which it is one like any other."""
    phone = registry.add_device("mrose", "phone")
    with another_process(place.folder) as office:
        await remember(worker)
        await asyncio.get_running_loop().run_in_executor(worker._traces._writing, lambda: None)  # a better hash
        await remember(worker)
        assert (await worker.verify_password("mrose", phone)).credential == "device phone"
        spread = await worker.spread()
        for _ in range(3):
            office.change("note_uses", [[clock.time, "mrose", "phone"]])
            assert registry.show("mrose").devices[0].last_used == clock.time
            clock.time += LOOK_EVERY
            assert worker.recall("anna", "secret") is not None
            assert worker.recall("mrose", phone) is not None
            assert worker.recall_address("anna", "localhost") is not None
            assert await worker.spread() is spread
        office.change("note_uses", [[clock.time, "mrose", "phone"]])
        office.change("revoke_device", "mrose", "phone")
        assert worker.recall("mrose", phone) is None
        with pytest.raises(LoginRefused):
            await worker.verify_password("mrose", phone)


async def test_what_was_right_is_refused_by_the_next_login(worker, registry, place):
    phone = registry.add_device("mrose", "phone")
    registry.add("ben", password="secret")
    registry.add("cleo", password="secret")
    logins = {("mrose", phone): ("revoke_device", "mrose", "phone")}
    logins |= {("mrose", "secret"): ("set_password", "mrose", "other")}
    logins |= {("ben", "secret"): ("set_enabled", "ben", False), ("cleo", "secret"): ("remove", "cleo")}
    with another_process(place.folder) as office:
        for login, change in logins.items():
            await remember(worker, login=login)
            office.change(*change)
            assert worker.recall(*login) is None
            with pytest.raises(LoginRefused):
                await worker.verify_password(*login)


async def test_an_address_means_what_it_does_now(worker, registry, place):
    with another_process(place.folder) as office:
        for address, changes in (
            (("anna", "example.org"), [("remove_alias", "anna", "anna@example.org")]),
            (
                ("any", "example.net"),
                [("remove_alias", "anna", "@example.net"), ("add_alias", "mrose", "@example.net")],
            ),
            (("mrose", "localhost"), [("remove", "mrose")]),
            (("anna", "localhost"), [("set_quota", "anna", 5)]),
        ):
            await remember(worker, address)
            before = worker.recall_address(*address)
            for change in changes:
                office.change(*change)
            assert worker.recall_address(*address) is None
            after = await worker.resolve(*address)
            assert after != before
            assert worker.recall_address(*address) == after
