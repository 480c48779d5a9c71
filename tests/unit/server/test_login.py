"""From a claim to an open maildrop."""

from dataclasses import replace

import pytest

from postane.accounts.memory import MemoryAccounts
from postane.maildrop.base import DropInUse, LeaseLost, LockPolicy
from postane.net.stream import Peer
from postane.server.limits import Limits
from postane.server.login import Login
from postane.server.office import PostOffice
from postane.server.record import SessionRecord
from support.pop3 import make_office


@pytest.fixture
def office() -> PostOffice:
    accounts = MemoryAccounts()
    accounts.add("ada", password="secret")
    return make_office(accounts=accounts, limits=Limits(per_account=2))


def make_login(office: PostOffice) -> Login:
    return Login(office, SessionRecord("s", "pop3", Peer("192.0.2.1"), 0.0), "POP3")


async def test_in_and_out_again(office: PostOffice) -> None:
    for _ in range(5):  # neither the lease nor the count of sessions is kept
        login = make_login(office)
        session = await login.enter(office.accounts.verify_password("ada", "secret"), "USER")
        assert session.snapshot.total == 0
        await login.leave()
        await login.leave()
        assert login.session is None


async def test_a_second_session_is_refused_and_counts_for_nothing(office: PostOffice) -> None:
    first = make_login(office)
    await first.enter(office.accounts.verify_password("ada", "secret"), "USER")
    for _ in range(5):
        second = make_login(office)
        with pytest.raises(DropInUse, match="since"):
            await second.enter(office.accounts.verify_password("ada", "secret"), "USER")
    await first.leave()
    await second.enter(office.accounts.verify_password("ada", "secret"), "USER")


@pytest.mark.parametrize("own", [LockPolicy.TAKEOVER, LockPolicy.SHARE, None])
async def test_an_account_may_have_a_lock_policy_of_its_own(own: LockPolicy | None) -> None:
    accounts = MemoryAccounts()
    accounts.configure(replace(accounts.add("ada", password="secret"), lock=own))
    office = make_office(accounts=accounts)
    first, second = make_login(office), make_login(office)
    await first.enter(accounts.verify_password("ada", "secret"), "USER")
    if own is None:
        with pytest.raises(DropInUse):
            await second.enter(accounts.verify_password("ada", "secret"), "USER")
    else:
        await second.enter(accounts.verify_password("ada", "secret"), "USER")
        second.note_command()
    if own is LockPolicy.TAKEOVER:
        with pytest.raises(LeaseLost):
            first.note_command()
        assert first._record.commands == 1, "it is counted all the same"
    else:
        first.note_command()
    await first.leave()
    await second.leave()


async def test_who_opens_anothers_drop_turns_nobody_out() -> None:
    accounts = MemoryAccounts()
    for name in ("ada", "bob"):
        accounts.configure(replace(accounts.add(name, password="secret"), lock=LockPolicy.TAKEOVER))
    office = make_office(accounts=accounts)
    owner, guest = make_login(office), make_login(office)
    await owner.enter(accounts.verify_password("ada", "secret"), "USER")
    await guest.enter(accounts.verify_password("bob", "secret"), "USER")
    with pytest.raises(DropInUse):
        await guest.open("ada")
    owner.note_command()
    await owner.leave()
    await guest.open("ada")
    await guest.leave()
