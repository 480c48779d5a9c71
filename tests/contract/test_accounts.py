"""One suite for every account store: what `postane.accounts.base.AccountStore` promises.

The stores, and how another one joins, are in `support.account_houses`. The ways to prove who somebody is besides a
password are in `test_accounts_means.py`. The names are RFC 1939's: `mrose`, and its secret `tanstaaf`.
"""

import hashlib
import math
from dataclasses import replace

import pytest

from postane.accounts.base import Account, LoginRefused, NameTaken, Spread, UnknownName
from postane.accounts.names import BadName
from postane.maildrop.base import LockPolicy, Quota
from support.account_houses import HOSTILE, OURS, OWN_DOMAINS, STRANGE, House

STAMP = "<1896.697170952@dbc.mtview.ca.us>"

ours = pytest.mark.parametrize("house", list(OURS), indirect=True)
"""For tests of what only a registry of ours can change."""


def digest(secret: str, stamp: str = STAMP) -> str:
    return hashlib.md5((stamp + secret).encode()).hexdigest()


async def refused(house: House, name: str, password: str) -> LoginRefused:
    with pytest.raises(LoginRefused) as caught:
        await house.store.verify_password(name, password)
    return caught.value


# Passwords


async def test_the_right_password_proves_the_account(house, mrose):
    proof = await house.store.verify_password("mrose", "secret")
    assert (proof.account, proof.credential) == (mrose, "password")


async def test_it_does_so_again(house, mrose):
    first = await house.store.verify_password("mrose", "secret")
    assert await house.store.verify_password("mrose", "secret") == first


@pytest.mark.parametrize("password", ["", "Secret", "secret ", " secret", "secre", "secret\0", "secret\udcff"])
async def test_no_other_password_does(house, mrose, password):
    await house.store.verify_password("mrose", "secret")
    await refused(house, "mrose", password)


async def test_what_is_recalled_is_what_would_be_proven(house, mrose):
    assert house.store.recall("mrose", "secret") is None, "nothing is known of a password before it was right"
    for _ in range(3):
        proof = await house.store.verify_password("mrose", "secret")
        assert house.store.recall("mrose", "secret") in (None, proof)
        await refused(house, "mrose", "Secret")
    for name, password in (("mrose", "Secret"), ("mrose", ""), ("mros", "esecret"), ("nobody", "secret")):
        assert house.store.recall(name, password) is None


async def test_letters_of_either_case_are_alike_in_names(house, mrose):
    assert (await house.store.verify_password("MRose", "secret")).account == mrose
    assert await house.store.find("MROSE") == mrose


@pytest.mark.parametrize("domain", OWN_DOMAINS)
async def test_a_bare_name_may_be_given_as_its_address(house, mrose, domain):
    proof = await house.store.verify_password(f"Mrose@{domain.upper()}", "secret")
    assert proof.account.name == "mrose"
    await refused(house, "mrose@elsewhere.example", "secret")


@ours
async def test_an_address_that_is_an_account_is_that_account(house, mrose):
    house.registry.add("mrose@localhost", password="other")
    assert (await house.store.verify_password("mrose@localhost", "other")).account.name == "mrose@localhost"
    await refused(house, "mrose@localhost", "secret")


@ours
@pytest.mark.parametrize("password", ["şifre ü 🐫", "\udcff\udcfe", " ", "a:b", "{PLAIN}x", "x" * 248])
async def test_any_octets_may_be_a_password(house, password):
    house.registry.add("mrose", password=password)
    await house.store.verify_password("mrose", password)
    await refused(house, "mrose", "other")


@ours
async def test_an_account_without_a_password_lets_nobody_in(house):
    house.registry.add("mrose")
    await refused(house, "mrose", "")
    await refused(house, "mrose", "None")


async def test_a_refusal_does_not_tell_why(house, mrose):
    house.registry.add("gone", password="secret")
    house.registry.set_enabled("gone", False)
    texts = {
        (await refused(house, "mrose", "wrong")).text,
        (await refused(house, "nobody", "secret")).text,
        (await refused(house, "gone", "secret")).text,
        (await refused(house, "gone", "wrong")).text,
    }
    assert texts == {"invalid user name or password"}


async def test_no_secret_is_in_a_refusal(house, mrose):
    error = await refused(house, "mrose", "hunter2")
    assert "hunter2" not in error.text + error.log + str(error)


