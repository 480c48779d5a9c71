"""`postane fetch login` and `check`: this program is let in by OAuth, fetches with tokens, and says when it cannot."""

import asyncio
import os
import re

import pytest

from postane.cli.words import Exit
from postane.credentials.device import Waiting
from postane.testing.hostile import HostileServer, hostile_server
from postane.testing.pop3_login import Account
from support.aside import aside
from support.device_authorization_server import CLIENT, DeviceServer, open_device_server
from support.terminal import Typist

MESSAGES = [b"Subject: one\r\n\r\n1\r\n"]


def holding(token: str | None) -> Account:
    return Account(token=token)


@pytest.fixture
def server():
    with aside(hostile_server(MESSAGES, account=holding("access-1"))) as server:
        yield server


@pytest.fixture
def provider():
    with aside(open_device_server()) as provider:
        yield provider


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Nobody waits between two polls."""

    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("postane.fetching.tokens.Waiting", lambda clock: Waiting(clock, sleep))


@pytest.fixture
def account(fetch, server: HostileServer, provider: DeviceServer):
    """An account that is fetched with tokens."""
    endpoints = {"token_endpoint": f"{provider.url}/token", "device_endpoint": f"{provider.url}/device"}
    fetch.errand.top(oauth={"ours": {"client_id": CLIENT, **endpoints}})
    fetch.errand.add("work", url=server.url, password={"oauth": "ours"}, mechanisms=["XOAUTH2"])


def test_a_code_is_shown_and_mail_is_fetched_with_what_it_gives(fetch, account, server, provider):
    provider.decide("authorization_pending", "yes")
    outcome = fetch("login", "work")
    assert outcome.code == 0
    assert f"Open {provider.url}/activate and type the code WDJB-MJHT, before " in outcome.out
    assert "work may be fetched now: postane fetch work" in outcome.out
    assert fetch().out.startswith("work: 1 delivered")
    assert any(line.startswith("AUTH XOAUTH2") for line in server.commands)
    assert not any(line.startswith("PASS") for line in server.commands)
    assert "access-1" not in outcome.out + outcome.err


def test_a_token_that_has_expired_is_renewed(fetch, account, server, provider):
    provider.token_life = 1
    provider.decide("yes")
    assert fetch("login", "work").code == 0
    server.account = holding("access-2")
    assert fetch().out.startswith("work: 1 delivered")
    assert provider.given == 2


def test_a_token_that_the_mail_server_refuses_is_renewed_once(fetch, account, server, provider):
    provider.decide("yes")
    fetch("login", "work")
    server.account = holding("access-2")
    assert fetch().out.startswith("work: 1 delivered")
    server.account = holding("another")
    outcome = fetch()
    assert outcome.code == Exit.NO_PERMISSION
    assert provider.given == 3, "no more than one is asked for"


def test_when_it_is_revoked_a_person_is_needed(fetch, account, server, provider):
    provider.decide("yes")
    fetch("login", "work")
    server.account = holding("another")
    provider.refresh_tokens.clear()
    outcome = fetch()
    assert outcome.code == Exit.NO_PERMISSION
    assert "postane fetch login work" in outcome.err


def test_a_provider_that_is_out_of_order_may_pass(fetch, account, server, provider):
    provider.token_life = 1
    provider.decide("yes")
    fetch("login", "work")
    provider.answers += [(503, b"later")] * 5
    assert fetch().code == Exit.TEMP_FAIL


def test_without_a_login_it_is_told_which_command_to_run(fetch, account):
    outcome = fetch()
    assert outcome.code == Exit.NO_PERMISSION
    assert "run: postane fetch login work" in outcome.err


@pytest.mark.parametrize(("decision", "code"), [("access_denied", Exit.NO_PERMISSION), ("expired_token", None)])
def test_somebody_says_no_or_nothing(fetch, account, provider, decision, code):
    provider.decide(decision)
    outcome = fetch("login", "work")
    assert outcome.code == code if code is not None else outcome.code in (Exit.NO_PERMISSION, Exit.TEMP_FAIL)
    assert not (fetch.errand.state.parent / "tokens").exists()


def test_an_account_with_a_password_needs_no_login(fetch, server):
    fetch.errand.add("work", url=server.url, password="tanstaaf")
    outcome = fetch("login", "work")
    assert outcome.code == Exit.CONFIG
    assert 'work has no password = { oauth = "..." }' in outcome.err
    assert fetch("login", "nobody").code == Exit.USAGE


def test_a_table_that_is_missing_is_told(fetch, server):
    fetch.errand.add("work", url=server.url, password={"oauth": "ours"})
    for words in (("login", "work"), ()):
        outcome = fetch(*words)
        assert outcome.code == Exit.CONFIG
        assert "there is no [oauth.ours]" in outcome.err


def test_where_the_browser_is_elsewhere_its_last_address_is_pasted(fetch, account, provider):
    endpoints = {"token_endpoint": f"{provider.url}/token", "browser_endpoint": f"{provider.url}/authorize"}
    fetch.errand.top(oauth={"ours": {"client_id": CLIENT, **endpoints}})
    with Typist(fetch.errand.command("login", "work"), fetch.home) as terminal:
        drawn = terminal.sees("Or paste the address")
        (url,) = re.findall(r"http://[^\s]+/authorize\?[^\s]+", drawn)
        terminal.type(provider.let_in(url) + "\n")
        terminal.sees("work may be fetched now")
        assert terminal.wait() == os.EX_OK
    assert fetch().out.startswith("work: 1 delivered")
