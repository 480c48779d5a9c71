"""EXPIRE and LOGIN-DELAY as POP3's clients meet them."""

from dataclasses import replace

import pytest

from postane.accounts.memory import MemoryAccounts
from postane.maildrop.base import Usage
from postane.server.office import PostOffice
from postane.server.rules import DAY, Rules
from support.pop3 import NOW, Pop3Session, make_office, put, sized


@pytest.fixture
def accounts() -> MemoryAccounts:
    accounts = MemoryAccounts()
    accounts.add("mrose", password="tanstaaf")
    return accounts


async def attempt(office: PostOffice) -> bytes:
    session = Pop3Session(office)
    said = await session.log_in()
    await session.say(b"QUIT")
    await session.end()
    return said.splitlines()[-1]


async def test_capabilities_before_and_after_login(accounts):
    accounts.configure(replace(accounts.add("anna"), retention=5 * DAY, login_delay=900.0))
    session = Pop3Session(make_office(accounts=accounts, rules=Rules(30 * DAY, 60.0)))
    await session.settle()
    before = (await session.say(b"CAPA")).split(b"\r\n")
    assert {b"EXPIRE 5 USER", b"LOGIN-DELAY 900 USER"} <= set(before)
    await session.log_in()
    after = (await session.say(b"CAPA")).split(b"\r\n")
    assert {b"EXPIRE 30", b"LOGIN-DELAY 60"} <= set(after)


async def test_the_third_login_in_a_row_is_told_to_wait(accounts):
    office = make_office(accounts=accounts, rules=Rules(login_delay=300.0))
    assert [(await attempt(office))[:4] for _ in range(2)] == [b"+OK ", b"+OK "]
    assert await attempt(office) == b"-ERR [LOGIN-DELAY] logged in too often, the next login is possible in 300 s"
    object.__setattr__(office, "clock", lambda: NOW + 299.5)
    assert (await attempt(office)).endswith(b"in 1 s")
    object.__setattr__(office, "clock", lambda: NOW + 300.0)
    assert (await attempt(office)).startswith(b"+OK")


async def test_a_wrong_password_learns_nothing_of_logins(accounts):
    office = make_office(accounts=accounts, rules=Rules(login_delay=300.0))
    for _ in range(2):
        await attempt(office)
    session = Pop3Session(office)
    assert b"[AUTH]" in await session.log_in(password=b"wrong")
    await session.end()
    assert b"[LOGIN-DELAY]" in await attempt(office), "nor does it change anything"


async def test_a_login_that_found_the_maildrop_in_use_does_not_count(accounts):
    office = make_office(accounts=accounts, rules=Rules(login_delay=300.0))
    first = Pop3Session(office)
    await first.log_in()
    assert [(await attempt(office))[:13] for _ in range(3)] == [b"-ERR [IN-USE]"] * 3
    await first.end()
    assert (await attempt(office)).startswith(b"+OK")
    assert (await attempt(office)).startswith(b"-ERR [LOGIN-DELAY]")


async def test_an_account_without_a_delay_may_come_at_any_time(accounts):
    account = await accounts.find("mrose")
    assert account is not None
    accounts.configure(replace(account, login_delay=0.0))
    office = make_office(accounts=accounts, rules=Rules(login_delay=300.0))
    assert [(await attempt(office))[:4] for _ in range(5)] == [b"+OK "] * 5


async def test_an_observed_account_deletes_and_nothing_is_lost(accounts):
    account = await accounts.find("mrose")
    assert account is not None
    accounts.configure(replace(account, keep_deleted=True))
    office = make_office(accounts=accounts)
    await put(office.maildrops, "mrose", sized(100), sized(200))
    session = Pop3Session(office)
    await session.log_in()
    assert await session.say(b"DELE 1", b"STAT") == b"+OK message 1 deleted\r\n+OK 1 200\r\n"
    assert b"1 message left" in await session.say(b"QUIT")
    again = Pop3Session(office)
    await again.log_in()
    assert await again.say(b"STAT") == b"+OK 1 200\r\n"
    await again.end()
    assert [row.facts.octets async for row in office.maildrops.deleted("mrose")] == [100]


async def test_a_restore_window_keeps_what_any_account_deletes(accounts):
    office = make_office(accounts=accounts, rules=Rules(restore_window=DAY))
    await put(office.maildrops, "mrose", sized(100))
    session = Pop3Session(office)
    await session.log_in()
    await session.say(b"DELE 1", b"QUIT")
    assert await office.maildrops.usage("mrose") == Usage(0, 0, None, 1, 100)


async def test_expire_0_takes_what_was_retrieved_away_at_quit(accounts):
    office = make_office(accounts=accounts, rules=Rules(retention=0.0))
    await put(office.maildrops, "mrose", sized(100), sized(200), sized(300))
    session = Pop3Session(office)
    await session.log_in()
    await session.say(b"RETR 1", b"TOP 2 0", b"DELE 3", b"RETR 2", b"RSET")
    assert b"1 message left" in await session.say(b"QUIT")
    assert [row.facts.octets async for row in office.maildrops.rows("mrose")] == [300]


async def test_expire_0_takes_nothing_from_a_client_that_does_not_quit(accounts):
    office = make_office(accounts=accounts, rules=Rules(retention=0.0))
    await put(office.maildrops, "mrose", sized(100))
    session = Pop3Session(office)
    await session.log_in()
    await session.say(b"RETR 1")
    await session.end()
    assert (await office.maildrops.usage("mrose")).messages == 1