@pytest.mark.parametrize("name", [*HOSTILE, *STRANGE])
async def test_hostile_names_are_nobody(house, mrose, name):
    await refused(house, name, "secret")
    with pytest.raises(LoginRefused):
        await house.store.verify_apop(name, STAMP, digest("secret"))
    assert await house.store.find(name) is None
    assert await house.store.resolve(name, None) is None
    assert await house.store.resolve(name, "localhost") is None
    assert await house.store.find("mrose") == mrose


@ours
@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_names_cannot_be_added(house, name):
    with pytest.raises(BadName):
        house.registry.add(name)


async def test_a_changed_password_counts_at_once(house, mrose):
    await house.store.verify_password("mrose", "secret")
    house.registry.set_password("mrose", "new")
    await refused(house, "mrose", "secret")
    await house.store.verify_password("mrose", "new")


async def test_a_disabled_account_is_refused_at_once_and_comes_back(house, mrose):
    await house.store.verify_password("mrose", "secret")
    house.registry.set_enabled("mrose", False)
    await refused(house, "mrose", "secret")
    house.registry.set_enabled("mrose", True)
    await house.store.verify_password("mrose", "secret")


async def test_a_removed_account_is_refused_at_once(house, mrose):
    await house.store.verify_password("mrose", "secret")
    house.registry.remove("mrose")
    await refused(house, "mrose", "secret")
    assert await house.store.find("mrose") is None


async def test_a_login_is_never_another_accounts(house, mrose):
    house.registry.add("anna", password="hers")
    await house.store.verify_password("mrose", "secret")
    await house.store.verify_password("anna", "hers")
    await refused(house, "anna", "secret")
    await refused(house, "mrose", "hers")


# Device passwords


@ours
async def test_a_device_password_logs_in_and_says_which(house, mrose):
    secret = house.registry.add_device("mrose", "phone")
    house.registry.add_device("mrose", "scanner", "given by hand")
    assert (await house.store.verify_password("mrose", secret)).credential == "device phone"
    assert (await house.store.verify_password("mrose", "given by hand")).credential == "device scanner"
    assert (await house.store.verify_password("mrose", "secret")).credential == "password"


@ours
async def test_a_revoked_device_is_refused_at_once(house, mrose):
    secret = house.registry.add_device("mrose", "phone")
    await house.store.verify_password("mrose", secret)
    house.registry.revoke_device("mrose", "phone")
    await refused(house, "mrose", secret)
    with pytest.raises(UnknownName):
        house.registry.revoke_device("mrose", "phone")


@ours
async def test_a_device_is_one_accounts_alone(house, mrose):
    house.registry.add("anna", password="hers")
    secret = house.registry.add_device("mrose", "phone")
    await refused(house, "anna", secret)


@ours
async def test_a_disabled_accounts_devices_are_refused(house, mrose):
    secret = house.registry.add_device("mrose", "phone")
    house.registry.set_enabled("mrose", False)
    await refused(house, "mrose", secret)
    with pytest.raises(LoginRefused):
        await house.store.verify_apop("mrose", STAMP, digest(secret))


@ours
async def test_a_label_is_used_once(house, mrose):
    house.registry.add_device("mrose", "phone")
    with pytest.raises(NameTaken):
        house.registry.add_device("mrose", " phone ")


@ours
async def test_generated_secrets_differ(house, mrose):
    assert len({house.registry.add_device("mrose", f"device {n}") for n in range(20)}) == 20


# APOP (RFC 1939 s7)


@ours
async def test_the_digest_of_the_rfc(house):
    house.registry.add("mrose", password="secret")
    house.registry.add_device("mrose", "laptop", "tanstaaf")
    proof = await house.store.verify_apop("mrose", STAMP, "c4c9334bac560ecc979e58001b3e22fb")
    assert proof.credential == "device laptop"


@ours
async def test_apop_finds_the_device(house, mrose):
    house.registry.add_device("mrose", "one", "first")
    house.registry.add_device("mrose", "two", "ikinci şifre")
    assert (await house.store.verify_apop("mrose", STAMP, digest("ikinci şifre"))).credential == "device two"


@ours
@pytest.mark.parametrize(
    "answer", ["", "0" * 32, digest("tanstaaf").upper(), digest("tanstaaf")[:-1], "é" * 32, "\udcff"]
)
async def test_another_digest_is_refused(house, mrose, answer):
    house.registry.add_device("mrose", "laptop", "tanstaaf")
    with pytest.raises(LoginRefused):
        await house.store.verify_apop("mrose", STAMP, answer)


