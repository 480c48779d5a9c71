"""What is announced to whom, and what an account has of its own."""

import math
from dataclasses import replace

import pytest

from postane.accounts.base import Account, AccountsUnavailable
from postane.accounts.memory import MemoryAccounts
from postane.pop3.capabilities import Offer
from postane.server.rules import DAY, Rules, announce

Own = dict[str, dict[str, float]]


def make_accounts(own: Own) -> MemoryAccounts:
    accounts = MemoryAccounts()
    for name, settings in own.items():
        accounts.configure(replace(accounts.add(name), **settings))
    return accounts


async def told(rules: Rules, own: Own, name: str | None = None) -> tuple[str, str]:
    """EXPIRE's and LOGIN-DELAY's argument, "" where they are not told."""
    accounts = make_accounts(own)
    offer = await announce(Offer("test"), rules, accounts, await accounts.find(name) if name else None)
    return str(offer.expire or ""), str(offer.login_delay or "")


@pytest.mark.parametrize(
    ("server", "own", "before", "after"),
    [
        (math.inf, {}, "NEVER", "NEVER"),
        (30 * DAY, {}, "30", "30"),
        (30 * DAY, {"retention": 30 * DAY}, "30", "30"),
        (30 * DAY, {"retention": 5 * DAY}, "5 USER", "5"),
        (30 * DAY, {"retention": math.inf}, "30 USER", "NEVER"),
        (math.inf, {"retention": 30 * DAY}, "30 USER", "30"),
        (1.9 * DAY, {}, "1", "1"),
        (3600.0, {}, "0", "0"),
        (math.inf, {"retention": 0.0}, "0 USER", "0"),
    ],
)
async def test_expire_is_the_smallest_until_it_is_known_for_whom(server, own, before, after):
    rules = Rules(retention=server)
    assert (await told(rules, {"anna": own}))[0] == before
    assert (await told(rules, {"anna": own}, "anna"))[0] == after


@pytest.mark.parametrize(
    ("server", "own", "before", "after"),
    [
        (0.0, {}, "", ""),
        (300.0, {}, "300", "300"),
        (0.5, {}, "1", "1"),
        (300.0, {"login_delay": 900.0}, "900 USER", "900"),
        (300.0, {"login_delay": 0.0}, "300 USER", "0"),
        (0.0, {"login_delay": 900.0}, "900 USER", "900"),
        (0.0, {"login_delay": 0.0}, "", ""),
    ],
)
async def test_login_delay_is_the_largest_until_it_is_known_for_whom(server, own, before, after):
    rules = Rules(login_delay=server)
    assert (await told(rules, {"anna": own}))[1] == before
    assert (await told(rules, {"anna": own}, "anna"))[1] == after


async def test_who_has_no_delay_is_told_so_where_others_have_one():
    assert (await told(Rules(), {"anna": {"login_delay": 60.0}, "ben": {}}, "ben"))[1] == "0"


async def test_accounts_that_cannot_be_asked_do_not_silence_capa(monkeypatch):
    async def fail(_):
        raise AccountsUnavailable("not now")

    monkeypatch.setattr(MemoryAccounts, "spread", fail)
    assert await told(Rules(30 * DAY, 60.0), {}) == ("30", "60")


def test_deletions_are_kept_where_the_server_or_the_account_says_so():
    anna, ben = Account("anna", "anna", keep_deleted=True), Account("ben", "ben")
    assert (Rules().keeps_deleted(anna), Rules().keeps_deleted(ben)) == (True, False)
    assert Rules(restore_window=1.0).keeps_deleted(ben)


def test_what_holds_for_whom():
    rules = Rules(30 * DAY, 60.0)
    anna = Account("anna", "anna", retention=DAY, login_delay=0.0)
    assert (rules.retention_of(anna), rules.login_delay_of(anna)) == (DAY, 0.0)
    ben = Account("ben", "ben")
    assert (rules.retention_of(ben), rules.login_delay_of(ben), rules.retention_of(None)) == (30 * DAY, 60.0, 30 * DAY)
