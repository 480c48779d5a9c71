"""Who has to wait after failed logins, and who has not."""

import itertools

import pytest

from postane.accounts.failures import Slate
from postane.accounts.throttle import (
    FORGET_AFTER,
    KNOWN_FOR,
    PRIVATE_OCTETS,
    Patience,
    Throttle,
    is_shared,
    private_throttle,
    source_of,
)

HERE, THERE = "192.0.2.1", "198.51.100.1"
LOCKOUT = 900.0


class Clock:
    time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return private_throttle(2.0, clock, lockout_after=10, lockout=LOCKOUT)


SECRETS = itertools.count()


def fail(throttle: Throttle, address: str, name: str, count: int = 1) -> list[float]:
    """So many failures with another wrong secret each."""
    return [throttle.failed(address, name, b"wrong %d" % next(SECRETS)) for _ in range(count)]


def strangers(throttle: Throttle, name: str, count: int = 10) -> None:
    """Guesses at one account from an address each."""
    for number in range(count):
        fail(throttle, f"203.0.113.{number}", name)


def test_delays_grow_and_stay(throttle: Throttle) -> None:
    assert fail(throttle, HERE, "ada", 6) == [2, 4, 8, 15, 15, 15]


@pytest.mark.parametrize("names", [["ada"] * 10, [f"user{n}" for n in range(10)], ["<>", "", "a b", "\udcff"] * 3])
def test_after_many_failures_an_address_is_refused_for_a_while(
    throttle: Throttle, clock: Clock, names: list[str]
) -> None:
    """Whether the names exist is nowhere asked."""
    for name in names[:9]:
        assert throttle.check(HERE, "eve") == 0.0
        fail(throttle, HERE, name)
    assert throttle.check(HERE, "eve") == 0.0
    fail(throttle, HERE, names[9])
    assert throttle.check(HERE, "eve") == LOCKOUT
    assert throttle.check(HERE, "") == LOCKOUT
    assert throttle.check(THERE, "eve") == 0.0
    clock.time += 100
    assert throttle.check(HERE, "eve") == LOCKOUT - 100
    clock.time += LOCKOUT - 100
    assert throttle.check(HERE, "eve") == 0.0
    assert fail(throttle, HERE, "eve") == [2], "then it begins anew"


def test_a_network_of_one_host_is_one_address(throttle: Throttle) -> None:
    for number in range(10):
        fail(throttle, f"2001:db8:1:2::{number:x}", f"user{number}")
    assert throttle.check("2001:db8:1:2:ffff::1", "eve") == LOCKOUT
    assert throttle.check("2001:db8:1:3::1", "eve") == 0.0


def test_guesses_at_one_account_from_many_addresses_make_strangers_wait(throttle: Throttle) -> None:
    strangers(throttle, "ada", 9)
    assert throttle.check(THERE, "ada") == 0.0
    assert fail(throttle, THERE, "ada") == [15]
    assert throttle.check("203.0.113.200", "ada") == LOCKOUT
    assert throttle.check("203.0.113.200", "ADA") == LOCKOUT
    assert throttle.check("203.0.113.200", "bob") == 0.0
    assert throttle.check(THERE, "bob") == 0.0, "one failure each is not held against the addresses"


def test_unknown_names_are_told_by_nothing(throttle: Throttle) -> None:
    throttle.succeeded(HERE, "ada")
    for name in ("ada", "nobody", "not / a name"):
        strangers(throttle, name)
        assert throttle.check(THERE, name) == LOCKOUT


def test_an_owner_is_not_locked_out_by_strangers(throttle: Throttle, clock: Clock) -> None:
    throttle.succeeded(HERE, "Ada")
    strangers(throttle, "ada")
    assert throttle.check(HERE, "ada") == 0.0
    assert fail(throttle, HERE, "ada") == [2], "nor made to wait for what others did"
    assert throttle.check("192.0.2.2", "ada") == LOCKOUT
    clock.time += KNOWN_FOR
    strangers(throttle, "ada")
    assert throttle.check(HERE, "ada") == LOCKOUT, "who was not there for a day is a stranger"


def test_whom_one_account_knows_is_a_stranger_to_another(throttle: Throttle) -> None:
    throttle.succeeded(HERE, "eve")
    strangers(throttle, "ada")
    assert throttle.check(HERE, "ada") == LOCKOUT