@ours
async def test_a_digest_over_another_stamp_is_refused(house, mrose):
    house.registry.add_device("mrose", "laptop", "tanstaaf")
    with pytest.raises(LoginRefused):
        await house.store.verify_apop("mrose", "<another@stamp>", digest("tanstaaf"))


@pytest.mark.parametrize("name", ["mrose", "nobody"])
async def test_the_users_own_password_answers_no_apop_where_it_is_not_kept_in_clear_text(house, mrose, name):
    if house.own_password_answers and name == "mrose":
        assert (await house.store.verify_apop(name, STAMP, digest("secret"))).account == mrose
        return
    with pytest.raises(LoginRefused):
        await house.store.verify_apop(name, STAMP, digest("secret"))


# Addresses


@pytest.mark.parametrize("domain", [None, *OWN_DOMAINS, "LOCALHOST", "localhost."])
async def test_a_bare_account_takes_the_mail_of_own_domains(house, mrose, domain):
    assert await house.store.resolve("mrose", domain) == mrose
    assert await house.store.resolve("MRose", domain) == mrose


@pytest.mark.parametrize(
    "domain", ["example.org", "", "[192.0.2.1]", "localhost.example.org", "\udcff", "a/b", "@localhost"]
)
async def test_it_takes_no_other(house, mrose, domain):
    assert await house.store.resolve("mrose", domain) is None
    assert not await house.store.is_local(domain)


@ours
async def test_an_account_with_a_domain_takes_its_address_alone(house):
    anna = house.registry.add("Anna@Example.ORG", password="hers")
    assert anna.name == "anna@example.org"
    assert await house.store.resolve("anna", "example.org") == anna
    assert await house.store.resolve("ANNA", "EXAMPLE.ORG.") == anna
    for domain in (None, "localhost", "example.net"):
        assert await house.store.resolve("anna", domain) is None


async def test_what_is_recalled_of_an_address_is_what_it_means(house, mrose):
    for domain in (*OWN_DOMAINS, "LOCALHOST", "localhost.", "example.org", "", "a/b"):
        for local_part in ("mrose", "MRose", "mrose+x", "nobody", "mrose@localhost", *HOSTILE):
            for _ in range(2):
                told = house.store.recall_address(local_part, domain)
                account, is_local = await house.store.resolve(local_part, domain), await house.store.is_local(domain)
                assert told is None or (is_local and told == account), (local_part, domain)


@ours
async def test_no_address_is_recalled_that_means_something_else_now(house, mrose):
    registry, store = house.registry, house.store
    addresses = [("mrose", "localhost"), ("info", "example.org"), ("anyone", "example.net"), ("mrose+x", "localhost")]
    for change in (
        lambda: registry.add_alias("mrose", "info@example.org"),
        lambda: registry.add_alias("mrose", "@example.net"),
        lambda: registry.set_quota("mrose", Quota(5)),
        lambda: registry.add("mrose+x"),
        lambda: registry.set_enabled("mrose", False),
        lambda: registry.remove_alias("mrose", "@example.net"),
        lambda: registry.remove("mrose"),
    ):
        for address in addresses * 2:
            await store.resolve(*address)
        change()
        for address in addresses:
            told = store.recall_address(*address)
            assert told in (None, await store.resolve(*address))


@ours
async def test_a_quoted_at_sign_is_no_domain(house):
    house.registry.add("anna@example.org", password="hers")
    for domain in (None, "localhost", "example.net"):
        assert await house.store.resolve("anna@example.org", domain) is None


@ours
async def test_aliases(house, mrose):
    for address in ("postmaster", "info@example.org"):
        house.registry.add_alias("mrose", address)
    assert await house.store.resolve("Postmaster", "localhost") == mrose
    assert await house.store.resolve("postmaster", None) == mrose
    assert await house.store.resolve("info", "example.org") == mrose
    assert await house.store.resolve("postmaster", "example.org") is None
    house.registry.remove_alias("mrose", "info@example.org")
    assert await house.store.resolve("info", "example.org") is None


