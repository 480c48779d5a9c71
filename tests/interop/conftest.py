"""A box to be rude to, and a server to ill-treat."""

from collections.abc import Iterator

import pytest

from support.postoffice import Mailbox, PostOffice
from support.victim import Victim, make_victim


@pytest.fixture
def victim(post_office: PostOffice, mailbox: Mailbox) -> Iterator[Victim]:
    """Whatever a test does to it: afterwards it is unharmed, and so are others."""
    victim = make_victim(post_office, mailbox)
    yield victim
    victim.check_unharmed()


@pytest.fixture
def office() -> Iterator[PostOffice]:
    """A server that the test may ill-treat."""
    with PostOffice() as office:
        yield office
