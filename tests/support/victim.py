"""A box with mail in it that somebody is going to be rude to, and the proof that it took no harm."""

from dataclasses import dataclass

from .corpus import corpus
from .post import check_all, fill, read_all
from .postoffice import Mailbox, PostOffice
from .talk import Talk, can_log_in, log_in

LETTERS = corpus()[:3]


@dataclass(frozen=True, slots=True)
class Victim:
    """A box with three letters that somebody is going to be rude to."""

    office: PostOffice
    mailbox: Mailbox

    def log_in(self) -> Talk:
        """A session of its owner."""
        return log_in(self.office.pop3, self.mailbox.name, self.mailbox.password)

    def connect(self, *, source: str | None = None) -> Talk:
        """A connection on which nothing was said yet."""
        return Talk(self.office.pop3, source=source)

    def check_unharmed(self) -> None:
        """The letters are all there, the box can be opened, and somebody else can get and read mail."""
        can_log_in(self.office.pop3, self.mailbox.name, self.mailbox.password)
        check_all(read_all(self.office, self.mailbox), LETTERS)
        other = self.office.fresh()
        fill(self.office, other, LETTERS[:1])
        check_all(read_all(self.office, other), LETTERS[:1])


def make_victim(office: PostOffice, mailbox: Mailbox) -> Victim:
    """Put the letters into a fresh box."""
    fill(office, mailbox, LETTERS)
    return Victim(office, mailbox)
