"""Tokens as the proof of who somebody is: whose they are, and whether that is an account here."""

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postane.accounts.base import AccountsUnavailable, LoginRefused, Spread
from postane.accounts.claims import BadToken
from postane.accounts.memory import MemoryAccounts
from postane.accounts.oauth import OauthAccounts, OauthSettings, open_oauth
from postane.net.http import HttpsClient
from postane.sasl.base import Means, ScramDigest
from support.account_houses import HOSTILE, OWN_DOMAINS, STRANGE
from support.authorization import AUDIENCE, CLIENT, ISSUER, Clock, key_set, open_authorization

TOKEN = "2YotnFZFEjr1zCsicMWpAA"
REFUSED = "invalid user name or password"


class Checker:
    """A token is for whom `names` says."""

    def __init__(self) -> None:
        self.names = {TOKEN: "mrose"}
        self.is_closed = False

    async def check(self, token: str) -> str:
        if token not in self.names:
            raise BadToken("nobody gave it")
        return self.names[token]

    async def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def directory():
    directory = MemoryAccounts(own_domains=OWN_DOMAINS)
    directory.add("mrose", password="secret")
    directory.add("anna@example.org", password="hers")
    return directory


@pytest.fixture
def checker():
    return Checker()


@pytest.fixture
def accounts(checker, directory):
    return OauthAccounts(checker, directory)


async def refused(proving) -> LoginRefused:
    with pytest.raises(LoginRefused) as caught:
        await proving
    error = caught.value
    assert TOKEN not in f"{error.text} {error.log} {error!r} {error.__cause__!r}"
    assert str(error.text) == REFUSED
    return error


# Whose a token is


@pytest.mark.parametrize("claimed", ["mrose", "MRose", "mrose@localhost", "MROSE@DBC.MTVIEW.CA.US"])
@pytest.mark.parametrize("said", [None, "mrose", "MROSE", "mrose@localhost", "Mrose@dbc.mtview.ca.us"])
async def test_the_claim_and_the_name_mean_the_same_account(accounts, checker, claimed, said):
    checker.names[TOKEN] = claimed
    proof = await accounts.verify_token(said, TOKEN)
    assert (proof.account.name, proof.credential) == ("mrose", "token")


@pytest.mark.parametrize("said", ["anna@example.org", "anna", "mrose@example.org", "nobody", *HOSTILE, *STRANGE])
async def test_another_name_is_refused(accounts, said):
    await refused(accounts.verify_token(said, TOKEN))


async def test_an_address_that_is_an_account_is_not_the_bare_one(accounts, directory):
    directory.add("mrose@localhost", password="other")
    await refused(accounts.verify_token("mrose@localhost", TOKEN))
    assert (await accounts.verify_token("mrose@dbc.mtview.ca.us", TOKEN)).account.name == "mrose"


async def test_a_domain_of_somebody_elses_makes_nobody_ours(accounts, checker):
    for claimed in ("mrose@evil.example", "anna@evil.example", "anna", "anna@localhost"):
        checker.names[TOKEN] = claimed
        await refused(accounts.verify_token(None, TOKEN))
        await refused(accounts.verify_token("mrose", TOKEN))


@pytest.mark.parametrize("claimed", [*HOSTILE, *STRANGE])
async def test_hostile_claims_are_nobody(accounts, checker, claimed):
    checker.names[TOKEN] = claimed
    error = await refused(accounts.verify_token(None, TOKEN))
    assert "\r" not in error.log
    assert len(error.log) < 500
    await refused(accounts.verify_token("mrose", TOKEN))


async def test_an_alias_is_no_account(accounts, checker, directory):
    directory.add_alias("mrose", "postmaster")
    checker.names[TOKEN] = "postmaster"
    await refused(accounts.verify_token(None, TOKEN))


async def test_who_is_disabled_or_gone_is_refused(accounts, directory):
    directory.set_enabled("mrose", False)
    assert 'not whom it names: "mrose"' in (await refused(accounts.verify_token("mrose", TOKEN))).log
    directory.remove("mrose")
    await refused(accounts.verify_token(None, TOKEN))


async def test_a_bad_token_is_refused_whoever_it_is(accounts):
    for said in (None, "mrose", "nobody", *HOSTILE):
        error = await refused(accounts.verify_token(said, "another"))
        assert "nobody gave it" in error.log
        assert "another" not in error.log


# What it does not know


async def test_it_knows_nobody(accounts):
    assert accounts.means == {Means.TOKEN}
    assert await accounts.find("mrose") is None
    assert await accounts.resolve("mrose", None) is None
    assert await accounts.resolve("mrose", "localhost") is None
    assert await accounts.shared_with("mrose", "anna@example.org") is None
    assert not await accounts.is_local("localhost")
    assert await accounts.spread() == Spread()


