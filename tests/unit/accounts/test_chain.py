"""What the contract suite does not show: an account of a later store is nobody where an earlier one knows its name."""

import hashlib
import hmac
from collections import Counter
from dataclasses import replace

import pytest

from postane.accounts.base import AccountsUnavailable, LoginRefused, Proof, ScramEntry, Spread
from postane.accounts.chain import ChainAccounts
from postane.accounts.memory import MemoryAccounts
from postane.accounts.partial import PartialAccounts
from postane.sasl.base import Means, ScramDigest

STAMP = "<1896.697170952@dbc.mtview.ca.us>"
OWN_DOMAINS = ("localhost",)
SHA_256 = ScramDigest.SHA_256


class Counting(MemoryAccounts):
    """Counts what it verifies; may be out of reach."""

    def __init__(self) -> None:
        super().__init__(own_domains=OWN_DOMAINS)
        self.verified: Counter[str] = Counter()
        self.is_away = False
        self.is_closed = False

    async def verify_password(self, name, password):
        self.look()
        self.verified[name] += 1
        return await super().verify_password(name, password)

    async def find(self, name):
        self.look()
        return await super().find(name)

    async def resolve(self, local_part, domain):
        self.look()
        return await super().resolve(local_part, domain)

    async def is_local(self, domain):
        self.look()
        return await super().is_local(domain)

    async def close(self):
        self.is_closed = True

    def look(self) -> None:
        if self.is_away:
            raise AccountsUnavailable("not now")


class PasswordsOnly(Counting):
    """A store that can do nothing else."""

    means = frozenset({Means.PASSWORD})


class Tokens(PartialAccounts):
    """Knows no accounts: says that a token is the account's that `directory` has of that name."""

    means = frozenset({Means.TOKEN})

    def __init__(self, directory) -> None:
        super().__init__()
        self.directory = directory

    async def verify_token(self, name, token):
        return await self.directory.admit(token.removeprefix("token of "), "token")

    async def find(self, name):
        return None

    async def resolve(self, local_part, domain):
        return None

    async def is_local(self, domain):
        return False

    async def close(self):
        pass


@pytest.fixture
def first():
    first = Counting()
    first.add("alice", password="first")
    return first


@pytest.fixture
def second():
    second = Counting()
    second.add("alice", password="second")
    second.add("bob", password="bobs")
    return second


@pytest.fixture
def chain(first, second):
    return ChainAccounts([first, second], own_domains=OWN_DOMAINS)


async def refused(asking) -> LoginRefused:
    with pytest.raises(LoginRefused) as caught:
        await asking
    return caught.value


def apop(secret: str) -> str:
    return hashlib.md5(f"{STAMP}{secret}".encode()).hexdigest()


def cram(secret: str) -> str:
    return hmac.new(secret.encode(), STAMP.encode(), "md5").hexdigest()


async def test_the_first_that_knows_a_name_decides_about_it(chain):
    for name in ("alice", "ALICE", "alice@localhost", "Alice@LOCALHOST"):
        assert (await chain.verify_password(name, "first")).account.name == "alice"
        await refused(chain.verify_password(name, "second"))
    assert (await chain.verify_password("bob", "bobs")).account.name == "bob"


async def test_the_order_counts(first, second):
    chain = ChainAccounts([second, first], own_domains=OWN_DOMAINS)
    await chain.verify_password("alice", "second")
    await refused(chain.verify_password("alice", "first"))


async def test_a_disabled_account_of_the_first_is_not_the_seconds(chain, first):
    first.set_enabled("alice", False)
    await refused(chain.verify_password("alice", "second"))
    await refused(chain.admit("alice", "certificate"))


async def test_no_digest_of_a_later_store_proves_a_name_of_an_earlier_one(chain, second):
    second.add_device("alice", "phone", "tanstaaf")
    second.add_device("bob", "phone", "tanstaaf")
    await refused(chain.verify_apop("alice", STAMP, apop("tanstaaf")))
    await refused(chain.verify_cram("alice", STAMP.encode(), cram("tanstaaf")))
    assert (await chain.verify_apop("bob", STAMP, apop("tanstaaf"))).credential == "device phone"
    assert (await chain.verify_cram("bob", STAMP.encode(), cram("tanstaaf"))).credential == "device phone"


