"""Access tokens by the tables of fetch.toml, with an authorization server on loopback."""

import asyncio
import time

import pytest

from postane.config.fetching import FetchConfig
from postane.config.problems import ConfigError
from postane.credentials.base import NoSecret, SecretKind
from postane.credentials.browser import Page
from postane.credentials.device import Waiting
from postane.credentials.sources import LiteralSecret
from postane.fetching.tokens import AccountTokens, open_tokens
from support.device_authorization_server import CLIENT, DeviceServer, open_device_server


@pytest.fixture
async def server():
    async with open_device_server() as server:
        yield server


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Nobody waits between two polls."""

    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("postane.fetching.tokens.Waiting", lambda clock: Waiting(clock, sleep))


def config(folder, server: DeviceServer, **keys: object) -> FetchConfig:
    table = {"client_id": CLIENT, "token_endpoint": f"{server.url}/token", **keys}
    return FetchConfig.model_validate({"state": str(folder / "fetch.db"), "oauth": {"ours": table}})


def opened(folder, server: DeviceServer, account: str = "work", **keys: object) -> AccountTokens:
    keys.setdefault("device_endpoint", f"{server.url}/device")
    return open_tokens(config(folder, server, **keys), "ours", account, None, lambda _: None)


def no_page() -> Page:
    return Page(lambda _: pytest.fail("a page was shown"), time.time, 0, None)


async def test_by_a_code_and_from_then_on_without_a_person(tmp_path, server):
    server.decide("authorization_pending", "yes")
    codes: list[str] = []
    await opened(tmp_path, server).log_in(lambda code: codes.append(code.user_code), no_page())
    assert codes == ["WDJB-MJHT"]
    secret = await opened(tmp_path, server).get()
    assert (secret.kind, secret.text) == (SecretKind.TOKEN, "access-1")
    (kept,) = (tmp_path / "tokens").glob("*.json")
    assert kept.stat().st_mode & 0o077 == 0


async def test_a_refused_token_is_renewed(tmp_path, server):
    server.decide("yes")
    tokens = opened(tmp_path, server)
    await tokens.log_in(lambda _: None, no_page())
    await tokens.get()
    await tokens.refuse()
    assert (await tokens.get()).text == "access-2"


async def test_what_was_revoked_needs_a_person(tmp_path, server):
    server.decide("yes")
    server.token_life = 0
    tokens = opened(tmp_path, server)
    await tokens.log_in(lambda _: None, no_page())
    server.refresh_tokens.clear()
    with pytest.raises(NoSecret, match="postane fetch login work") as raised:
        await tokens.get()
    assert not raised.value.may_pass


async def test_without_a_login_it_is_told_which_command_to_run(tmp_path, server):
    tokens = opened(tmp_path, server)
    await tokens.refuse()
    with pytest.raises(NoSecret, match="run: postane fetch login work"):
        await tokens.get()
    assert server.asked == []


async def test_each_account_has_tokens_of_its_own(tmp_path, server):
    server.decide("yes")
    await opened(tmp_path, server).log_in(lambda _: None, no_page())
    with pytest.raises(NoSecret, match="postane fetch login home"):
        await opened(tmp_path, server, "home").get()


async def test_by_a_page_where_there_are_no_codes(tmp_path, server):
    tokens = opened(tmp_path, server, device_endpoint=None, browser_endpoint=f"{server.url}/authorize")
    pages: asyncio.Queue[str] = asyncio.Queue()

    async def paste() -> str:
        return server.let_in(await pages.get())

    await tokens.log_in(lambda _: pytest.fail("a code was shown"), Page(pages.put_nowait, time.time, 0, paste))
    assert (await tokens.get()).text == "access-1"


async def test_a_client_with_a_secret_shows_it(tmp_path, server):
    server.secret = "of the client"
    server.decide("yes")
    table = config(tmp_path, server, device_endpoint=f"{server.url}/device")
    tokens = open_tokens(table, "ours", "work", LiteralSecret("of the client"), lambda _: None)
    await tokens.log_in(lambda _: None, no_page())
    assert (await tokens.get()).text == "access-1"
    with pytest.raises(NoSecret):
        await opened(tmp_path, server).log_in(lambda _: None, no_page())


@pytest.mark.parametrize(
    ("oauth", "complaint"),
    [
        ({}, r"account work: there is no \[oauth.ours\]: write that table, with client_id, device_endpoint and"),
        ({"ours": {"client_id": "x"}}, r"\[oauth.ours\]: write token_endpoint and device_endpoint, or issuer"),
        ({"ours": {"client_id": "x", "token_endpoint": "http://login.example.org/t"}}, r"\[oauth.ours\]: .*https"),
        ({"ours": {"client_id": "x", "issuer": "http://login.example.org"}}, r"\[oauth.ours\]: .*https"),
    ],
)
def test_a_table_that_is_not_enough_is_told(oauth, complaint):
    with pytest.raises(ConfigError, match=complaint):
        open_tokens(FetchConfig.model_validate({"oauth": oauth}), "ours", "work", None, lambda _: None)


def test_of_those_that_are_known_only_the_client_is_wanted():
    with pytest.raises(ConfigError, match=r'with client_id = "\.\.\."'):
        open_tokens(FetchConfig(), "google", "work", None, lambda _: None)
    known = FetchConfig.model_validate({"oauth": {"google": {"client_id": "x", "store": "keyring"}}})
    assert isinstance(open_tokens(known, "google", "work", None, lambda _: None), AccountTokens)