def test_an_address_that_is_known_is_refused_for_its_own_failures(throttle: Throttle) -> None:
    throttle.succeeded(HERE, "ada")
    fail(throttle, HERE, "ada", 10)
    assert throttle.check(HERE, "ada") == LOCKOUT


def test_the_same_wrong_secret_is_delayed_and_locks_nobody_out(throttle: Throttle, clock: Clock) -> None:
    delays = []
    for _ in range(50):
        delays.append(throttle.failed(HERE, "ada", b"the old password"))
        clock.time += FORGET_AFTER / 2
        assert throttle.check(HERE, "ada") == 0.0
    assert delays == [2, 4, 8] + [15] * 47
    assert throttle.check(THERE, "ada") == 0.0


def test_several_devices_with_a_wrong_secret_each_count_once(throttle: Throttle) -> None:
    for _ in range(20):
        for device in range(9):
            throttle.failed(HERE, "ada", b"device %d" % device)
    assert throttle.check(HERE, "ada") == 0.0
    fail(throttle, HERE, "ada")
    assert throttle.check(HERE, "ada") == LOCKOUT


def test_one_secret_tried_at_many_accounts_counts_each_time(throttle: Throttle) -> None:
    for number in range(10):
        throttle.failed(HERE, f"user{number}", b"123456")
    assert throttle.check(HERE, "user99") == LOCKOUT


def test_a_digest_over_a_challenge_counts_each_time(throttle: Throttle) -> None:
    assert [throttle.failed(HERE, "ada", b"") for _ in range(10)][:4] == [2, 4, 8, 15]
    assert throttle.check(HERE, "ada") == LOCKOUT


def test_a_right_login_forgives_what_was_mistyped(throttle: Throttle) -> None:
    fail(throttle, HERE, "ada", 9)
    throttle.failed(HERE, "ada", b"")
    throttle.succeeded(THERE, "ada")
    assert throttle.check(HERE, "ada") == LOCKOUT, "not what was mistyped elsewhere"
    throttle.succeeded(HERE, "ada")
    assert throttle.check(HERE, "ada") == throttle.check("203.0.113.9", "ada") == 0.0
    assert fail(throttle, HERE, "ada", 3) == [2, 4, 8]


def test_the_same_secret_counts_again_once_it_was_forgiven(throttle: Throttle) -> None:
    assert [throttle.failed(HERE, "ada", b"old") for _ in range(3)] == [2, 4, 8]
    throttle.succeeded(HERE, "ada")
    assert throttle.failed(HERE, "ada", b"old") == 2
    fail(throttle, HERE, "ada", 9)
    assert throttle.check(HERE, "ada") == LOCKOUT


def test_a_password_of_ones_own_buys_no_guesses_at_others(throttle: Throttle) -> None:
    for number in range(10):
        assert throttle.check(HERE, "ada") == 0.0
        fail(throttle, HERE, f"victim{number}")
        throttle.succeeded(HERE, "eve")
    assert throttle.check(HERE, "ada") == LOCKOUT


def test_the_owners_poller_does_not_forgive_a_neighbours_guesses(throttle: Throttle, clock: Clock) -> None:
    """Both behind one address: the owner logs in every few minutes."""
    throttle.succeeded(HERE, "ada")
    for _ in range(5):
        fail(throttle, HERE, "ada", 2)
        clock.time += FORGET_AFTER / 2
        throttle.succeeded(HERE, "ada")
    assert throttle.check(HERE, "ada") > 0.0


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "unix"])
def test_what_many_users_share_is_not_refused_but_an_account_is(throttle: Throttle, address: str) -> None:
    for number in range(30):
        fail(throttle, address, f"user{number}")
    assert throttle.check(address, "ada") == 0.0
    assert fail(throttle, address, "ada", 5) == [2, 4, 8, 15, 15], "what others did delays nobody"
    fail(throttle, address, "ada", 5)
    assert throttle.check(address, "ada") == LOCKOUT
    assert throttle.check(address, "user1") == 0.0


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "unix"])
def test_a_right_login_there_forgives_what_was_mistyped_once_in_a_while(
    throttle: Throttle, clock: Clock, address: str
) -> None:
    assert fail(throttle, address, "ada", 5) == [2, 4, 8, 15, 15]
    throttle.succeeded(address, "ada")
    assert fail(throttle, address, "ada", 5) == [2, 4, 8, 15, 15], "in a row"
    throttle.succeeded(address, "ada")
    assert fail(throttle, address, "ada", 5)[0] == 15, "not again so soon"
    assert throttle.check(address, "ada") == LOCKOUT
    clock.time += LOCKOUT
    fail(throttle, address, "ada", 9)
    throttle.succeeded(address, "ada")
    assert fail(throttle, address, "ada") == [2], "once more after ten minutes"


