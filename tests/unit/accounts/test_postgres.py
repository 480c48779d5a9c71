"""Accounts in tables of somebody's; that the store is one at all is shown by tests/contract/test_accounts.py."""

import pytest

from postane.accounts import hashes, postgres
from postane.accounts.base import Account, AccountsUnavailable, LoginRefused
from postane.accounts.database import Database
from postane.accounts.imported import HashError
from postane.accounts.kept import Kept, parse_kept
from postane.accounts.postgres import PostgresAccounts, Queries, check, needs_upgrade, stronger
from postane.accounts.queries import BadQuery
from postane.maildrop.base import Quota
from support import engines
from support.other_houses import QUERIES, PostgresKeeper

ONLY_PASSWORDS = "SELECT secret AS password FROM people WHERE name = :user"


@pytest.fixture(scope="module")
def engine():
    return engines.postgres()


@pytest.fixture
def keeper(engine):
    return PostgresKeeper(engine)


@pytest.fixture
async def open_store(engine):
    opened = []

    def open_(queries: Queries, **settings: object) -> PostgresAccounts:
        opened.append(PostgresAccounts(Database(engine.url), queries, **settings))
        return opened[-1]

    yield open_
    for store in opened:
        await store.close()


@pytest.fixture
def store(open_store):
    return open_store(QUERIES, own_domains=("localhost",))


def stored(engine: engines.Postgres, name: str) -> str:
    return engine.sql("SELECT secret FROM people WHERE name = :'name'", name=name)


