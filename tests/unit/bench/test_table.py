"""The yardstick's own figures: medians, which way a ratio points, and that a run with an error has no figure."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[3] / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModuleType, ModuleType, ModuleType]]:
    """The modules `table`, `scenarios` and `driver`, which are scripts and no package."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(BENCH)
    import driver
    import scenarios
    import table

    yield table, scenarios, driver
    for name in set(sys.modules) - before:
        monkeypatch.delitem(sys.modules, name)


def outcome(driver: ModuleType, units: int, error: str = "", others: float = 0.0) -> object:
    return driver.Outcome(
        units=units,
        octets=0,
        seconds=2.0,
        cpu=0.5,
        driver=0.1,
        others=others,
        held=0,
        memory=0,
        latencies={},
        error=error,
    )


def test_a_ratio_above_one_means_better_whichever_way_the_figure_counts(bench) -> None:
    table, scenarios, _ = bench
    rate = scenarios.Row("", "messages/s", scenarios.per_second)
    time = scenarios.Row("", "ms", scenarios.per_second, more_is_better=False)
    assert table.ratio(rate, 300.0, [100.0, 150.0]) == 2.0
    assert table.ratio(time, 5.0, [20.0, 10.0]) == 2.0
    assert table.ratio(time, 20.0, [10.0, None]) == 0.5
    assert table.ratio(rate, None, [100.0]) is None
    assert table.ratio(rate, 300.0, [None]) is None


def test_a_figure_is_the_median_and_void_with_any_error(bench) -> None:
    table, scenarios, driver = bench
    row = scenarios.Row("", "messages/s", scenarios.per_second)
    runs = [outcome(driver, units) for units in (200, 800, 400)]
    assert table.cell(row, runs) == "200"
    assert table.cell(row, [*runs, outcome(driver, 400, "STAT: -ERR")]) == "void"
    assert table.cell(row, []) == "-"


def test_rounds_that_others_disturbed_count_only_where_there_is_no_other(bench) -> None:
    table, scenarios, driver = bench
    row = scenarios.Row("", "messages/s", scenarios.per_second)
    disturbed = outcome(driver, 200, others=1.0)
    assert table.cell(row, [disturbed, outcome(driver, 800), disturbed]) == "400"
    assert table.cell(row, [disturbed, disturbed]) == "~100"


def test_the_table_takes_the_best_rival_and_says_why_a_figure_is_void(bench) -> None:
    table, scenarios, driver = bench
    row = scenarios.Row("polls", "sessions/s", scenarios.per_second, "5x")
    scenario = scenarios.Scenario("sessions", "session", "polled", (row,))
    columns = [table.Column(name, name, name in "BC") for name in "ABCD"]
    runs = {
        ("sessions", name): [outcome(driver, units)] for name, units in zip("ABCD", (800, 200, 400, 9), strict=True)
    }
    assert table.figures_table([scenario], columns, runs).splitlines()[-1] == (
        "| polls, sessions/s | 400 | 100 | 200 | 4.50 | 2.00x | 5x | no |"
    )
    assert table.complaints({("sessions", "A"): [outcome(driver, 0, "PASS: -ERR")]}) == ["sessions, A: PASS: -ERR"]


@pytest.mark.parametrize("octets", [400, 513, 1024, 4095, 4096, 4097])
def test_a_message_has_the_size_that_was_asked_for(bench, octets: int) -> None:
    import messages

    made = messages.message(7, octets)
    assert len(made) == octets
    assert made.endswith(b"\r\n")
    assert b"\n." not in made
    assert made.count(b"\n") == made.count(b"\r\n")


def test_what_a_unit_cost_and_how_busy_the_driver_was(bench) -> None:
    table, scenarios, driver = bench
    scenario = scenarios.Scenario("sessions", "session", "polled", (scenarios.Row("", "/s", scenarios.per_second),))
    columns = [table.Column("A", "A"), table.Column("B", "B", True), table.Column("C", "C")]
    took = driver.Latency(1, 1000.0, 1000.0, 1000.0, 2500.0)
    runs = {
        ("sessions", name): [dataclasses.replace(outcome(driver, units), latencies={"unit": took}, driver=1.5)]
        for name, units in (("A", 1000), ("B", 500))
    }
    assert table.cpu_table([scenario], columns, runs).splitlines()[-1] == "| sessions | 500 | 1,000 | - | 2.00x |"
    latency, memory, busy = (each.splitlines()[-1] for each in table.side_tables([scenario], columns, runs))
    assert latency == "| sessions | 1.00 / 2.50 | 1.00 / 2.50 | - |"
    assert memory == "| sessions | 0.00 | 0.00 | - |"
    assert busy == "| sessions | 75% | 75% | - |"


def test_a_rate_that_may_be_the_drivers_is_marked(bench) -> None:
    table, scenarios, driver = bench
    row = scenarios.Row("", "messages/s", scenarios.per_second)
    assert table.cell(row, [dataclasses.replace(outcome(driver, 800), driver=1.99)]) == "400^"
