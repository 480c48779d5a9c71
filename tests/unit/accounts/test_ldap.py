"""Accounts in a directory; that the store is one at all is shown by tests/contract/test_accounts.py."""

import pytest
from sansldap import BindRequest, LDAPMessage, LDAPServer, PartialAttribute, SearchRequest

from postane.accounts.base import AccountsUnavailable, LoginRefused
from postane.accounts.directory import Directory
from postane.accounts.filters import BadFilter
from postane.accounts.ldap import CACHE_SECONDS, LdapAccounts, Tree
from support import engines
from support.false_directory import open_false_directory
from support.other_houses import ENABLED, LdapKeeper


@pytest.fixture(scope="module")
def engine():
    return engines.slapd()


@pytest.fixture
def keeper(engine):
    return LdapKeeper(engine)


@pytest.fixture
async def open_store(engine):
    opened = []

    def open_(directory: Directory | None = None, steady=None, **tree: str) -> LdapAccounts:
        clock = {} if steady is None else {"steady": steady}
        where = directory or Directory(engine.url, ca=engine.ca)
        opened.append(LdapAccounts(where, Tree.parse(engine.base, **tree), own_domains=("localhost",), **clock))
        return opened[-1]

    yield open_
    for store in opened:
        await store.close()


@pytest.fixture
def store(open_store):
    return open_store(enabled_filter=ENABLED)


def of_one(session: LDAPServer, message: LDAPMessage) -> bytes | None:
    """A directory of one person, who has any password; a bind without one succeeds, as RFC 4513 s5.1.2 has it."""
    if isinstance(message, SearchRequest):
        session.search_result_entry(message.message_id, "uid=mrose", [PartialAttribute("uid", [b"mrose"])])
        session.search_result_done(message.message_id)
    else:
        session.bind_response(message.message_id)
    return b""


@pytest.mark.parametrize("password", ["", "\0", "secret\0", "\udcff", "x" * 249])
async def test_a_password_that_proves_nothing_is_never_tried(open_store, password):
    async with open_false_directory(of_one) as false:
        store = open_store(Directory(false.url, start_tls=False))
        with pytest.raises(LoginRefused):
            await store.verify_password("mrose", password)
        tried = [message for message in false.heard if isinstance(message, BindRequest)]
        assert [message.name for message in tried] == ["uid=-,ou=people,dc=example,dc=org"], "what takes the time"
        assert all(message.authentication.password for message in tried)
        assert (await store.verify_password("mrose", "any")).account.name == "mrose"
        await store.close()


async def test_a_password_is_prepared_before_it_is_sent(open_store):
    """RFC 4511 s4.2, RFC 4013 s2: a space is a space, and a ligature is its letters."""
    async with open_false_directory(of_one) as false:
        store = open_store(Directory(false.url, start_tls=False))
        await store.verify_password("mrose", "\u00a0of\ufb01ce ş")
        assert false.heard[-1].authentication.password == " office ş"
        await store.close()


async def test_an_empty_password_is_refused_where_the_directory_takes_it(keeper, store, engine):
    keeper.add("mrose", password="secret")
    with pytest.raises(LoginRefused):
        await store.verify_password("mrose", "")


async def test_without_a_version_of_the_entry_every_login_is_a_bind(open_store):
    async with open_false_directory(of_one) as false:
        store = open_store(Directory(false.url, start_tls=False))
        for _ in range(3):
            await store.verify_password("mrose", "secret")
        assert len([message for message in false.heard if isinstance(message, BindRequest)]) == 3
        await store.close()


async def test_with_a_version_a_bind_is_spared_for_a_while(open_store):
    now, version = [0.0], [b"1"]

    def versioned(session: LDAPServer, message: LDAPMessage) -> bytes | None:
        if isinstance(message, SearchRequest):
            attributes = [PartialAttribute("uid", [b"mrose"]), PartialAttribute("uSNChanged", version)]
            session.search_result_entry(message.message_id, "uid=mrose", attributes)
            session.search_result_done(message.message_id)
        else:
            session.bind_response(message.message_id)
        return b""

    async with open_false_directory(versioned) as false:
        store = open_store(Directory(false.url, start_tls=False), lambda: now[0])

        async def binds(password: str) -> int:
            before = len(false.heard)
            await store.verify_password("mrose", password)
            return len([message for message in false.heard[before:] if isinstance(message, BindRequest)])

        assert [await binds("secret"), await binds("secret")] == [1, 0]
        assert await binds("other") == 1, "another password is another login"
        version[0] = b"2"
        assert [await binds("secret"), await binds("secret")] == [1, 0]
        now[0] += CACHE_SECONDS
        assert await binds("secret") == 1
        await store.close()


