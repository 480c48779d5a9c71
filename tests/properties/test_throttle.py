"""What holds of the throttle whatever is tried, in whatever order."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from postane.accounts.failures import NOTHING, WAYS, WORD, Records
from postane.accounts.throttle import FORGET_AFTER, RENEW_AFTER, Patience, Throttle, private_slate, private_throttle

AFTER, LOCKOUT = 4, 900.0
ADDRESSES = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "127.0.0.1", "unix")
NAMES = ("ada", "bob", "nobody", "")


@dataclass(slots=True)
class Clock:
    time: float = 1000.0

    def __call__(self) -> float:
        return self.time


failing = st.tuples(
    st.just("fail"), st.sampled_from(ADDRESSES), st.sampled_from(NAMES), st.sampled_from([b"", b"a", b"b"])
)
succeeding = st.tuples(st.just("succeed"), st.sampled_from(ADDRESSES), st.sampled_from(NAMES), st.just(b""))
waiting = st.tuples(st.just("wait"), st.just(""), st.just(""), st.just(b""))
Step = tuple[str, str, str, bytes]
Steps = list[Step]


def take(throttle: Throttle, clock: Clock, steps: Steps) -> None:
    for what, address, name, secret in steps:
        if what == "wait":
            clock.time += FORGET_AFTER / 4
        elif throttle.check(address, name) == 0.0:
            throttle.failed(address, name, secret) if what == "fail" else throttle.succeeded(address, name)


def make() -> tuple[Throttle, Clock]:
    clock = Clock()
    return private_throttle(2.0, clock, lockout_after=AFTER, lockout=LOCKOUT), clock


@given(
    st.lists(st.one_of(failing, succeeding, waiting), max_size=60), st.sampled_from(ADDRESSES), st.sampled_from(NAMES)
)
def test_every_refusal_ends_and_every_delay_is_one_of_the_steps(steps: Steps, address: str, name: str) -> None:
    throttle, clock = make()
    take(throttle, clock, steps)
    left = throttle.check(address, name)
    assert 0.0 <= left <= LOCKOUT
    clock.time += left
    assert throttle.check(address, name) == 0.0
    assert throttle.failed(address, name, b"c") in (2.0, 4.0, 8.0, 15.0)


@given(st.lists(st.one_of(failing, succeeding), max_size=60))
def test_a_secret_that_is_repeated_locks_nobody_out(steps: Steps) -> None:
    """Whatever others do, from other addresses to other names."""
    throttle, clock = make()
    own = [step for step in steps if step[1] != "192.0.2.2" and step[2] != "bob"]
    for number in range(20):
        take(throttle, clock, own[number::20])
        assert throttle.check("192.0.2.2", "bob") == 0.0
        throttle.failed("192.0.2.2", "bob", b"the old one")


@given(st.lists(st.one_of(failing, succeeding, waiting), max_size=40), st.sampled_from(ADDRESSES[:3]))
def test_so_many_wrong_secrets_from_one_address_are_refused(steps: Steps, address: str) -> None:
    throttle, clock = make()
    take(throttle, clock, steps)
    for number in range(AFTER):
        throttle.failed(address, "ada", b"wrong %d" % number)
    assert throttle.check(address, "ada") == throttle.check(address, "eve") == LOCKOUT


@given(st.lists(st.tuples(st.one_of(failing, succeeding, waiting), st.booleans()), max_size=80))
def test_what_a_worker_remembers_of_those_without_failures_changes_nothing(steps: list[tuple[Step, bool]]) -> None:
    """Two workers that remember, and beside them one that begins anew with each step."""
    clock, shared, apart = Clock(), private_slate(), private_slate()
    patience = Patience(2.0, AFTER, LOCKOUT)
    workers = [Throttle(shared, patience, clock) for _ in range(2)]
    for (what, address, name, secret), is_second in steps:
        worker, plain = workers[is_second], Throttle(apart, patience, clock)
        if what == "wait":
            clock.time += RENEW_AFTER / 2
            continue
        assert worker.check(address, name) == plain.check(address, name)
        if what == "fail":
            assert worker.failed(address, name, secret) == plain.failed(address, name, secret)
        else:
            worker.succeeded(address, name)
            plain.succeeded(address, name)
        for each, where, who in itertools.product(workers, ADDRESSES, NAMES):
            assert each.check(where, who) == plain.check(where, who)


KEYS = [b"%d" % number for number in range(6)]
deeds: st.SearchStrategy[tuple[str, bytes, int]] = st.tuples(
    st.sampled_from(["note", "touch", "forgive", "wait"]), st.sampled_from(KEYS), st.integers(1, 5)
)


@given(st.lists(deeds, max_size=80))
def test_records_are_what_a_dict_of_counts_is(steps: list[tuple[str, bytes, int]]) -> None:
    clock, lasts = Clock(), 100.0
    records = Records(memoryview(bytearray(WAYS * WORD)), b"s", clock, lambda _: lasts)
    model: dict[bytes, tuple[int, float]] = {}

    def look(key: bytes) -> tuple[int, float]:
        count, last = model.get(key, (0, 0.0))
        return (count, clock.time - last) if count and clock.time - last < lasts else (0, 0.0)

    deed: dict[str, Callable[[bytes, int], object]] = {
        "note": lambda key, _: model.update({key: (look(key)[0] + 1, clock.time)}),
        "touch": lambda key, _: model.update({key: (look(key)[0], clock.time)}),
        "forgive": lambda key, n: model.update({key: (max(look(key)[0] - n, 0), clock.time - look(key)[1])}),
    }
    for what, key, number in steps:
        if what == "wait":
            clock.time += number * 10
            continue
        deed[what](key, number)
        {"note": lambda k, _: records.note(k), "touch": lambda k, _: records.touch(k), "forgive": records.forgive}[
            what
        ](key, number)
        assert all((record := records.look(k)).count == look(k)[0] and record.age == look(k)[1] for k in KEYS)
    assert records.look(b"another") == NOTHING
