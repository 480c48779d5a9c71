"""Which maildrop a mailbox's name means."""

import pytest

from postane.accounts.base import Account
from postane.server.mailboxes import Mailbox, find_mailbox
from support.pop3 import make_office

SMITH = Account("smith@example.org", "smith-drop")


@pytest.mark.parametrize("name", ["INBOX", "inbox", "InBox", "smith@example.org", "Smith@Example.ORG", "smith-drop"])
async def test_ones_own_mailbox_has_these_names(name: str) -> None:
    assert await find_mailbox(make_office(), SMITH, name) == Mailbox("smith-drop", may_delete=True)


@pytest.mark.parametrize("name", ["", "jones", "smith", "/usr/spool/mail/smith", "../smith-drop", " inbox"])
async def test_anything_else_is_not_there(name: str) -> None:
    assert await find_mailbox(make_office(), SMITH, name) is None