async def test_a_real_directory_tells_a_version(keeper, store):
    keeper.add("mrose", password="secret")
    await store.verify_password("mrose", "secret")
    assert len(store._cache) == 1


async def test_a_person_without_a_password_is_refused(keeper, store):
    keeper.add("mrose")
    for password in ("", "secret"):
        with pytest.raises(LoginRefused):
            await store.verify_password("mrose", password)


async def test_the_name_may_be_another_attribute(keeper, open_store):
    keeper.add("mrose", password="secret")
    keeper.replace("mrose", "mail", "M.Rose@Example.ORG")
    store = open_store(filter="(|(uid={user})(mail={user}))", name="mail")
    assert (await store.verify_password("mrose", "secret")).account.name == "m.rose@example.org"
    assert (await store.find("M.ROSE@example.org")).name == "m.rose@example.org"
    assert await store.find("mrose") is None
    assert (await store.resolve("m.rose", "example.org")).name == "m.rose@example.org"


async def test_of_several_names_the_one_that_was_asked_for_counts(keeper, open_store):
    keeper.add("mrose", password="secret")
    keeper.replace("mrose", "uid", "mrose", "marshall")
    keeper.replace("mrose", "mail", "mr@example.org")
    store = open_store(filter="(|(uid={user})(mail={user}))")
    assert (await store.verify_password("Marshall", "secret")).account.name == "marshall"
    with pytest.raises(LoginRefused):
        await store.verify_password("mr@example.org", "secret")


async def test_a_name_that_no_account_can_have_is_nobodys(keeper, open_store):
    keeper.add("mrose", password="secret")
    keeper.replace("mrose", "employeeNumber", "../etc")
    with pytest.raises(LoginRefused):
        await open_store(name="employeeNumber").verify_password("mrose", "secret")


async def test_a_filter_that_matches_several_lets_nobody_in(keeper, open_store):
    for name in ("mrose", "anna", "ben"):
        keeper.add(name, password="secret")
    store = open_store(filter="(!(uid={user}))")
    with pytest.raises(AccountsUnavailable, match='more than one entry for "mrose"'):
        await store.verify_password("mrose", "secret")


async def test_addresses_are_searched_for(keeper, store):
    mrose = keeper.add("mrose")
    keeper.replace("mrose", "mail", "info@example.org", "sales@example.org")
    for local_part in ("info", "SALES", "info+news"):
        assert await store.resolve(local_part, "example.org") == mrose
    for local_part in ("*", "mrose", "info)(uid=*", "inf*"):
        assert await store.resolve(local_part, "example.org") is None
    assert await store.resolve("mrose", None) == mrose


async def test_domains_are_those_that_were_told(store):
    assert await store.is_local("LOCALHOST.")
    assert not await store.is_local("example.org")


async def test_somebody_proven_elsewhere_is_let_in_where_enabled(keeper, store):
    keeper.add("mrose")
    assert (await store.admit("MRose@localhost", "certificate")).credential == "certificate"
    keeper.set_enabled("mrose", False)
    for name in ("mrose", "nobody"):
        with pytest.raises(LoginRefused):
            await store.admit(name, "certificate")


async def test_a_directory_that_is_away_is_no_wrong_password(engine):
    store = LdapAccounts(Directory(f"ldap://127.0.0.1:{engines.free_port()}"), Tree.parse(engine.base))
    for question in (
        store.verify_password("mrose", "secret"),
        store.admit("mrose", "token"),
        store.find("mrose"),
        store.resolve("mrose", None),
    ):
        with pytest.raises(AccountsUnavailable):
            await question
    await store.close()


@pytest.mark.parametrize("words", [{"filter": "(uid=*)"}, {"address_filter": "(mail={user})"}, {"enabled_filter": "("}])
def test_filters_that_cannot_be_used_are_refused(words):
    with pytest.raises(BadFilter):
        Tree.parse("dc=example", **words)
