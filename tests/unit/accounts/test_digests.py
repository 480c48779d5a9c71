"""Digests of device passwords: what is remembered of them, until when, and what it costs to guess."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from postane.accounts import digests
from postane.accounts.base import AccountsUnavailable, LoginRefused, Proof
from postane.accounts.devices import apop_digest, cram_digest
from postane.accounts.local import Clocks, LocalAccounts
from postane.accounts.records import Place
from postane.accounts.registry import Registry
from support.clock import Clock

STAMP = "<1896.697170952@dbc.mtview.ca.us>"
CHALLENGE = STAMP.encode()


@pytest.fixture
def clock() -> Clock:
    return Clock(1e6)


@pytest.fixture
def registry(tmp_path: Path, clock: Clock) -> Iterator[Registry]:
    registry = Registry(Place(tmp_path), clock=clock)
    registry.add("mrose", password="secret")
    registry.add_device("mrose", "phone", "tanstaaf")
    yield registry
    registry.close()


@pytest.fixture
async def accounts(registry: Registry, tmp_path: Path, clock: Clock) -> AsyncIterator[LocalAccounts]:
    accounts = LocalAccounts(Place(tmp_path), own_domains=("localhost",), clocks=Clocks(clock, clock))
    yield accounts
    await accounts.close()


def answer(secret: str = "tanstaaf") -> str:
    return apop_digest(STAMP, secret.encode()).decode()


async def prove(accounts: LocalAccounts, name: str = "mrose", secret: str = "tanstaaf") -> Proof:
    return await accounts.verify_apop(name, STAMP, answer(secret))


def questions(accounts: LocalAccounts, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the file is asked from now on."""
    asked: list[str] = []
    ask = accounts._reader.ask

    def note(question: str, values: dict[str, str]) -> list[object]:
        asked.append(question)
        return ask(question, values)

    monkeypatch.setattr(accounts._reader, "ask", note)
    return asked


async def test_who_was_right_before_costs_no_look_at_the_accounts(
    accounts: LocalAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert accounts.recall_apop("mrose", STAMP, answer()) is None
    proof = await prove(accounts)
    await prove(accounts)
    asked = questions(accounts, monkeypatch)
    other = "<2@localhost>"
    assert accounts.recall_apop("mrose", other, apop_digest(other, b"tanstaaf").decode()) == proof
    assert accounts.recall_cram("mrose", CHALLENGE, cram_digest(CHALLENGE, b"tanstaaf").decode()) == proof
    assert asked == []
    assert proof.credential == "device phone"


async def test_nothing_else_is_recalled(accounts: LocalAccounts) -> None:
    await prove(accounts)
    for name in ("nobody", "", "MROSE", "mrose@localhost"):  # a name counts as it was said
        assert accounts.recall_apop(name, STAMP, answer()) is None
    for wrong in (answer("tanstaa"), "", "0" * 32, "\udcff"):
        assert accounts.recall_apop("mrose", STAMP, wrong) is None
        assert accounts.recall_cram("mrose", CHALLENGE, wrong) is None
    assert accounts.recall_apop("mrose", "<other@localhost>", answer()) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda registry: registry.revoke_device("mrose", "phone"),
        lambda registry: registry.set_enabled("mrose", False),
        lambda registry: registry.remove("mrose"),
        lambda registry: registry.add("anna"),
    ],
)
async def test_any_change_ends_it(
    accounts: LocalAccounts, registry: Registry, change: Callable[[Registry], object]
) -> None:
    await prove(accounts)
    await prove(accounts)
    assert accounts.recall_apop("mrose", STAMP, answer()) is not None
    change(registry)
    assert accounts.recall_apop("mrose", STAMP, answer()) is None


async def test_a_guess_takes_the_same_work_for_a_name_that_is_known_and_one_that_is_not(
    accounts: LocalAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prove(accounts)
    work: list[str] = []
    open_, ask = accounts._vault.open, accounts._reader.ask
    monkeypatch.setattr(accounts._vault, "open", lambda *args: (work.append("open"), open_(*args))[1])
    monkeypatch.setattr(accounts._reader, "ask", lambda *args: (work.append("ask"), ask(*args))[1])
    done = []
    for name in ("mrose", "nobody"):
        work.clear()
        compared: list[int] = []

        def expected(secret: bytes, seen: list[int] = compared) -> bytes:
            seen.append(len(secret))
            return b"no"

        assert accounts._digests.recall(digests.Claim(name, b"0" * 32, expected)) is None
        done.append((list(work), len(compared)))
    assert done == [(["open"], 1)] * 2


async def test_what_is_remembered_is_bounded(
    accounts: LocalAccounts, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(digests.DEVICES_LIMIT):
        registry.add_device("mrose", f"d{number}", f"secret-{number}")
    await prove(accounts)
    assert accounts._digests._known == {}, "too many devices"
    for number in range(digests.DEVICES_LIMIT):
        registry.revoke_device("mrose", f"d{number}")
    monkeypatch.setattr(accounts._digests, "_limit", 2)
    for name in ("mrose", "MROSE", "Mrose"):
        await prove(accounts, name)
    assert list(accounts._digests._known) == ["Mrose"]
    monkeypatch.setattr(digests, "NAME_LENGTH", 3)
    await prove(accounts, "mROSE")
    assert list(accounts._digests._known) == ["Mrose"]


async def test_without_the_key_nothing_is_recalled(registry: Registry, tmp_path: Path, clock: Clock) -> None:
    for file in tmp_path.glob("*key*"):
        file.unlink()
    accounts = LocalAccounts(Place(tmp_path), clocks=Clocks(clock, clock))
    assert accounts.recall_apop("mrose", STAMP, answer()) is None
    with pytest.raises(AccountsUnavailable):
        await prove(accounts)
    await accounts.close()


async def test_without_a_device_a_digest_proves_nothing(accounts: LocalAccounts, registry: Registry) -> None:
    registry.add("anna", password="secret")
    with pytest.raises(LoginRefused) as caught:
        await prove(accounts, "anna", "secret")
    assert "there is none" in caught.value.log
    with pytest.raises(LoginRefused) as caught:
        await prove(accounts, "mrose", "secret")
    assert "wrong digest" in caught.value.log
    assert accounts._digests._known == {}
