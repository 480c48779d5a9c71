"""bench/scale: what two workers do beside one and beside two servers, and what of it is a finding."""

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

Load = Callable[[str, str], ModuleType]


def _found(share: ModuleType, *each: tuple[Sequence[float], Sequence[float]]) -> Mapping[str, Sequence[object]]:
    turns = [[share.Turn(rate, cpu) for rate, cpu in zip(rates, costs, strict=True)] for rates, costs in each]
    return dict(zip(share.SETTINGS, turns, strict=True))


def test_each_turn_is_compared_with_the_one_worker_of_its_own_time(load: Load) -> None:
    share = load("scale", "share")
    found = _found(share, ((100, 50, 200), (1, 2, 1)), ((190, 100, 380), (1, 2, 1)), ((200, 100, 400), (1, 2, 1)))
    assert share.gain(found, "two workers") == 1.9
    assert share.dearer(found, "two workers", "two servers") == 1.0


def test_what_two_servers_do_not_suffer_is_a_finding(load: Load) -> None:
    share = load("scale", "share")
    found = _found(share, ((100,), (1,)), ((140,), (1.5,)), ((200,), (1,)))
    said = share.findings({"sessions": found})
    assert [line.partition(":")[0] for line in said] == ["sessions", "sessions"]
    assert "1.40" in said[0]
    assert "1.50" in said[1]


def test_where_both_write_to_the_same_drops_it_is_none(load: Load) -> None:
    share = load("scale", "share")
    found = _found(share, ((100,), (1,)), ((140,), (1.5,)), ((200,), (1,)))
    assert share.findings({"lmtp16": found}) == []


def test_what_the_machine_cannot_do_is_none(load: Load) -> None:
    share = load("scale", "share")
    found = _found(share, ((100,), (1,)), ((140,), (1.5,)), ((150,), (1.5,)))
    assert share.findings({"sessions": found}) == []


def test_the_table_has_a_row_for_each_load(load: Load) -> None:
    share = load("scale", "share")
    found = _found(share, ((1000,), (0.0003,)), ((1950,), (0.0003,)), ((2000,), (0.0003,)))
    (row,) = share.table_of({"sessions": found}).rows
    assert row == ["sessions", "1,000", "1,950", "1.95x", "2,000", "2.00x", "300", "300", "300", "1.00x"]
