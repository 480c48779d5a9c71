"""The search for a server uses what this machine has, and lets go of it."""

import pytest

from postane.discovery.base import DiscoveryError
from postane.discovery.guesses import Guesser
from postane.discovery.resolver import DnsResolver
from postane.fetching import search as module
from postane.net.http import HttpsClient


async def test_it_asks_names_the_web_and_guesses(monkeypatch):
    asked = []
    closed = []

    async def discover(address, means, wishes):
        asked.append((address, type(means.resolver), type(means.http), type(means.guesser)))
        return "found"

    async def close(self):
        closed.append(self)

    monkeypatch.setattr(module, "discover", discover)
    monkeypatch.setattr(HttpsClient, "close", close)
    assert await module.search("you@example.org") == "found"
    assert asked == [("you@example.org", DnsResolver, HttpsClient, Guesser)]
    assert len(closed) == 1


async def test_what_is_no_address_is_told_without_asking_anybody():
    with pytest.raises(DiscoveryError):
        await module.search("example.org")
