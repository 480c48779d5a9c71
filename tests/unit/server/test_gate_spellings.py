"""What a refusal gives away: no more guesses by another spelling of a name, nothing by its time."""

from dataclasses import replace

import pytest

from postane.accounts.base import AccountsUnavailable, LoginRefused, LoginThrottled, Proof
from postane.accounts.memory import MemoryAccounts
from postane.accounts.throttle import private_throttle
from postane.net.stream import Peer
from postane.sasl.base import ScramDigest
from postane.server import gate as module
from postane.server.gate import Gate
from postane.server.office import PostOffice
from postane.server.record import SessionRecord
from support.pop3 import make_office

SPELLINGS = ["ada", "Ada", "ad\u00ada", "\u2060ada", "\uff41da", "ada\ufe0f"]
"""All of them log in as ada: SASLprep leaves some letters out, and takes wide ones for narrow ones."""


@pytest.fixture
def office() -> PostOffice:
    accounts = MemoryAccounts()
    accounts.add("ada", password="secret")
    return replace(make_office(accounts=accounts), throttle=private_throttle(0.0, lambda: 0.0, lockout_after=3))


def gate(office: PostOffice, number: int) -> Gate:
    return Gate(office, SessionRecord("s", "pop3", Peer(f"192.0.2.{number}"), 0.0))


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_it_is_the_same_account(office: PostOffice, spelling: str) -> None:
    assert (await gate(office, 1).password(spelling, "secret")).account.name == "ada"


async def test_another_spelling_buys_no_more_guesses(office: PostOffice) -> None:
    for number, spelling in enumerate(SPELLINGS[:3]):
        with pytest.raises(LoginRefused):
            await gate(office, number).password(spelling, f"guess {number}")
    for number, spelling in enumerate(SPELLINGS, 100):
        with pytest.raises(LoginThrottled):
            await gate(office, number).password(spelling, "secret")
        with pytest.raises(LoginThrottled):
            await gate(office, number).keys(spelling, ScramDigest.SHA_256)


async def test_what_is_not_looked_at_is_held_back_too(office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    office = replace(office, throttle=private_throttle(2.0, lambda: 0.0, lockout_after=1))
    with pytest.raises(LoginRefused):
        await gate(office, 1).password("ada", "wrong")
    waited.clear()
    with pytest.raises(LoginThrottled):
        await gate(office, 1).password("ada", "secret")
    assert waited == [2.0]


@pytest.mark.parametrize("took", [0.0, 0.05, 0.4, 2.3, -7200.0])
async def test_what_a_check_took_does_not_show(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch, took: float
) -> None:
    """Each account store takes its own time; a clock may be put back meanwhile."""
    moments, waited = iter([1000.0, 1000.0 + took]), list[float]()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    office = replace(office, throttle=private_throttle(2.0, lambda: 0.0), clock=lambda: next(moments))
    with pytest.raises(LoginRefused):
        await gate(office, 1).password("ada", "wrong")
    (wait,) = waited
    assert 0 <= wait <= 2.0
    assert (took + wait) % 2.0 == pytest.approx(0.0, abs=1e-6) or (took + wait) % 2.0 == pytest.approx(2.0, abs=1e-6)


class Unreachable(MemoryAccounts):
    """Accounts that cannot be asked."""

    async def verify_password(self, name: str, password: str) -> Proof:
        """See AccountStore."""
        raise AccountsUnavailable("not now")


async def test_who_asks_what_cannot_be_asked_is_held_back_too(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    office = replace(office, throttle=private_throttle(2.0, lambda: 0.0, lockout_after=1), accounts=Unreachable())
    for _ in range(2):  # and it is no failure
        with pytest.raises(AccountsUnavailable):
            await gate(office, 1).password("ada", "secret")
    assert waited == [2.0, 2.0]
