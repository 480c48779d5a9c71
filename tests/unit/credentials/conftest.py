"""An authorization server on loopback, somebody who asks it, and a clock that waiting puts on."""

from collections.abc import AsyncIterator

import pytest

from postane.credentials.device import Waiting
from postane.credentials.oauth import Provider
from postane.net.http import HttpsClient
from support.clock import Clock
from support.device_authorization_server import CLIENT, DeviceServer, open_device_server

NOW = 1_700_000_000.0


class PatientClock(Clock):
    """A clock that is put on by whoever waits."""

    def __init__(self) -> None:
        super().__init__(NOW)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock()


@pytest.fixture
def waiting(clock: PatientClock) -> Waiting:
    return Waiting(clock, clock.sleep)


@pytest.fixture
async def server() -> AsyncIterator[DeviceServer]:
    async with open_device_server() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[HttpsClient]:
    http = HttpsClient(timeout=20.0)
    yield http
    await http.close()


@pytest.fixture
def provider(server: DeviceServer) -> Provider:
    return Provider(
        "ours", CLIENT, f"{server.url}/token", f"{server.url}/device", f"{server.url}/authorize", "mail offline"
    )
