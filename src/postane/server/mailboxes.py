"""Which maildrop an account means by the name of a mailbox, for the protocols that know such names.

RFC 937 s(Definitions of Commands and Replies), FOLD; RFC 918 s(Definitions of Commands and Replies), RETR and RDEL.

Must not know: how a protocol carries the name.
"""

from dataclasses import dataclass

from postane.accounts.base import Account

from .office import PostOffice

INBOX = "inbox"
"""What everybody may call their own maildrop, in letters of either case."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A maildrop that an account may read; `may_delete` tells whether what it deletes there goes."""

    drop: str
    may_delete: bool = True


async def find_mailbox(office: PostOffice, account: Account, name: str) -> Mailbox | None:
    """The mailbox that `account` calls `name`; None: there is none, or it is not theirs to read.

    An account reads its own maildrop, by the account's name, the drop's name, or INBOX, and by the owner's account name
    one that it has been given leave to read, where it deletes nothing. Raises AccountsUnavailable.
    """
    if name.lower() in {INBOX, account.name.lower(), account.drop.lower()}:
        return Mailbox(account.drop)
    owner = await office.accounts.shared_with(account.name, name)
    return None if owner is None else Mailbox(owner.drop, may_delete=False)