async def test_scram_keys_are_the_owners(chain, first, second):
    entry = await chain.scram("alice", SHA_256)
    assert entry.keys == (await first.scram("alice", SHA_256)).keys
    assert (await chain.scram("bob", SHA_256)).keys == (await second.scram("bob", SHA_256)).keys


async def test_a_store_that_cannot_do_it_does_not_leave_it_to_a_later_one(second):
    earlier = PasswordsOnly()
    earlier.add("alice", password="first")
    chain = ChainAccounts([earlier, second], own_domains=OWN_DOMAINS)
    second.add_device("alice", "phone", "tanstaaf")
    for asking in (
        chain.verify_apop("alice", STAMP, apop("tanstaaf")),
        chain.verify_cram("alice", STAMP.encode(), cram("tanstaaf")),
        chain.admit("alice", "certificate"),
    ):
        await refused(asking)
    decoy, real = await chain.scram("alice", SHA_256), await second.scram("alice", SHA_256)
    assert decoy.proofs == ()
    assert decoy.keys.pairs[0].stored_key != real.keys.pairs[0].stored_key
    assert decoy.keys.pairs[0].server_key != real.keys.pairs[0].server_key
    unknown = await chain.scram("nobody", SHA_256)
    assert unknown.keys.salt == (await second.scram("nobody", SHA_256)).keys.salt, "decoys are all of one store"


async def test_who_knows_no_secrets_is_told_of_and_costs_one_check(second):
    earlier = PasswordsOnly()
    earlier.add("pia", password="hers")
    chain = ChainAccounts([second, earlier], own_domains=OWN_DOMAINS)
    error = await refused(chain.verify_apop("pia", STAMP, apop("tanstaaf")))
    assert error.log == '"pia": the store that knows this name knows no secrets: it can check neither APOP nor CRAM-MD5'
    assert error.text == (await refused(chain.verify_apop("nobody", STAMP, apop("x")))).text
    assert "takes nobody's word" in (await refused(chain.admit("pia", "certificate"))).log


async def test_scram_is_offered_where_every_store_of_passwords_has_it(first, second):
    poor = PasswordsOnly()
    scram = {Means.SCRAM_SHA_1, Means.SCRAM_SHA_256}
    assert scram <= ChainAccounts([first, second, Tokens(first)]).means
    for stores in ([first, poor], [poor, first], [Tokens(first), first, poor]):
        assert ChainAccounts(stores).means & scram == set()
        assert Means.SECRET in ChainAccounts(stores).means, "APOP harms nobody who has no device"
        assert scram <= ChainAccounts(stores, scram_of_any=True).means


async def test_a_name_that_nobody_knows_costs_one_refusal(chain, first, second):
    error = await refused(chain.verify_password("nobody", "x"))
    assert error.text == "invalid user name or password"
    assert first.verified + second.verified == Counter({"nobody": 1})


async def test_a_name_that_somebody_knows_costs_one_check(chain, first, second):
    await refused(chain.verify_password("bob", "x"))
    await refused(chain.verify_password("alice", "x"))
    assert (first.verified, second.verified) == (Counter({"alice": 1}), Counter({"bob": 1}))


async def test_mail_goes_to_the_owner_of_a_name(chain, first):
    for local_part, domain in (("alice", None), ("alice", "localhost"), ("alice+news", "localhost")):
        assert await chain.resolve(local_part, domain) == await first.find("alice")
    assert (await chain.resolve("bob", "localhost")).name == "bob"
    assert await chain.resolve("nobody", "localhost") is None


async def test_a_very_name_goes_before_the_catch_all_of_an_earlier_store(chain, first, second):
    first.add_alias("alice", "@example.org")
    second.add("carol@example.org", password="hers")
    assert (await chain.resolve("carol", "example.org")).name == "carol@example.org"
    assert (await chain.resolve("anyone", "example.org")).name == "alice"


async def test_an_alias_of_a_shadowed_account_means_nobody(chain, second):
    """Its mail would lie in the maildrop of another's alice."""
    second.add_alias("alice", "info")
    second.add_alias("bob", "help")
    assert await chain.resolve("info", "localhost") is None
    assert (await chain.resolve("help", "localhost")).name == "bob"


