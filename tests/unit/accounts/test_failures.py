"""Records of failures in memory that several workers share."""

import itertools

import pytest

from postane.accounts.failures import COUNT_LIMIT, NOTHING, TICK, WAYS, WORD, Record, Records, Slate

LASTS = 600.0


class Clock:
    time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_records(clock: Clock, groups: int = 16, memory: bytearray | None = None, secret: bytes = b"s") -> Records:
    octets = memoryview(memory if memory is not None else bytearray(groups * WAYS * WORD))
    return Records(octets, secret, clock, lambda _: LASTS)


def test_what_was_noted_is_seen_with_its_age(clock: Clock) -> None:
    records = make_records(clock)
    assert records.look(b"a") == NOTHING
    assert [records.note(b"a") for _ in range(3)] == [1, 2, 3]
    clock.time += 5.5
    assert records.look(b"a") == Record(3, 5.5)
    assert records.look(b"b") == NOTHING


def test_another_worker_sees_the_same_and_one_with_another_secret_sees_nothing(clock: Clock) -> None:
    memory = bytearray(16 * WAYS * WORD)
    make_records(clock, memory=memory).note(b"a")
    assert make_records(clock, memory=memory).note(b"a") == 2
    assert make_records(clock, memory=memory, secret=b"t").look(b"a") == NOTHING


def test_what_is_over_is_nothing_and_begins_anew(clock: Clock) -> None:
    records = make_records(clock)
    records.note(b"a")
    records.note(b"a")
    clock.time += LASTS - TICK
    assert records.look(b"a").count == 2
    clock.time += TICK
    assert (records.look(b"a"), len(records)) == (NOTHING, 0)
    records.touch(b"a")
    assert records.look(b"a") == NOTHING, "what is over is not touched to life"
    assert records.note(b"a") == 1


def test_how_long_it_lasts_may_hang_on_the_count(clock: Clock) -> None:
    memory = memoryview(bytearray(WAYS * WORD))
    records = Records(memory, b"s", clock, lambda count: 1000.0 if count > 1 else 10.0)
    records.note(b"once")
    records.note(b"twice")
    records.note(b"twice")
    clock.time += 10
    assert (records.look(b"once").count, records.look(b"twice").count) == (0, 2)


def test_a_count_stays_at_its_limit(clock: Clock) -> None:
    records = make_records(clock)
    assert [records.note(b"a") for _ in range(COUNT_LIMIT + 5)][-6:] == [COUNT_LIMIT] * 6


def test_touching_renews_and_does_not_count(clock: Clock) -> None:
    records = make_records(clock)
    records.note(b"a")
    clock.time += LASTS - 1
    records.touch(b"a")
    records.touch(b"b")
    clock.time += LASTS - 1
    assert (records.look(b"a").count, records.look(b"b")) == (1, NOTHING)


def test_forgiving_takes_back_and_never_below_nothing(clock: Clock) -> None:
    records = make_records(clock)
    for _ in range(5):
        records.note(b"a")
    clock.time += 2
    records.forgive(b"a", 2)
    assert records.look(b"a") == Record(3, 2.0), "the time of the last note stays"
    records.forgive(b"a", 9)
    records.forgive(b"b", 1)
    assert (records.look(b"a"), len(records)) == (NOTHING, 0)


def test_a_flood_of_keys_stays_within_its_memory_and_pushes_out_nobody_who_failed_twice(clock: Clock) -> None:
    records = make_records(clock, groups=4)
    victims = [f"victim {n}".encode() for n in range(3)]
    for victim in victims * 2:
        records.note(victim)
    for number in range(5000):
        clock.time += TICK / 8
        records.note(f"flood {number}".encode())
    assert len(records) == 4 * WAYS
    assert [records.look(victim).count for victim in victims] == [2, 2, 2]


def test_in_a_full_group_the_oldest_of_the_smallest_goes_and_what_is_over_before_it(clock: Clock) -> None:
    records = make_records(clock, groups=1)
    keys = [f"key {n}".encode() for n in range(WAYS)]
    for key in keys:
        records.note(key)
        clock.time += 1
    records.note(keys[0])
    records.note(b"new")
    assert [records.look(key).count for key in keys] == [2, 0, 1, 1, 1, 1, 1, 1]
    clock.time += LASTS - 1
    records.note(b"newer")
    assert records.look(keys[0]).count == 2
    assert records.look(b"newer").count == 1


def test_a_strangers_record_is_not_taken_for_ones_own(clock: Clock) -> None:
    records = make_records(clock, groups=64)
    for number in range(64 * WAYS):
        records.note(f"stranger {number}".encode())
    assert all(records.look(f"me {number}".encode()) == NOTHING for number in range(20_000))


def test_time_may_begin_again_and_another_worker_be_a_step_ahead(clock: Clock) -> None:
    memory = bytearray(WAYS * WORD)
    clock.time = TICK * (1 << 28) - 1
    early, late = make_records(clock, memory=memory), Clock()
    late.time = clock.time + 2
    assert make_records(late, memory=memory).note(b"a") == 1
    assert early.look(b"a") == Record(1, 0.0), "it was written after we looked at the clock"
    assert early.note(b"a") == 2
    clock.time += 10
    assert early.look(b"a") == Record(2, 10.0)


def test_any_octets_are_records(clock: Clock) -> None:
    """Whatever is in the memory, nothing breaks."""
    for fill in (b"\xff", b"\x01", b"\x80"):
        records = make_records(clock, memory=bytearray(fill * (4 * WAYS * WORD)))
        for key in itertools.islice(itertools.count(), 100):
            records.note(b"%d" % key)
            assert records.look(b"%d" % key).count >= 1


def test_parts_of_a_slate_are_apart_and_its_secret_is_not_shown() -> None:
    slate = Slate(memoryview(bytearray(100)), b"very secret")
    for number in range(4):
        slate.part(number, 4)[:] = bytes([number]) * 25
    assert bytes(slate.memory) == b"\0" * 25 + b"\1" * 25 + b"\2" * 25 + b"\3" * 25
    assert "secret" not in repr(slate)