@pytest.mark.parametrize("address", ["127.0.0.1", "unix"])
def test_a_right_login_through_a_web_mail_makes_nobody_known(throttle: Throttle, address: str) -> None:
    throttle.succeeded(address, "ada")
    strangers(throttle, "ada")
    assert throttle.check(address, "ada") == LOCKOUT


def test_it_is_forgotten_after_a_silence(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, HERE, "ada", 3)
    clock.time += FORGET_AFTER - 1
    assert fail(throttle, HERE, "ada") == [15]
    clock.time += FORGET_AFTER
    assert fail(throttle, HERE, "ada") == [2]


def test_without_a_name_the_address_alone_counts(throttle: Throttle) -> None:
    for number in range(10):
        fail(throttle, f"203.0.113.{number}", "")
    assert throttle.check(THERE, "") == 0.0
    throttle.succeeded(THERE, "")
    fail(throttle, THERE, "", 10)
    assert throttle.check(THERE, "ada") == LOCKOUT


def test_names_in_an_own_domain_are_the_bare_ones(clock: Clock) -> None:
    slate = Slate(memoryview(bytearray(PRIVATE_OCTETS)), b"s")
    throttle = Throttle(slate, Patience(), clock, frozenset({"example.org", "[127.0.0.1]"}))
    for name in ["ada", "ada@example.org", "ADA@Example.ORG.", "ada@[127.0.0.1]"]:
        fail(throttle, THERE, name, 2)
    strangers(throttle, "Ada", 2)
    assert throttle.check(HERE, "ada@example.org") == LOCKOUT
    assert throttle.check(HERE, "ada@example.net") == 0.0


@pytest.mark.parametrize(
    "patience", [Patience(2.0, 0, 900.0), Patience(2.0, 10, 0.0)], ids=["after none", "for no time"]
)
def test_there_may_be_no_refusal(clock: Clock, patience: Patience) -> None:
    throttle = Throttle(Slate(memoryview(bytearray(PRIVATE_OCTETS)), b"s"), patience, clock)
    assert fail(throttle, HERE, "ada", 300)[-1] == 15
    assert throttle.check(HERE, "ada") == 0.0


def test_more_failures_than_can_be_counted_are_as_many_as_can(clock: Clock) -> None:
    throttle = private_throttle(0.0, clock, lockout_after=1000)
    assert set(fail(throttle, HERE, "ada", 254)) == {0.0}, "a delay of nothing stays nothing"
    assert throttle.check(HERE, "ada") == 0.0
    fail(throttle, HERE, "ada")
    assert throttle.check(HERE, "ada") == LOCKOUT


def test_a_flood_of_names_and_addresses_frees_nobody(throttle: Throttle) -> None:
    strangers(throttle, "ada")
    fail(throttle, HERE, "eve", 10)
    for number in range(20_000):
        throttle.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", f"user{number}", b"x")
    assert throttle.check(THERE, "ada") == LOCKOUT
    assert throttle.check(HERE, "bob") == LOCKOUT


def test_no_secret_is_in_the_memory(clock: Clock) -> None:
    memory = bytearray(PRIVATE_OCTETS)
    Throttle(Slate(memoryview(memory), b"key"), Patience(), clock).failed(HERE, "ada", b"hunter22")
    assert any(memory)
    assert not any(word in memory for word in (b"hunt", b"er22", b"ada", b"192"))


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
        ("", ""),
        ("not an address", "not an address"),
    ],
)
def test_what_one_attacker_has(address: str, source: str) -> None:
    assert source_of(address) == source
    assert is_shared(source) is (address == "unix")
