"""Every claim goes through one gate."""

import pytest
import structlog

from postane.accounts.base import AccountsUnavailable, LoginRefused, LoginThrottled
from postane.accounts.memory import MemoryAccounts
from postane.accounts.partial import Decoys
from postane.accounts.throttle import private_throttle
from postane.net.stream import Peer
from postane.sasl.base import ScramDigest
from postane.server import gate as module
from postane.server.gate import Gate
from postane.server.office import PostOffice
from postane.server.record import SessionRecord
from support.pop3 import make_office

DIGEST = ScramDigest.SHA_256


@pytest.fixture
def office() -> PostOffice:
    accounts = MemoryAccounts()
    accounts.add("ada", password="secret")
    for name in ("bob", "kate"):
        accounts.add(name, password="secret")
    return make_office(accounts=accounts)


def make_gate(office: PostOffice, certificate: str | None = None) -> Gate:
    return Gate(office, SessionRecord("s", "pop3", Peer("192.0.2.1"), 0.0), certificate)


async def test_failures_are_held_back_longer_each_time_and_logged(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    object.__setattr__(office, "throttle", private_throttle(2.0, lambda: 0.0))
    with structlog.testing.capture_logs() as logs:
        for guess in ("wrong", "wronger", "wrongest", "worst"):
            with pytest.raises(LoginRefused):
                await make_gate(office).password("ada", guess)
    assert waited == [2.0, 4.0, 8.0, 15.0]
    assert [line["event"] for line in logs] == ["login refused"] * 4
    assert all(line["peer"] == "192.0.2.1" and "ada" in line["why"] for line in logs)
    assert not any(guess in str(logs).replace("wrong password", "") for guess in ("wronger", "wrongest", "worst"))
    await make_gate(office).password("ada", "secret")
    with pytest.raises(LoginRefused):
        await make_gate(office).password("ada", "again")
    assert waited[-1] == 2.0, "a right login forgives"


async def test_the_log_tells_who_tried_and_by_what_in_the_order_of_the_filter(office: PostOffice) -> None:
    object.__setattr__(office, "throttle", private_throttle(0.0, lambda: 0.0))
    entry = await make_gate(office).keys("ada", DIGEST)
    tries = {
        "USER": make_gate(office).password("ada", "wrong"),
        "APOP": make_gate(office).by("APOP").apop("ada", "<s>", "0" * 32),
        "CRAM-MD5": make_gate(office).by("CRAM-MD5").cram("ada", b"<s>", "0" * 32),
        "SCRAM-SHA-256": make_gate(office).by("SCRAM-SHA-256").settle("ada", DIGEST, entry, None),
        "EXTERNAL": make_gate(office, "bob").by("EXTERNAL").outside("ada"),
        "EXTERNAL ": make_gate(office).by("EXTERNAL").outside("ada"),
    }
    for mechanism, trying in tries.items():
        with structlog.testing.capture_logs() as logs, pytest.raises(LoginRefused):
            await trying
        (line,) = logs
        assert line["mechanism"] == mechanism.strip()
        assert '"ada"' in line["why"]
        assert list(line)[:5] == ["session", "service", "peer", "why", "mechanism"]
    with structlog.testing.capture_logs() as logs, pytest.raises(LoginRefused):
        await make_gate(office, "bob").outside("ada")
    assert '"bob"' in logs[0]["why"]


async def test_a_store_that_cannot_be_asked_is_told_of_with_whose_login_it_was(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise AccountsUnavailable("not now", "the database cannot be reached")

    object.__setattr__(office, "throttle", private_throttle(0.0, lambda: 0.0))
    for method in ("verify_password", "scram"):
        monkeypatch.setattr(office.accounts, method, fail)
    for trying in (make_gate(office).password("ada", "secret"), make_gate(office).keys("ada", DIGEST)):
        with pytest.raises(AccountsUnavailable) as caught:
            await trying
        assert str(caught.value.text) == "not now"
        assert caught.value.log.startswith('login of "ada" by USER from 192.0.2.1 (pop3): the database')


async def test_after_many_failures_nothing_is_looked_at(office: PostOffice) -> None:
    object.__setattr__(office, "throttle", private_throttle(0.0, lambda: 0.0, 3, 60.0))
    for guess in ("1", "2", "3"):
        with pytest.raises(LoginRefused):
            await make_gate(office).password("ada", guess)
    with pytest.raises(LoginThrottled, match="try again in"), structlog.testing.capture_logs() as logs:
        await make_gate(office).password("ada", "secret")
    assert logs[0]["event"] == "login refused", "a filter that bans sees these too"
    with pytest.raises(LoginThrottled):
        await make_gate(office).keys("ada", ScramDigest.SHA_256)


async def test_names_and_passwords_are_prepared(office: PostOffice) -> None:
    """RFC 4616 s2: a soft hyphen is nothing, and a full-width letter is that letter."""
    assert (await make_gate(office).password("a\u00adda", "\uff53ecret")).account.name == "ada"
    with pytest.raises(LoginRefused):
        await make_gate(office).password("a\u00adda", "secret", prepares=False)
    with pytest.raises(LoginRefused, match="SASLprep"):
        await make_gate(office).password("a\u0007da", "secret")


@pytest.mark.parametrize("name", [None, "ada", "ADA", "ada@localhost"])
async def test_a_certificate_proves_its_own_name(office: PostOffice, name: str | None) -> None:
    proof = await make_gate(office, "ada").outside(name)
    assert (proof.account.name, proof.credential) == ("ada", "certificate")


@pytest.mark.parametrize(
    ("certificate", "name"),
    [
        (None, None),
        (None, "ada"),
        ("ada", "bob"),
        ("nobody", None),
        ("ada", "nobody"),
        ("\u212aate", None),
        ("\uff4bate", None),
    ],
)
async def test_and_no_other(office: PostOffice, certificate: str | None, name: str | None) -> None:
    """A certificate without the expected name once let its owner in as anybody (CVE-2019-3814)."""
    with pytest.raises(LoginRefused):
        await make_gate(office, certificate).outside(name)


async def test_a_disabled_account_is_let_in_by_nothing(office: PostOffice) -> None:
    gate = make_gate(office, "ada")
    entry = await gate.keys("ada", DIGEST)
    office.accounts.set_enabled("ada", False)  # type: ignore[attr-defined]
    for going in (gate.password("ada", "secret"), gate.outside(None), gate.settle("ada", DIGEST, entry, 0)):
        with pytest.raises(LoginRefused):
            await going


@pytest.mark.parametrize("name", ["nobody", "ada"])
async def test_a_decoy_proves_nothing(office: PostOffice, name: str) -> None:
    with pytest.raises(LoginRefused):
        await make_gate(office).settle(name, DIGEST, Decoys().entry(name, DIGEST), None)