@ours
async def test_a_catch_all_takes_what_nobody_else_does(house, mrose):
    anna = house.registry.add("anna@example.org")
    house.registry.add_alias("mrose", "@example.org")
    assert await house.store.resolve("anyone", "example.org") == mrose
    assert await house.store.resolve("anna", "example.org") == anna
    assert await house.store.resolve("anyone", "example.net") is None


@ours
async def test_a_name_of_an_own_domain_goes_before_its_catch_all(house, mrose):
    anna = house.registry.add("anna", aliases=["@localhost"])
    assert await house.store.resolve("mrose", "localhost") == mrose
    assert await house.store.resolve("anyone", "localhost") == anna


@ours
async def test_an_alias_does_not_log_in(house, mrose):
    house.registry.add_alias("mrose", "info")
    await refused(house, "info", "secret")
    assert await house.store.find("info") is None


async def test_a_disabled_account_still_receives(house, mrose):
    house.registry.set_enabled("mrose", False)
    found = await house.store.resolve("mrose", "localhost")
    assert found is not None
    assert found.is_enabled is not house.tells_disabled


@ours
async def test_a_removed_account_takes_its_aliases_along(house, mrose):
    house.registry.add_alias("mrose", "info@example.org")
    house.registry.remove("mrose")
    assert await house.store.resolve("mrose", "localhost") is None
    assert await house.store.resolve("info", "example.org") is None
    assert not await house.store.is_local("example.org")


@ours
async def test_domains_are_local_by_account_by_alias_and_by_being_told(house, mrose):
    assert not await house.store.is_local("example.org")
    house.registry.add("anna@example.org")
    house.registry.add_alias("mrose", "info@example.net")
    house.registry.add_alias("mrose", "@example.com")
    for domain in (*OWN_DOMAINS, "example.org", "EXAMPLE.net", "example.com.", "LocalHost"):
        assert await house.store.is_local(domain)
    assert not await house.store.is_local("example.edu")


@ours
@pytest.mark.parametrize("name", ["şükrü@posta.example", "用户", "ΟΔΟΣ"])
async def test_names_of_any_letters(house, name):
    account = house.registry.add(name, password="secret")
    assert await house.store.find(name.upper()) == account
    local_part, _, domain = name.partition("@")
    assert await house.store.resolve(local_part, domain or None) == account


# Administration


@ours
async def test_quota_is_told(house):
    house.registry.add("mrose", quota=Quota(octets=1000))
    assert (await house.store.find("mrose")).quota == Quota(octets=1000)
    house.registry.set_quota("mrose", Quota(messages=5))
    assert (await house.store.find("mrose")).quota == Quota(messages=5)


@ours
async def test_an_address_has_one_owner(house, mrose):
    house.registry.add("anna", aliases=["info"])
    for name in ("mrose", "MROSE", "info"):
        with pytest.raises(NameTaken):
            house.registry.add(name)
    for address in ("anna", "info"):
        with pytest.raises(NameTaken):
            house.registry.add_alias("mrose", address)
    with pytest.raises(NameTaken):
        house.registry.add("ben", aliases=["mrose"])
    assert await house.store.find("ben") is None


@ours
@pytest.mark.parametrize(
    "change",
    [
        lambda registry: registry.set_password("nobody", "x"),
        lambda registry: registry.set_enabled("nobody", False),
        lambda registry: registry.set_quota("nobody", Quota()),
        lambda registry: registry.remove("nobody"),
        lambda registry: registry.add_alias("nobody", "info"),
        lambda registry: registry.remove_alias("mrose", "info"),
        lambda registry: registry.add_device("nobody", "phone"),
        lambda registry: registry.revoke_device("mrose", "phone"),
        lambda registry: registry.share("nobody", "mrose"),
        lambda registry: registry.share("mrose", "nobody"),
        lambda registry: registry.unshare("mrose", "nobody"),
        lambda registry: registry.unshare("mrose", "mrose"),
    ],
)
async def test_what_is_not_there_cannot_be_changed(house, mrose, change):
    with pytest.raises(UnknownName):
        change(house.registry)


async def test_close_may_be_called_twice(house):
    await house.store.close()
    await house.store.close()


# What accounts have of their own


@ours
async def test_settings_are_seen_at_the_next_login(house, mrose):
    own = replace(mrose, quota=Quota(10, 20), lock=LockPolicy.SHARE, retention=86400.0, login_delay=60.0)
    house.registry.configure(own)
    assert (await house.store.verify_password("mrose", "secret")).account == own
    assert await house.store.find("mrose") == own
    assert await house.store.resolve("mrose", None) == own
    house.registry.configure(replace(mrose, keep_deleted=True, retention=math.inf))
    assert await house.store.find("mrose") == replace(mrose, keep_deleted=True, retention=math.inf)


