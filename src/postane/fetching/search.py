"""Looking for the server of a mail address, with what this machine has: its resolver, the web, connections.

Must not know: what is done with what is found.
"""

from postane.discovery.find import Discovery, Means, Wishes, discover
from postane.discovery.guesses import Guesser
from postane.discovery.resolver import DnsResolver
from postane.net.dial import dial
from postane.net.http import HttpsClient

WAIT = 10.0
"""Seconds for each question to the web."""


async def search(address: str) -> Discovery:
    """The servers of an address, the best first. Raises DiscoveryError."""
    http = HttpsClient(timeout=WAIT, follows=True)
    try:
        return await discover(address, Means(DnsResolver(), http, Guesser(dial)), Wishes())
    finally:
        await http.close()
