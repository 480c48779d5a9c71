"""Retention and login delay in a real post office, seen from outside."""

from collections.abc import Iterator

import pytest

from support.corpus import plain
from support.post import count, fill, refused_login
from support.postoffice import Mailbox, PostOffice, wait_until
from support.talk import Talk, log_in


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    rules = {"retention": "1s", "housekeeping": "200ms"}
    with PostOffice({"maildrop": rules, "server": {"workers": 2}, "log": {"format": "json"}}) as office:
        yield office


def wait_for_expiry(office: PostOffice, mailbox: Mailbox) -> None:
    """A login would take the lease that the housekeeper needs; a look does not."""
    wait_until(lambda: office.run_forked("drop show", mailbox.name, "--json").stdout == b"[]\n", "the messages expire")


def test_old_mail_goes_by_itself_and_the_server_says_so_before(office: PostOffice) -> None:
    with Talk(office.pop3) as talk:
        assert talk.ask(b"CAPA").startswith(b"+OK")
        assert b"EXPIRE 0\r\n" in talk.body()
    mailbox = office.fresh()
    fill(office, mailbox, plain()[:2])
    wait_for_expiry(office, mailbox)
    assert count(office, mailbox) == 0


def test_an_account_with_rules_of_its_own_has_those(office: PostOffice) -> None:
    mailbox, other = office.fresh(), office.fresh()
    office.run_forked("user set", mailbox.name, "retention=never", "login-delay=1h")
    fill(office, mailbox, plain()[:2])
    fill(office, other, plain()[:2])
    wait_for_expiry(office, other)
    assert count(office, mailbox) == 2
    with log_in(office.pop3, mailbox.name, mailbox.password) as talk:
        assert talk.ask(b"CAPA").startswith(b"+OK")
        told = talk.body()
        assert b"EXPIRE NEVER\r\n" in told
        assert b"LOGIN-DELAY 3600\r\n" in told
        assert talk.ask(b"QUIT").startswith(b"+OK")
    assert refused_login(office, mailbox).startswith(b"-ERR [LOGIN-DELAY] ")
    office.stop()
    office.start()
    assert refused_login(office, mailbox).startswith(b"-ERR [LOGIN-DELAY] "), "a restart does not forget"