async def test_leave_to_read_is_among_accounts_of_one_store(chain, first, second):
    second.add("carol")
    second.share("bob", "alice")  # another alice
    second.share("alice", "bob")
    second.share("bob", "carol")
    assert await chain.shared_with("alice", "bob") is None
    assert await chain.shared_with("bob", "alice") is None
    assert (await chain.shared_with("carol", "bob")).name == "bob"
    assert await chain.shared_with("nobody", "bob") is None
    assert await chain.shared_with("bob", "nobody") is None


async def test_an_account_that_a_store_calls_otherwise_is_looked_at_by_what_it_is(first):
    """A query may say that who logs in as `al` is `alice`: there is another one."""

    class Renaming(Counting):
        async def verify_password(self, name, password):
            return await super().verify_password("alice" if name == "al" else name, password)

        async def admit(self, name, credential):
            return await super().admit({"al": "alice", "rob": "bob"}.get(name, name), credential)

        async def scram(self, name, digest) -> ScramEntry:
            return await super().scram("alice" if name == "al" else name, digest)

    renaming = Renaming()
    renaming.add("alice", password="second")
    renaming.add("bob")
    chain = ChainAccounts([first, renaming], own_domains=OWN_DOMAINS)
    await refused(chain.verify_password("al", "second"))
    await refused(chain.admit("al", "certificate"))
    assert (await chain.scram("al", SHA_256)).proofs == ()
    assert (await chain.admit("rob", "certificate")).account.name == "bob"
    alone = ChainAccounts([renaming], own_domains=OWN_DOMAINS)
    assert (await alone.verify_password("al", "second")).account.name == "alice"


async def test_names_of_an_earlier_store_go_on_while_a_later_one_is_away(chain, second):
    second.is_away = True
    await chain.verify_password("alice", "first")
    assert (await chain.resolve("alice", "localhost")).name == "alice"
    assert await chain.is_local("localhost")
    for asking in (
        chain.verify_password("bob", "bobs"),
        chain.verify_password("nobody", "x"),
        chain.admit("bob", "certificate"),
        chain.scram("bob", SHA_256),
        chain.find("bob"),
        chain.resolve("bob", "localhost"),
        chain.is_local("example.org"),
    ):
        with pytest.raises(AccountsUnavailable):
            await asking


async def test_while_an_earlier_store_is_away_no_later_one_decides(chain, first):
    first.is_away = True
    for asking in (
        chain.verify_password("alice", "second"),
        chain.verify_password("bob", "bobs"),
        chain.resolve("bob", None),
        chain.shared_with("bob", "alice"),
    ):
        with pytest.raises(AccountsUnavailable):
            await asking


@pytest.mark.parametrize("is_first", [True, False])
async def test_tokens_are_taken_for_accounts_of_other_stores(chain, is_first):
    stores = [Tokens(chain), chain] if is_first else [chain, Tokens(chain)]
    whole = ChainAccounts(stores, own_domains=OWN_DOMAINS)
    assert Means.TOKEN in whole.means
    for name in (None, "bob"):
        proof = await whole.verify_token(name, "token of bob")
        assert (proof.account.name, proof.credential) == ("bob", "token")
    assert (await whole.verify_password("bob", "bobs")).account.name == "bob"
    await refused(whole.verify_token(None, "token of nobody"))
    await refused(whole.verify_password("nobody", "x"))


async def test_a_token_of_a_shadowed_account_proves_nobody(first, second):
    class Own(Counting):
        means = frozenset({Means.PASSWORD, Means.TOKEN})

        async def verify_token(self, name, token):
            return Proof(await self.find("alice"), "token")

    own = Own()
    own.add("alice")
    await refused(ChainAccounts([first, own]).verify_token(None, "x"))
    assert (await ChainAccounts([own, first]).verify_token(None, "x")).account.name == "alice"


async def test_every_store_that_takes_tokens_is_asked(first, second):
    whole = ChainAccounts([first, second, Tokens(first), Tokens(second)])
    assert (await whole.verify_token(None, "token of bob")).account.name == "bob"


async def test_a_token_that_cannot_be_looked_at_is_not_a_wrong_one(first):
    class Away(Tokens):
        async def verify_token(self, name, token):
            raise AccountsUnavailable("not now")

    for order in ([Away(first), Tokens(first)], [Tokens(first), Away(first)]):
        whole = ChainAccounts([first, *order])
        await whole.verify_token(None, "token of alice")
        with pytest.raises(AccountsUnavailable):
            await whole.verify_token(None, "token of nobody")


