"""Which maildrop a mailbox's name means."""

import pytest

from postane.accounts.base import Account
from postane.accounts.memory import MemoryAccounts
from postane.server.mailboxes import Mailbox, find_mailbox
from postane.server.office import PostOffice
from support.pop3 import make_office

SMITH = Account("smith@example.org", "smith-drop")


@pytest.mark.parametrize("name", ["INBOX", "inbox", "InBox", "smith@example.org", "Smith@Example.ORG", "smith-drop"])
async def test_ones_own_mailbox_has_these_names(name: str) -> None:
    assert await find_mailbox(make_office(), SMITH, name) == Mailbox("smith-drop", may_delete=True)


@pytest.mark.parametrize("name", ["", "jones", "smith", "/usr/spool/mail/smith", "../smith-drop", " inbox"])
async def test_anything_else_is_not_there(name: str) -> None:
    assert await find_mailbox(make_office(), SMITH, name) is None


@pytest.fixture
def office() -> PostOffice:
    """Jones has given smith leave to read."""
    accounts = MemoryAccounts()
    for name in ("smith@example.org", "jones@example.org", "brown@example.org"):
        accounts.add(name)
    accounts.share("jones@example.org", "smith@example.org")
    return make_office(accounts=accounts)


@pytest.mark.parametrize("name", ["jones@example.org", "Jones@Example.ORG"])
async def test_a_shared_mailbox_has_its_owners_name_and_is_for_reading_only(office: PostOffice, name: str) -> None:
    assert await find_mailbox(office, SMITH, name) == Mailbox("jones@example.org", may_delete=False)


@pytest.mark.parametrize("name", ["brown@example.org", "jones", "", "\0", "jones@example.org/", "%@example.org"])
async def test_what_is_not_shared_is_not_there(office: PostOffice, name: str) -> None:
    assert await find_mailbox(office, SMITH, name) is None


async def test_leave_is_not_mutual(office: PostOffice) -> None:
    jones = await office.accounts.find("jones@example.org")
    assert jones is not None
    assert await find_mailbox(office, jones, "smith@example.org") is None
