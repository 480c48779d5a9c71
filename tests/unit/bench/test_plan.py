"""What the driver is told: whose accounts, how many clients, what must be there."""

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture
def words(load: Callable[[str, str], ModuleType]) -> Callable[..., str]:
    scenarios = load("", "scenarios")

    def told(key: str, turn: int = 0, peer: str = "") -> str:
        (scenario,) = [each for each in scenarios.scenarios(scenarios.FULL) if each.key == key]
        return " ".join(scenario.words(scenarios.groups(scenarios.FULL), 110, turn, peer))

    return told


def test_each_round_empties_drops_of_its_own(words: Callable[..., str]) -> None:
    assert "--first 0 --accounts 4 --count 4" in words("dele", 0)
    assert "--first 8 --accounts 4 --count 4" in words("dele", 2)


def test_a_peer_with_processes_for_each_client_gets_few(words: Callable[..., str]) -> None:
    assert "--clients 300 " in words("idle", peer="default")
    assert "--clients 300 " not in words("idle", peer="postane")


def test_what_must_be_there_is_told(words: Callable[..., str]) -> None:
    assert words("sessions-tls").endswith("--tls --messages 10")
    assert "--octets 4096 --window 16" in words("retr16")
    assert "--domain bench.example" in words("smtp16")


def test_every_goal_is_a_ratio_or_a_value_of_the_rows_unit(load: Callable[[str, str], ModuleType]) -> None:
    scenarios = load("", "scenarios")
    rows = [row for each in scenarios.scenarios(scenarios.FULL) for row in each.rows if row.goal]
    assert len({row.title for row in rows}) == len(rows)
    for row in rows:
        assert row.goal.endswith("x") or row.goal.split()[1] == row.unit


def test_the_quick_look_has_only_scenarios_that_there_are(load: Callable[[str, str], ModuleType]) -> None:
    scenarios = load("", "scenarios")
    assert set(scenarios.ESSENTIAL) <= {each.key for each in scenarios.scenarios(scenarios.QUICK)}