async def test_the_spread_is_that_of_all(chain, first, second):
    assert await chain.spread() == chain.recall_spread() == Spread()
    first.configure(replace(await first.find("alice"), retention=60.0))
    assert await chain.spread() == Spread((60.0, 60.0), None)
    second.configure(replace(await second.find("bob"), retention=30.0, login_delay=5.0))
    assert await chain.spread() == chain.recall_spread() == Spread((30.0, 60.0), (5.0, 5.0))
    second.recall_spread = lambda: None
    assert chain.recall_spread() is None, "one of them does not know"


async def test_domains_of_any_are_local(chain, first, second):
    first.add("a@example.org")
    second.add("b@example.net")
    assert await chain.is_local("example.org")
    assert await chain.is_local("example.net")
    assert not await chain.is_local("example.com")


async def test_all_are_closed(chain, first, second):
    await chain.close()
    assert first.is_closed
    assert second.is_closed


async def test_without_stores_nobody_is_there():
    chain = ChainAccounts([])
    assert chain.means == frozenset()
    await refused(chain.verify_password("alice", "x"))
    await refused(chain.verify_token(None, "x"))
    assert await chain.find("alice") is None
    assert (await chain.scram("alice", SHA_256)).proofs == ()
    assert not await chain.is_local("localhost")
    assert await chain.spread() == Spread()


class Recalling(Counting):
    """Recalls every address."""

    def recall_address(self, local_part, domain):
        names = [name for name in (f"{local_part}@{domain}", local_part) if name in self._entries]
        names += [owner for address, owner in self._aliases.items() if address == f"{local_part}@{domain}"]
        return next((self._entries[name].account for name in names), None)


async def test_an_address_is_recalled_by_an_accounts_own_name_alone():
    first, second = Recalling(), Recalling()
    first.add("alice", aliases=["bob@localhost", "info@example.org"])
    first.add("carol@example.org")
    second.add("bob")
    second.add("dora")
    chain = ChainAccounts([Tokens(first), first, second], own_domains=OWN_DOMAINS)
    assert first.recall_address("bob", "localhost").name == "alice"
    known = {
        ("alice", "localhost"): "alice",
        ("carol", "example.org"): "carol@example.org",
        ("bob", "localhost"): None,  # it is an alias here, and the second store's own name
        ("info", "example.org"): None,
        ("dora", "localhost"): None,
    }
    for address, name in known.items():
        told = chain.recall_address(*address)
        assert (told and told.name) == name, address
        assert told is None or (await chain.resolve(*address) == told and await chain.is_local(address[1]))


def test_a_chain_of_nobody_recalls_nothing():
    chain = ChainAccounts([Tokens(Recalling())], own_domains=OWN_DOMAINS)
    assert chain.recall_address("alice", "localhost") is None
    assert chain.recall("alice", "secret") is None
    assert chain.recall_apop("alice", "<stamp>", "0" * 32) is None
    assert chain.recall_cram("alice", b"<stamp>", "0" * 32) is None


def test_a_digest_is_recalled_of_the_first_that_knows_names():
    first, second = Counting(), Counting()
    proof = Proof(first.add("alice"), "device phone")
    for store in (first, second):
        store.recall_apop = lambda *said, own=store: proof if own is first and said == ("alice", "<1>", "a") else None
        store.recall_cram = lambda *said, own=store: proof if own is first and said == ("alice", b"<1>", "a") else None
    chain = ChainAccounts([Tokens(first), first, second], own_domains=OWN_DOMAINS)
    assert chain.recall_apop("alice", "<1>", "a") == chain.recall_cram("alice", b"<1>", "a") == proof
    other = ChainAccounts([second, first], own_domains=OWN_DOMAINS)
    assert other.recall_apop("alice", "<1>", "a") is other.recall_cram("alice", b"<1>", "a") is None


def test_what_a_chain_can_is_what_its_stores_can_now():
    first, second = PasswordsOnly(), Tokens(Counting())
    chain = ChainAccounts([first, second], own_domains=OWN_DOMAINS)
    assert chain.means == {Means.PASSWORD, Means.TOKEN}
    assert chain.means is chain.means
    first.means = frozenset({Means.OUTSIDE})
    assert chain.means == {Means.OUTSIDE, Means.TOKEN}
    second.means = frozenset()
    assert chain.means == {Means.OUTSIDE}