async def test_it_takes_nothing_but_tokens(accounts):
    for proving in (
        accounts.verify_password("mrose", "secret"),
        accounts.verify_password("mrose", TOKEN),
        accounts.verify_apop("mrose", "<1@x>", "0" * 32),
        accounts.verify_cram("mrose", b"<1@x>", "0" * 32),
        accounts.admit("mrose", "certificate"),
    ):
        await refused(proving)
    assert (await accounts.scram("mrose", ScramDigest.SHA_256)).proofs == ()


async def test_the_directory_is_not_its_to_close(accounts, checker, directory, monkeypatch):
    async def never() -> None:
        raise AssertionError

    monkeypatch.setattr(directory, "close", never)
    await accounts.close()
    assert checker.is_closed


# With real checkers


@pytest.fixture
async def server():
    async with open_authorization() as server:
        yield server


@pytest.fixture
async def http():
    http = HttpsClient(timeout=20)
    yield http
    await http.close()


def by_keys(jwks: str) -> OauthSettings:
    return OauthSettings(issuer=ISSUER, audience=AUDIENCE, jwks=jwks)


async def test_keys_of_a_url(server, directory, http):
    accounts = open_oauth(by_keys(f"{server.url}/jwks"), directory, Clock(), http)
    assert (await accounts.verify_token("mrose", server.token())).account.name == "mrose"
    assert (
        await accounts.verify_token(None, server.token(email="Anna@Example.ORG"))
    ).account.name == "anna@example.org"
    await refused(accounts.verify_token("mrose", server.token(email="anna@example.org")))
    await refused(accounts.verify_token("mrose", server.token(aud="another")))
    await refused(accounts.verify_token("mrose", server.token(exp=None)))
    await accounts.close()


async def test_who_looks_like_somebody_else_is_not_them(server, directory, http):
    directory.add("kate@example.org", password="hers")
    accounts = open_oauth(by_keys(f"{server.url}/jwks"), directory, Clock(), http)
    assert (
        await accounts.verify_token(None, server.token(email="Kate@example.org"))
    ).account.name == "kate@example.org"
    for claimed in ("\u212aate@example.org", "kate@example\u2024org", "k\u0430te@example.org", "\uff4bate@example.org"):
        await refused(accounts.verify_token(None, server.token(email=claimed)))
        await refused(accounts.verify_token("kate@example.org", server.token(email=claimed)))
    await accounts.close()


async def test_keys_of_a_file(server, directory, http, tmp_path):
    (tmp_path / "keys.json").write_bytes(key_set(*server.keys))
    accounts = open_oauth(by_keys(str(tmp_path / "keys.json")), directory, Clock(), http)
    assert (await accounts.verify_token("mrose", server.token())).account.name == "mrose"
    assert server.asked == []


async def test_another_claim(server, directory, http, tmp_path):
    (tmp_path / "keys.json").write_bytes(key_set(*server.keys))
    settings = OauthSettings(ISSUER, AUDIENCE, str(tmp_path / "keys.json"), claim="preferred_username")
    accounts = open_oauth(settings, directory, Clock(), http)
    token = server.token(email="anna@example.org", preferred_username="mrose")
    assert (await accounts.verify_token(None, token)).account.name == "mrose"


async def test_introspection(server, directory, http, tmp_path):
    (tmp_path / "secret").write_text(CLIENT[1])
    (tmp_path / "secret").chmod(0o600)
    settings = OauthSettings(
        introspection=f"{server.url}/introspect", client_id=CLIENT[0], client_secret_file=tmp_path / "secret"
    )
    server.tokens[TOKEN] = {"username": "mrose", "email": "anna@example.org"}
    accounts = open_oauth(settings, directory, Clock(), http)
    assert (await accounts.verify_token("mrose", TOKEN)).account.name == "mrose"
    directory.set_enabled("mrose", False)  # although the answer is remembered
    await refused(accounts.verify_token("mrose", TOKEN))
    await accounts.close()


async def test_a_server_that_is_away_is_no_refusal(server, directory, http):
    server.is_away = True
    accounts = open_oauth(by_keys(f"{server.url}/jwks"), directory, Clock(), http)
    token = server.token()
    with pytest.raises(AccountsUnavailable) as caught:
        await accounts.verify_token("mrose", token)
    assert token not in f"{caught.value.log} {caught.value!r}"
    await accounts.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.none() | st.text(), st.text())
async def test_any_name_and_any_token_are_refused(server, directory, http, said, token):
    accounts = open_oauth(by_keys(f"{server.url}/jwks"), directory, Clock(), http)
    with pytest.raises(LoginRefused):
        await accounts.verify_token(said, token)


WITHOUT = """
import sys
from postane.accounts.oauth import OauthSettings, open_oauth
assert not {"httpx2", "joserfc"} & set(sys.modules), "they are for those alone who use them"
sys.modules["joserfc"] = None
open_oauth(OauthSettings("i", "a", "/keys"), None, None, None)
"""


def test_what_is_not_installed_is_told_with_what_to_install():
    said = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False).stderr
    assert "AccountsUnavailable: access tokens need the module joserfc: pip install 'postane[oauth]'" in said
