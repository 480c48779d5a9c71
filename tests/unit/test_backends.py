"""From [[accounts]] tables to one account store."""

import sys
from pathlib import Path

import pytest

from postane.accounts.base import LoginRefused
from postane.backends import open_backends
from postane.config.file import ConfigError
from postane.config.model import Config
from postane.sasl.base import Means, ScramDigest
from support.authorization import CLIENT, open_authorization

OWN = ("postane.test",)
LOCAL = {"kind": "local"}
POSTGRES = {
    "kind": "postgresql",
    "url": "postgresql://nobody@127.0.0.1:1/none",
    "password_query": "SELECT hash AS password FROM users WHERE name = :user",
}
LDAP = {"kind": "ldap", "url": "ldap://127.0.0.1:1", "base": "dc=example"}
OAUTH = {"kind": "oauth", "issuer": "https://id.example", "audience": "postane", "jwks": "https://id.example/jwks"}


def config(tmp_path: Path, *tables: dict[str, object]) -> Config:
    storage = {"storage": {"path": str(tmp_path)}}
    return Config.model_validate(storage | ({"accounts": list(tables)} if tables else {}))


async def test_without_tables_there_are_the_local_accounts(tmp_path: Path) -> None:
    store = open_backends(config(tmp_path), OWN)
    assert Means.SECRET in store.means
    assert Means.TOKEN not in store.means
    await store.close()


async def test_several_are_asked_in_their_order(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("ada:{PLAIN}secret\n")
    users.chmod(0o600)
    file = {"kind": "passwd-file", "path": str(users)}
    store = open_backends(config(tmp_path, file, LOCAL), OWN)
    assert (await store.verify_password("ada", "secret")).account.name == "ada"
    with pytest.raises(LoginRefused):
        await store.verify_password("bob", "secret")
    await store.close()


async def test_scram_is_offered_where_no_account_fails_by_it_or_where_it_is_named(tmp_path: Path) -> None:
    for tables, mechanisms, is_offered in (
        ((LOCAL,), None, True),
        ((LOCAL, OAUTH), None, True),
        ((LOCAL, POSTGRES), None, False),
        ((LOCAL, POSTGRES), ("SCRAM-SHA-256", "PLAIN"), True),
    ):
        whole = config(tmp_path, *tables)
        auth = whole.auth.model_copy(update={"mechanisms": mechanisms})
        store = open_backends(whole.model_copy(update={"auth": auth}), OWN)
        assert (Means.SCRAM_SHA_256 in store.means) is is_offered
        await store.close()


async def test_tokens_are_joined_with_those_who_have_names(tmp_path: Path) -> None:
    store = open_backends(config(tmp_path, OAUTH, LOCAL), OWN)
    assert {Means.TOKEN, Means.PASSWORD} <= store.means
    with pytest.raises(LoginRefused):
        await store.verify_token("ada", "not a token")
    await store.close()


@pytest.mark.parametrize(
    ("audience", "aud", "is_let_in"),
    [
        ("postane", "postane", True),
        ("postane", ["calendar", "postane"], True),
        ("postane", "calendar", False),
        ("postane", None, False),
        ("*", "calendar", True),
        ("*", None, True),
    ],
)
async def test_a_token_for_another_client_is_refused(
    tmp_path: Path, audience: str, aud: object, is_let_in: bool
) -> None:
    """RFC 7662 s4: unless the operator has said that any client's will do."""
    for name, text in (("users", "ada:{PLAIN}secret\n"), ("secret", CLIENT[1])):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    async with open_authorization() as server:
        server.tokens["token"] = {"username": "ada"} | ({} if aud is None else {"aud": aud})
        asked = {
            "kind": "oauth",
            "introspection": f"{server.url}/introspect",
            "audience": audience,
            "client_id": CLIENT[0],
            "client_secret_file": str(tmp_path / "secret"),
        }
        store = open_backends(config(tmp_path, asked, {"kind": "passwd-file", "path": str(tmp_path / "users")}), OWN)
        try:
            proof = await store.verify_token("ada", "token")
        except LoginRefused:
            proof = None
        assert (proof is not None) is is_let_in
        await store.close()


@pytest.mark.parametrize("table", [POSTGRES, LDAP], ids=lambda table: str(table["kind"]))
async def test_nothing_is_asked_before_it_is_needed(tmp_path: Path, table: dict[str, object]) -> None:
    await open_backends(config(tmp_path, table), OWN).close()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (OAUTH, "no table has names"),
        (LDAP | {"url": "http://ldap"}, 'kind = "ldap": '),
    ],
)
def test_what_a_store_cannot_use_is_told_before_it_is_used(
    tmp_path: Path, table: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        open_backends(config(tmp_path, table), OWN)


def test_a_library_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("postane.accounts.") and "postgres" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "postane.accounts.database", raising=False)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(ConfigError, match=r"pip install 'postane\[cluster\]'"):
        open_backends(config(tmp_path, POSTGRES), OWN)


def test_so_is_the_one_that_asks_web_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = {"kind": "passwd-file", "path": str(tmp_path / "users")}
    (tmp_path / "users").write_text("ada:{PLAIN}secret\n")
    (tmp_path / "users").chmod(0o600)
    monkeypatch.delitem(sys.modules, "postane.net.http", raising=False)
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(ConfigError, match=r"httpx2 is not installed; pip install 'postane\[oauth\]'"):
        open_backends(config(tmp_path, OAUTH, users), OWN)


def test_a_machine_without_pam_says_so_before_anybody_logs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(ConfigError, match='kind = "pam": this machine has no libpam'):
        open_backends(config(tmp_path, {"kind": "pam"}), OWN)


async def test_the_workers_of_a_passwd_file_show_the_same_decoys(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("ada:{PLAIN}secret\n")
    users.chmod(0o600)
    workers = [open_backends(config(tmp_path, {"kind": "passwd-file", "path": str(users)}), OWN) for _ in range(2)]
    salts = {(await worker.scram("nobody", ScramDigest.SHA_256)).keys.salt for worker in workers}
    assert len(salts) == 1
    for worker in workers:
        await worker.close()
