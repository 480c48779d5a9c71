import pytest

from postane.accounts.base import Account, Proof
from postane.accounts.cache import ADDRESS_LENGTH, Addresses, LoginCache, Proofs, Remembered
from support.clock import Clock

PROOF = Remembered(Proof(Account("mrose", "mrose"), "password"), 1, 600.0)


@pytest.fixture
def clock():
    return Clock(1000.0)


@pytest.fixture
def cache(clock):
    return LoginCache(600.0, clock)


def test_a_login_is_known_until_its_time_is_over(cache, clock):
    assert not cache.knows("mrose", "hash", "secret")
    cache.remember("mrose", "hash", "secret")
    assert cache.knows("mrose", "hash", "secret")
    clock.time += 599.9
    assert cache.knows("mrose", "hash", "secret")
    clock.time += 0.1
    assert not cache.knows("mrose", "hash", "secret")


def test_being_used_does_not_prolong_it(cache, clock):
    cache.remember("mrose", "hash", "secret")
    for _ in range(10):
        clock.time += 60
        cache.knows("mrose", "hash", "secret")
    assert not cache.knows("mrose", "hash", "secret")


def test_being_verified_again_does(cache, clock):
    cache.remember("mrose", "hash", "secret")
    clock.time += 500
    cache.remember("mrose", "hash", "secret")
    clock.time += 500
    assert cache.knows("mrose", "hash", "secret")


@pytest.mark.parametrize(
    "other",
    [
        ("anna", "hash", "secret"),
        ("mrose", "other", "secret"),
        ("mrose", "hash", "wrong"),
        ("mrosehash", "", "secret"),
        ("mros", "ehash", "secret"),
        ("mrose", "has", "hsecret"),
        ("mrose", "hashsecret", ""),
    ],
)
def test_only_the_very_same_login_is_known(cache, other):
    cache.remember("mrose", "hash", "secret")
    assert not cache.knows(*other)


def test_zero_seconds_remember_nothing(clock):
    cache = LoginCache(0.0, clock)
    cache.remember("mrose", "hash", "secret")
    assert not cache.knows("mrose", "hash", "secret")
    assert len(cache) == 0


def test_it_is_bounded_and_the_oldest_go_first(clock):
    cache = LoginCache(600.0, clock, limit=3)
    for number in range(5):
        cache.remember(f"user{number}", "hash", "secret")
    assert len(cache) == 3
    assert [cache.knows(f"user{number}", "hash", "secret") for number in range(5)] == [False, False, True, True, True]


def test_what_is_over_is_forgotten(cache, clock):
    for number in range(100):
        cache.remember(f"user{number}", "hash", "secret")
    clock.time += 600
    cache.remember("mrose", "hash", "secret")
    assert len(cache) == 1


def test_no_secret_is_kept(cache):
    cache.remember("mrose", "the hash", "the secret")
    assert b"secret" not in b"".join(cache._until)
    assert all(len(digest) == 32 for digest in cache._until)
    another = LoginCache(600.0, Clock(1000.0))
    another.remember("mrose", "the hash", "the secret")
    assert not set(cache._until) & set(another._until), "the key is random"


def test_until_when_it_is_known_is_told(cache, clock):
    assert cache.remember("mrose", "hash", "secret") == cache.until("mrose", "hash", "secret") == clock.time + 600
    assert cache.until("mrose", "hash", "wrong") < clock.time


def test_a_proof_is_that_of_the_very_same_login():
    proofs = Proofs()
    proofs.keep("mrose", "secret", PROOF)
    assert proofs.find("mrose", "secret") is PROOF
    for other in (("mros", "esecret"), ("Mrose", "secret"), ("mrose", "Secret"), ("mrosesecret", ""), ("mrose", "")):
        assert proofs.find(*other) is None


def test_names_and_passwords_may_be_of_any_octets():
    proofs = Proofs()
    for number, text in enumerate(["\udcff", "\ud800", "\0", "ü", "5 0 mrose"]):
        proofs.keep(text, text, Remembered(PROOF.proof, number, 0.0))
        assert proofs.find(text, text).version == number
        assert proofs.find(text, "") is None


def test_proofs_are_bounded():
    proofs = Proofs(limit=3)
    for number in range(10):
        proofs.keep(f"user{number}", "secret", PROOF)
        assert proofs.find(f"user{number}", "secret") is PROOF
        assert len(proofs._known) <= 3


def test_no_secret_is_in_them():
    proofs, others = Proofs(), Proofs()
    for each in (proofs, others):
        each.keep("mrose", "the secret", PROOF)
    assert [len(digest) for digest in proofs._known] == [16]
    assert not set(proofs._known) & set(others._known), "the key is random"


def test_an_address_is_known_as_it_was_said():
    addresses, account = Addresses(), Account("mrose", "mrose")
    addresses.keep(7, "mrose", "example.org", account)
    assert addresses.version == 7
    assert addresses.find("mrose", "example.org") is account
    for other in (("Mrose", "example.org"), ("mrose", "example.net"), ("mrose@", "example.org"), ("", "")):
        assert addresses.find(*other) is None


def test_addresses_of_an_older_version_go():
    addresses, account = Addresses(), Account("mrose", "mrose")
    addresses.keep(7, "mrose", "example.org", account)
    addresses.keep(8, "anna", "example.org", account)
    assert addresses.version == 8
    assert addresses.find("mrose", "example.org") is None
    assert addresses.find("anna", "example.org") is account


def test_addresses_are_bounded():
    addresses, account = Addresses(limit=3), Account("mrose", "mrose")
    for number in range(10):
        addresses.keep(1, f"user{number}", "example.org", account)
        assert addresses.find(f"user{number}", "example.org") is account
        assert len(addresses._known) <= 3
    addresses.keep(1, "x" * ADDRESS_LENGTH, "example.org", account)
    assert addresses.find("x" * ADDRESS_LENGTH, "example.org") is None
