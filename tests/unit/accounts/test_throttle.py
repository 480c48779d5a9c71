import pytest

from postane.accounts.throttle import FORGET_AFTER, Throttle, source_of


class Clock:
    time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def throttle(clock):
    return Throttle(2.0, clock)


def delays(throttle, address, count):
    return [throttle.delay_after_failure(address) for _ in range(count)]


def test_delays_grow_and_stay(throttle):
    assert delays(throttle, "192.0.2.1", 6) == [2, 4, 8, 15, 15, 15]


def test_success_begins_anew(throttle):
    delays(throttle, "192.0.2.1", 3)
    throttle.succeeded("192.0.2.1")
    throttle.succeeded("192.0.2.2")
    assert delays(throttle, "192.0.2.1", 2) == [2, 4]


def test_it_is_forgotten_after_a_silence(throttle, clock):
    delays(throttle, "192.0.2.1", 3)
    clock.time += FORGET_AFTER - 1
    assert delays(throttle, "192.0.2.1", 1) == [15]
    clock.time += FORGET_AFTER
    assert delays(throttle, "192.0.2.1", 1) == [2]


def test_addresses_are_apart(throttle):
    delays(throttle, "192.0.2.1", 3)
    assert delays(throttle, "192.0.2.2", 1) == [2]


def test_a_delay_of_nothing_stays_nothing(clock):
    assert delays(Throttle(0.0, clock), "192.0.2.1", 5) == [0, 0, 0, 0, 0]


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
def test_what_one_attacker_has(address, source):
    assert source_of(address) == source


def test_the_table_is_bounded(clock):
    throttle = Throttle(2.0, clock, limit=3)
    delays(throttle, "192.0.2.1", 3)
    for number in range(2, 5):
        throttle.delay_after_failure(f"192.0.2.{number}")
    assert len(throttle) == 3
    assert delays(throttle, "192.0.2.4", 1) == [4], "the latest stay"
    assert delays(throttle, "192.0.2.1", 1) == [2], "the longest silent one went"


def test_the_silent_are_swept(throttle, clock):
    for number in range(100):
        throttle.delay_after_failure(f"192.0.2.{number}")
    clock.time += FORGET_AFTER
    throttle.delay_after_failure("198.51.100.1")
    assert len(throttle) == 1