async def test_a_weak_hash_is_replaced_after_a_login(keeper, store, engine):
    keeper.add("mrose")
    keeper.store("mrose", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=")
    await store.verify_password("mrose", "password")
    strong = stored(engine, "mrose")
    assert not needs_upgrade(parse_kept(strong, "CRYPT"))
    await store.verify_password("mrose", "password")
    assert stored(engine, "mrose") == strong, "it stays then"
    with pytest.raises(LoginRefused):
        await store.verify_password("mrose", "Password")


async def test_a_wrong_password_replaces_nothing(keeper, store, engine):
    keeper.add("mrose")
    keeper.store("mrose", "{PLAIN}password")
    with pytest.raises(LoginRefused):
        await store.verify_password("mrose", "other")
    assert stored(engine, "mrose") == "{PLAIN}password"


async def test_without_a_query_for_it_nothing_is_replaced(keeper, open_store, engine):
    keeper.add("mrose")
    keeper.store("mrose", "{PLAIN}password")
    await open_store(Queries.parse(ONLY_PASSWORDS)).verify_password("mrose", "password")
    assert stored(engine, "mrose") == "{PLAIN}password"


async def test_a_login_stands_although_the_stronger_hash_cannot_be_stored(keeper, open_store):
    keeper.add("mrose")
    keeper.store("mrose", "{PLAIN}password")
    update = "UPDATE nowhere SET secret = :password WHERE name = :user"
    store = open_store(Queries.parse(ONLY_PASSWORDS, update=update))
    assert (await store.verify_password("mrose", "password")).account == Account("mrose", "mrose")


async def test_a_password_that_changes_during_the_slow_hash_is_not_let_in(keeper, store, monkeypatch):
    keeper.add("mrose")
    keeper.store("mrose", "{PLAIN}password")

    def slow(*given: object) -> bool:
        keeper.store("mrose", "{PLAIN}another")
        return True

    monkeypatch.setattr(postgres, "check", slow)
    with pytest.raises(LoginRefused):
        await store.verify_password("mrose", "password")


async def test_a_verified_login_spares_the_slow_hash(keeper, store, monkeypatch):
    keeper.add("mrose")
    keeper.store("mrose", hashes.hash_password("password"))
    await store.verify_password("mrose", "password")

    def slow(*given: object) -> bool:
        raise AssertionError("hashed again")

    monkeypatch.setattr(postgres, "check", slow)
    await store.verify_password("mrose", "password")


async def test_a_damaged_hash_fits_nothing_and_is_told_to_the_operator(keeper, store):
    keeper.add("mrose")
    keeper.store("mrose", "{SHA512-CRYPT}password")
    with pytest.raises(LoginRefused) as caught:
        await store.verify_password("mrose", "password")
    assert caught.value.text == "invalid user name or password"
    assert "this is no {SHA512-CRYPT} hash" in caught.value.log


def test_nothing_kept_fits_nothing():
    for password in ("", "None", "password"):
        assert not check(Kept(), password)


def test_a_stronger_hash_is_one_that_others_read_too():
    made = stronger("password")
    assert made.startswith("{ARGON2ID}$argon2id$")
    kept = parse_kept(made, "PLAIN")
    assert check(kept, "password")
    assert not check(kept, "Password")
    assert not needs_upgrade(kept)


@pytest.mark.parametrize(
    ("value", "is_weak"),
    [
        ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", True),
        ("{PLAIN}password", True),
        (hashes.hash_password("password", hashes.LIGHT), True),
        ("{CRAM-MD5}cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56", False),
        ("", False),
    ],
    ids=["a fast hash", "clear text", "a light hash", "states of MD5", "none"],
)
def test_weaker_ones_are_to_be_replaced(value, is_weak):
    assert needs_upgrade(parse_kept(value, "CRYPT")) is is_weak


async def test_quota_is_read(keeper, store, engine):
    keeper.add("mrose")
    engine.sql("UPDATE people SET octets = 5000000000, letters = 0")
    found = await store.find("mrose")
    assert found == Account("mrose", "mrose", quota=Quota(octets=5_000_000_000))


@pytest.mark.parametrize(
    ("expression", "octets"), [("NULL", None), ("0", None), ("-1", None), ("1e9", 10**9), ("'5'", 5)]
)
async def test_quota_may_be_of_several_types(open_store, expression, octets):
    store = open_store(Queries.parse(f"SELECT '' AS password, {expression} AS quota WHERE :user <> ''"))
    assert (await store.find("mrose")).quota == Quota(octets=octets)


async def test_a_quota_that_is_no_number_is_told(open_store):
    store = open_store(Queries.parse("SELECT '' AS password, '1 GB' AS quota WHERE :user <> ''"))
    with pytest.raises(AccountsUnavailable, match='quota is no number, but "1 GB"'):
        await store.find("mrose")


@pytest.mark.parametrize(
    ("expression", "is_enabled"),
    [
        *(("true", True), ("1", True), ("'y'::text", True)),
        *(("false", False), ("0", False), ("'N'::text", False), ("NULL::boolean", False), ("NULL::text", False)),
    ],
)
async def test_enabled_may_be_of_several_types(keeper, open_store, expression, is_enabled):
    keeper.add("mrose")
    store = open_store(Queries.parse(f"SELECT '' AS password, {expression} AS enabled FROM people WHERE name = :user"))
    assert (await store.find("mrose")).is_enabled is is_enabled


async def test_the_name_that_the_database_gives_is_the_account(keeper, open_store):
    keeper.add("mrose")
    keeper.store("mrose", "{PLAIN}password")
    keeper.add_alias("mrose", "marshall@example.org")
    by_either = (
        "SELECT upper(name) AS name, secret AS password FROM people LEFT JOIN addresses ON owner = name"
        " WHERE name = :user OR address = :user"
    )
    store = open_store(Queries.parse(by_either))
    assert (await store.verify_password("marshall@example.org", "password")).account.name == "mrose"
    assert await store.find("marshall@example.org") is None


@pytest.mark.parametrize("name", ["'a b'", "'../x'", "'@example.org'", "'a/b'"])
async def test_a_name_that_no_account_can_have_is_nobodys(open_store, name):
    store = open_store(Queries.parse(f"SELECT {name} AS name, '{{PLAIN}}password' AS password WHERE :user <> ''"))
    with pytest.raises(LoginRefused):
        await store.verify_password("mrose", "password")


async def test_more_than_one_row_lets_nobody_in(keeper, open_store):
    for name in ("mrose", "anna"):
        keeper.add(name)
        keeper.store(name, "{PLAIN}password")
    store = open_store(Queries.parse("SELECT secret AS password FROM people WHERE name <> :user"))
    with pytest.raises(AccountsUnavailable, match='2 rows for "ben": a query must give one at most'):
        await store.verify_password("ben", "password")


async def test_addresses_and_domains_are_asked_for(keeper, store):
    mrose = keeper.add("mrose")
    keeper.add_alias("mrose", "info@example.org")
    keeper.add_alias("mrose", "@example.net")
    keeper.add_alias("nobody", "lost@example.org")
    assert await store.resolve("info", "example.org") == mrose
    assert await store.resolve("info+news", "example.org") == mrose
    assert await store.resolve("anyone", "EXAMPLE.net.") == mrose
    assert await store.resolve("lost", "example.org") is None
    assert await store.is_local("Example.ORG.")
    assert not await store.is_local("example.edu")
    assert not await store.is_local("%")


async def test_without_these_queries_names_are_their_own_addresses(keeper, open_store):
    anna = keeper.add("anna@example.org")
    store = open_store(Queries.parse(ONLY_PASSWORDS), own_domains=("localhost",))
    assert await store.resolve("anna", "example.org") == anna
    assert await store.is_local("localhost")
    assert not await store.is_local("example.org")


async def test_a_database_that_is_away_is_no_wrong_password():
    store = PostgresAccounts(Database(f"postgresql://postgres@127.0.0.1:{engines.free_port()}/mail"), QUERIES)
    for question in (
        store.verify_password("mrose", "secret"),
        store.admit("mrose", "token"),
        store.find("mrose"),
        store.resolve("mrose", None),
        store.is_local("example.org"),
    ):
        with pytest.raises(AccountsUnavailable):
            await question
    await store.close()


@pytest.mark.parametrize("which", ["password", "address", "domain", "update"])
def test_queries_that_ask_for_nobody_are_refused(which):
    with pytest.raises(BadQuery, match="everybody"):
        Queries.parse(**{"password": ONLY_PASSWORDS, which: "SELECT 1"})


def test_an_unknown_scheme_is_refused():
    with pytest.raises(HashError):
        PostgresAccounts(Database("postgresql://localhost/mail"), QUERIES, scheme="ROT13")