@ours
async def test_settings_leave_the_rest_of_the_account_alone(house, mrose):
    house.registry.set_enabled("mrose", False)
    house.registry.configure(replace(mrose, lock=LockPolicy.WAIT))
    house.registry.set_quota("mrose", Quota(5))
    assert await house.store.find("mrose") == Account("mrose", "mrose", False, Quota(5), LockPolicy.WAIT)


@ours
async def test_nobody_has_settings(house, mrose):
    with pytest.raises(UnknownName):
        house.registry.configure(replace(mrose, name="nobody"))


@ours
async def test_settings_go_with_the_account(house, mrose):
    house.registry.configure(replace(mrose, retention=60.0))
    house.registry.remove("mrose")
    assert await house.store.spread() == Spread()
    assert house.registry.add("mrose") == mrose
    assert await house.store.find("mrose") == mrose


@ours
async def test_the_spread_of_settings(house, mrose):
    assert await house.store.spread() == Spread()
    assert house.store.recall_spread() in (None, Spread())
    for name, retention, delay in (("anna", 60.0, None), ("ben", math.inf, 30.0), ("cem", 120.0, 10.0)):
        house.registry.configure(replace(house.registry.add(name), retention=retention, login_delay=delay))
    assert house.store.recall_spread() in (None, Spread((60.0, math.inf), (10.0, 30.0)))
    assert await house.store.spread() == Spread((60.0, math.inf), (10.0, 30.0))
    assert house.store.recall_spread() in (None, Spread((60.0, math.inf), (10.0, 30.0)))


# Leave to read another account's maildrop


@pytest.fixture
def shared(house, mrose):
    """Anna may read the mail of mrose."""
    house.registry.add("Anna@Example.ORG")
    house.registry.share("MRose", "anna@example.org")
    return house


@ours
async def test_leave_to_read_is_given_in_one_direction_to_one_account(shared, mrose):
    shared.registry.add("ben")
    assert await shared.store.shared_with("anna@example.org", "mrose") == mrose
    assert await shared.store.shared_with("ANNA@example.org", "MROSE") == mrose, "letters of either case are alike"
    for reader, owner in (("mrose", "anna@example.org"), ("ben", "mrose"), ("mrose", "mrose"), ("nobody", "mrose")):
        assert await shared.store.shared_with(reader, owner) is None


@ours
async def test_leave_to_read_may_be_given_twice_and_ends_at_once(shared):
    shared.registry.share("mrose", "anna@example.org")
    shared.registry.unshare("mrose", "ANNA@example.org")
    assert await shared.store.shared_with("anna@example.org", "mrose") is None
    with pytest.raises(UnknownName, match="has no leave to read"):
        shared.registry.unshare("mrose", "anna@example.org")


@ours
async def test_leave_to_read_is_of_no_use_to_oneself(house, mrose):
    with pytest.raises(BadName, match="its own"):
        house.registry.share("mrose", "MROSE")


@ours
async def test_a_disabled_accounts_mail_can_be_read_on(shared, mrose):
    shared.registry.set_enabled("mrose", False)
    assert await shared.store.shared_with("anna@example.org", "mrose") == replace(mrose, is_enabled=False)


@ours
@pytest.mark.parametrize("gone", ["mrose", "anna@example.org"])
async def test_leave_to_read_goes_with_either_account(shared, gone):
    shared.registry.remove(gone)
    assert await shared.store.shared_with("anna@example.org", "mrose") is None
    shared.registry.add(gone)
    assert await shared.store.shared_with("anna@example.org", "mrose") is None, "a new account is not the old one"


@ours
async def test_leave_to_read_brings_the_owners_settings(shared, mrose):
    own = replace(mrose, quota=Quota(10), retention=60.0)
    shared.registry.configure(own)
    assert await shared.store.shared_with("anna@example.org", "mrose") == own


@ours
@pytest.mark.parametrize("name", [*HOSTILE, *STRANGE])
async def test_hostile_names_read_nobodys_mail(shared, name):
    assert await shared.store.shared_with(name, "mrose") is None
    assert await shared.store.shared_with("anna@example.org", name) is None
