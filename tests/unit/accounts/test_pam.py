"""What the contract suite does not show: who is never asked about, when a refusal is told, life without PAM."""

import sys
from dataclasses import replace

import pytest

from postane.accounts.base import AccountsUnavailable, LoginRefused
from postane.accounts.libpam import Answer, Pam, Word
from postane.accounts.pam import GRID, PamAccounts, PamService, Surroundings
from support.file_houses import PamKeeper, no_wait, require_module


class Clock:
    """Goes on when it is told; who waits goes on at once."""

    def __init__(self) -> None:
        self.time = 100.0
        self.waited: list[float] = []

    def __call__(self) -> float:
        return self.time

    async def wait(self, seconds: float) -> None:
        self.waited.append(seconds)


@pytest.fixture
def keeper(tmp_path) -> PamKeeper:
    require_module("pam_pwdfile.so")
    keeper = PamKeeper(tmp_path)
    keeper.add("mrose", password="secret")
    return keeper


@pytest.fixture
async def store(keeper):
    store = PamAccounts(keeper.service, surroundings=Surroundings(find_user=keeper.find_user, wait=no_wait))
    yield store
    await store.close()


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """The users that PAM is asked about."""
    users: list[str] = []
    check_password, check_account = Pam.check_password, Pam.check_account
    monkeypatch.setattr(
        Pam, "check_password", lambda pam, user, word: (users.append(user), check_password(pam, user, word))[1]
    )
    monkeypatch.setattr(Pam, "check_account", lambda pam, user: (users.append(user), check_account(pam, user))[1])
    return users


async def refused(asking) -> LoginRefused:
    with pytest.raises(LoginRefused) as caught:
        await asking
    return caught.value


async def test_users_below_the_first_have_no_maildrop_and_are_never_asked_about(store, keeper, asked):
    keeper.add("service", password="secret", uid=999)
    for name in ("root", "daemon", "service", "nobody"):
        await refused(store.verify_password(name, "secret"))
        await refused(store.admit(name, "certificate"))
        assert await store.find(name) is None
        assert await store.resolve(name, None) is None
    assert asked == []


@pytest.mark.parametrize("last", [60000, 100_000])
async def test_users_above_the_last_have_no_maildrop_and_nobody_never(keeper, asked, last):
    for name, uid in (("last", last), ("beyond", last + 1), ("nobody-else", 65534)):
        keeper.add(name, password="secret", uid=uid)
    store = PamAccounts(
        replace(keeper.service, last_uid=last), surroundings=Surroundings(find_user=keeper.find_user, wait=no_wait)
    )
    assert (await store.find("last")).name == "last"
    for name in ("beyond", "nobody-else"):
        await refused(store.verify_password(name, "secret"))
        assert await store.find(name) is None
        assert await store.resolve(name, None) is None
    assert asked == []
    await store.close()


@pytest.mark.parametrize("password", ["", "secret\0", "secret\0x"])
async def test_what_c_would_cut_is_never_asked(store, asked, password):
    await refused(store.verify_password("mrose", password))
    assert asked == []


async def test_no_login_is_remembered(store, asked):
    for _ in range(3):
        await store.verify_password("mrose", "secret")
    assert asked == ["mrose"] * 3


async def test_a_system_that_folds_names_is_not_believed(keeper):
    class Folding:
        pw_name, pw_uid = "mrose", 1000

    store = PamAccounts(keeper.service, surroundings=Surroundings(find_user=lambda name: Folding(), wait=no_wait))
    assert await store.find("mrose") is not None
    assert await store.find("mrose2") is None
    await store.close()


@pytest.mark.parametrize(("spent", "held"), [(0.01, 0.49), (0.3, 0.2), (0.5, 0.0), (0.7, 0.3), (0.0, 0.0)])
async def test_a_refusal_is_held_back_to_the_next_mark(keeper, monkeypatch, spent, held):
    clock = Clock()
    surroundings = Surroundings(keeper.find_user, clock, clock.wait)
    store = PamAccounts(keeper.service, surroundings=surroundings)

    def check(pam, user, password):
        clock.time += spent
        return Answer(Word.NO if password == b"wrong" else Word.YES, "")

    monkeypatch.setattr(Pam, "check_password", check)
    await refused(store.verify_password("mrose", "wrong"))
    assert clock.waited == [pytest.approx(held)]
    await store.verify_password("mrose", "secret")
    assert len(clock.waited) == 1, "who is let in does not wait"
    await store.close()


async def test_an_unknown_user_waits_as_long(keeper):
    clock = Clock()

    def find(name: str):
        clock.time += 0.001
        return keeper.find_user(name)

    store = PamAccounts(keeper.service, surroundings=Surroundings(find, clock, clock.wait))
    for name in ("nobody", "root"):
        await refused(store.verify_password(name, "secret"))
    assert clock.waited == [pytest.approx(GRID - 0.001)] * 2
    await store.close()


async def test_a_stack_that_cannot_answer_is_no_wrong_password(store, keeper, monkeypatch):
    monkeypatch.setattr(Pam, "check_password", lambda *values: Answer(Word.UNAVAILABLE, "no server"))
    with pytest.raises(AccountsUnavailable) as caught:
        await store.verify_password("mrose", "secret")
    assert caught.value.text == "accounts are not available now"
    assert "no server" in caught.value.log


async def test_a_service_that_is_not_there(keeper, tmp_path):
    service = PamService("nothing", tmp_path)
    store = PamAccounts(service, surroundings=Surroundings(find_user=keeper.find_user, wait=no_wait))
    with pytest.raises(AccountsUnavailable) as caught:
        await store.verify_password("mrose", "secret")
    assert "cannot start the service nothing" in caught.value.log
    await store.close()


async def test_a_system_that_cannot_tell_its_users(keeper):
    def broken(name: str):
        raise OSError(5, "Input/output error")

    store = PamAccounts(keeper.service, surroundings=Surroundings(find_user=broken, wait=no_wait))
    with pytest.raises(AccountsUnavailable):
        await store.find("mrose")
    await store.close()


def test_other_systems_and_machines_without_pam_say_so(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(AccountsUnavailable, match="no libpam"):
        PamAccounts(PamService())
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(AccountsUnavailable, match="for Linux"):
        PamAccounts(PamService())


async def test_this_machines_own_users():
    """Whoever runs the tests is somebody, and root has no maildrop."""
    require_module("pam_deny.so")
    store = PamAccounts(PamService())
    assert await store.find("root") is None
    await store.close()
