"""The gate and the throttle: who is not looked at, and what is told of those who come at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
import structlog

from postane.accounts.base import LoginRefused, LoginThrottled, Proof
from postane.accounts.memory import MemoryAccounts
from postane.accounts.partial import Decoys
from postane.accounts.throttle import private_throttle
from postane.net.stream import Peer
from postane.sasl.base import ScramDigest
from postane.server.gate import Gate
from postane.server.office import PostOffice
from postane.server.record import SessionRecord
from support.pop3 import make_office

AFTER = 3


class SlowAccounts(MemoryAccounts):
    """Passwords are checked once the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()
        self.asked = 0

    async def verify_password(self, name: str, password: str) -> Proof:
        """See AccountStore."""
        self.asked += 1
        await self.go_on.wait()
        return await super().verify_password(name, password)


@pytest.fixture
def accounts() -> SlowAccounts:
    accounts = SlowAccounts()
    accounts.add("ada", password="secret")
    return accounts


@pytest.fixture
def office(accounts: SlowAccounts) -> PostOffice:
    return replace(make_office(accounts=accounts), throttle=private_throttle(0.0, lambda: 0.0, lockout_after=AFTER))


def gate(office: PostOffice, host: str = "192.0.2.1") -> Gate:
    return Gate(office, SessionRecord("s", "pop3", Peer(host), 0.0))


async def outcome(proving: Awaitable[Proof]) -> object:
    """What kind of answer it was."""
    try:
        return (await proving).account.name
    except (LoginRefused, LoginThrottled) as error:
        return type(error)


async def test_what_is_refused_is_not_looked_at_and_is_told_of_in_the_log(
    office: PostOffice, accounts: SlowAccounts
) -> None:
    accounts.go_on.set()
    for number in range(AFTER):
        assert await outcome(gate(office).password("ada", f"wrong {number}")) is LoginRefused
    asked = accounts.asked
    with structlog.testing.capture_logs() as logs, pytest.raises(LoginThrottled) as refusal:
        await gate(office).password("ada", "secret")
    assert refusal.value.seconds == 900
    assert accounts.asked == asked
    assert [(line["event"], line["peer"], line["why"]) for line in logs] == [
        ("login refused", "192.0.2.1", "too many failed logins")
    ]


@pytest.mark.parametrize("right", [0, AFTER, 9])
async def test_guesses_at_the_same_moment_count_each(office: PostOffice, accounts: SlowAccounts, right: int) -> None:
    """A right one among them is told only where fewer had failed by then."""
    guesses = [f"wrong {number}" for number in range(10)]
    guesses[right] = "secret"
    trying = [asyncio.create_task(outcome(gate(office).password("ada", guess))) for guess in guesses]
    await asyncio.sleep(0)
    assert accounts.asked == len(guesses), "all are being looked at"
    accounts.go_on.set()
    outcomes = await asyncio.gather(*trying)
    expected: list[object] = [LoginRefused] * AFTER + [LoginThrottled] * (len(guesses) - AFTER)
    if right == 0:
        expected = ["ada", *expected[:-1]]
    assert outcomes == expected


SAYINGS: list[Callable[[Gate], Awaitable[Proof]]] = [
    lambda gate: gate.apop("ada", "<1@x>", "0" * 32),
    lambda gate: gate.cram("ada", b"<1@x>", "0" * 32),
    lambda gate: gate.settle("ada", ScramDigest.SHA_256, Decoys().entry("ada", ScramDigest.SHA_256), None),
]


@pytest.mark.parametrize("say", SAYINGS, ids=["APOP", "CRAM-MD5", "SCRAM"])
async def test_digests_over_challenges_count_each_time(
    office: PostOffice, say: Callable[[Gate], Awaitable[Proof]]
) -> None:
    for _ in range(AFTER):
        assert await outcome(say(gate(office))) is LoginRefused
    assert await outcome(say(gate(office))) is LoginThrottled


async def test_who_got_in_under_a_name_is_known_by_that_name(office: PostOffice, accounts: SlowAccounts) -> None:
    accounts.go_on.set()
    await gate(office).password("Ada", "secret")
    for number in range(AFTER):
        await outcome(gate(office, f"203.0.113.{number}").password("ADA", f"wrong {number}"))
    assert await outcome(gate(office, "198.51.100.1").password("ada", "secret")) is LoginThrottled
    assert await outcome(gate(office).password("ada", "secret")) == "ada"
