"""`postane fetch login` and `check`: this program is let in by OAuth, fetches with tokens, and says when it cannot."""

import asyncio
import json
import os
import re

import pytest

from postane.cli.words import Exit
from postane.credentials.device import Waiting
from postane.testing.faults import RefuseLogin
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


def test_a_file_that_can_be_used(fetch, account):
    assert fetch("check").out == f"{fetch.errand.config}: ok, 1 accounts\n"
    assert fetch.json("check") == {"file": str(fetch.errand.config), "ok": True, "accounts": [], "advice": []}


def test_a_file_that_cannot_be_used(fetch):
    fetch.errand.config.write_text("at_once = 0\n")
    assert fetch("check").code == Exit.CONFIG
    fetch.errand.add("work", url="pop3s://pop.example.org")
    outcome = fetch("check")
    assert outcome.code == Exit.CONFIG
    assert "whose mail is it" in outcome.err


def test_what_is_worth_a_look(fetch, server):
    fetch.errand.add("work", url=server.url, password="tanstaaf", tls="none", plaintext="always")
    fetch.errand.config.chmod(0o644)
    outcome = fetch("check")
    assert outcome.code == 0
    assert f"chmod 600 {fetch.errand.config}" in outcome.err
    assert "work: its password and its mail cross in clear text" in outcome.err
    assert len(fetch.json("check")["advice"]) == 2


def test_whether_it_gets_in(fetch, server):
    server.account = Account()
    fetch.errand.add("work", url=server.url, password="tanstaaf")
    assert fetch("check", "--connect").out == "work: ok, no TLS, 1 messages\n"
    fetch.errand.add("wrong", url=server.url, password="wrong")
    fetch.errand.add("away", url="pop3://mrose:x@127.0.0.1:1")
    outcome = fetch("check", "--connect")
    assert outcome.code == Exit.NO_PERMISSION
    assert outcome.out == "work: ok, no TLS, 1 messages\n"
    assert len(outcome.err.splitlines()) == 2
    told = json.loads(fetch("check", "--connect", "--json").raw)
    assert [(each["account"], each["ok"]) for each in told["accounts"]] == [
        ("work", True), ("wrong", False), ("away", False),
    ]  # fmt: skip
    assert told["ok"] is False
    assert fetch("check", "--connect", "work").code == 0
    server.behave([RefuseLogin("IN-USE")])
    assert fetch("check", "--connect", "work").code == Exit.TEMP_FAIL
    assert not any(line.startswith(("RETR", "DELE")) for line in server.commands)
