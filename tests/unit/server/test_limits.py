"""Counters that workers share."""

from postane.server.limits import ROW_OCTETS, SLOTS_KEPT, Tally, clear_row, private_tally


def test_a_limit_holds_over_all_workers() -> None:
    memory = memoryview(bytearray(3 * ROW_OCTETS))
    first, second = Tally(memory, 0, b"s"), Tally(memory, 2, b"s")
    assert first.enter("a", 2)
    assert second.enter("a", 2)
    assert not first.enter("a", 2)
    assert not second.enter("a", 2)
    assert first.enter("b", 2)
    first.leave("a")
    assert second.enter("a", 2)


def test_a_dead_workers_counts_are_gone() -> None:
    memory = memoryview(bytearray(2 * ROW_OCTETS))
    first, second = Tally(memory, 0, b"s"), Tally(memory, 1, b"s")
    assert first.enter("a", 1)
    assert not second.enter("a", 1)
    clear_row(memory, 0)
    assert second.enter("a", 1)


def test_a_refused_entry_is_not_counted() -> None:
    tally = private_tally()
    assert tally.enter("a", 1)
    assert not any(tally.enter("a", 1) for _ in range(5))
    tally.leave("a")
    assert tally.enter("a", 1)


def test_names_that_are_not_utf8_can_be_counted() -> None:
    assert private_tally().enter("\udcff", 1)


def test_a_worker_that_came_after_another_went_is_seen() -> None:
    memory = memoryview(bytearray(3 * ROW_OCTETS))
    first = Tally(memory, 1, b"s")
    Tally(memory, 0, b"s")
    clear_row(memory, 0)
    second = Tally(memory, 2, b"s")
    assert second.enter("a", 1)
    assert not first.enter("a", 1)
    clear_row(memory, 2)
    assert Tally(memory, 0, b"s").enter("a", 1)
    assert not first.enter("a", 1)


def test_a_flood_of_keys_stays_within_its_memory() -> None:
    tally = private_tally()
    assert tally.enter("a", 1)
    for number in range(2 * SLOTS_KEPT):
        tally.enter(f"key {number}", 1 << 16)
    assert len(tally._slots) <= SLOTS_KEPT
    assert not tally.enter("a", 1), "what is counted stays"
    tally.leave("a")
    for number in range(2 * SLOTS_KEPT):
        tally.leave(f"key {number}")
    assert tally.enter("a", 1)
