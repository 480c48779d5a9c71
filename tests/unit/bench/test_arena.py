"""One peer that fails stops nothing: the others are measured, and what failed is told."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest


class FakePeer:
    """A peer without a server: `trouble` names the step that fails."""

    def __init__(self, name: str, trouble: str = "") -> None:
        self.name, self._trouble = name, trouble
        self.stopped = 0

    def set_up(self, groups: object) -> None:
        if self._trouble == "set-up":
            raise RuntimeError("no room")

    def start(self, cpu: int | None) -> object:
        if self._trouble == "start":
            raise OSError("no port")
        code = 9 if self._trouble == "run" else None
        return SimpleNamespace(process=SimpleNamespace(pid=1, poll=lambda: code), pop3=110, pop3s=None)

    def stop(self, server: object) -> None:
        self.stopped += 1


@pytest.fixture
def arena(load: Callable[[str, str], ModuleType]) -> ModuleType:
    return load("", "arena")


def measured(arena: ModuleType, monkeypatch: pytest.MonkeyPatch, *peers: FakePeer, key: str = "sessions") -> object:
    """A run of one scenario with these peers, each outcome being 100 units."""
    told = {"units": 100, "octets": 0, "seconds": 1.0, "error": ""}
    used = arena.driver.Used(0.1, 0.1, 0.2)
    outcome = arena.driver.read_outcome(told, used, 0, 0)
    monkeypatch.setattr(arena.driver, "drive", lambda *_: outcome)
    entrants = [arena.Entrant(peer.name, peer, is_rival=True) for peer in peers]
    ring = arena.Arena(arena.Load(seconds=1, rounds=2, idle=1, logins=1, large_letters=1), entrants)
    scenarios = __import__("scenarios")
    (scenario,) = [each for each in scenarios.scenarios(scenarios.QUICK) if each.key == key]
    ring.set_up([scenario])
    ring.measure(scenario)
    ring.stop()
    return ring


def test_a_peer_that_fails_leaves_the_others_alone(arena: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    well = FakePeer("well")
    ring = measured(arena, monkeypatch, FakePeer("a", "set-up"), FakePeer("b", "start"), FakePeer("c", "run"), well)
    assert ring.troubles() == ["a is out: no room", "b is out: no port"]
    assert [run.error for run in ring.runs["sessions", "c"]] == ["the server ended with 9: "]
    assert [run.rate for run in ring.runs["sessions", "well"]] == [100.0, 100.0]
    assert well.stopped == 1
    assert set(ring.spent) == {"set-up", "sessions"}


def test_a_run_that_cannot_be_looked_at_is_void(arena: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise OSError("no such process")

    ring = measured(arena, monkeypatch, FakePeer("well"))
    ring.runs.clear()
    monkeypatch.setattr(arena.driver, "drive", gone)
    scenarios = __import__("scenarios")
    ring.measure(scenarios.scenarios(scenarios.QUICK)[0])
    assert [run.error for run in ring.runs["sessions", "well"]] == ["it could not be looked at: no such process"]


def test_a_peer_without_the_service_has_no_figure(arena: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = measured(arena, monkeypatch, FakePeer("well"), key="sessions-tls")
    assert ring.runs["sessions-tls", "well"] == []


def test_a_run_that_takes_long_goes_on_with_one_round(arena: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arena, "HURRIED_FROM", 0.0)
    ring = measured(arena, monkeypatch, FakePeer("well"))
    assert len(ring.runs["sessions", "well"]) == 1
    assert ring.hurried == ["sessions"]


@pytest.mark.parametrize("line", ["Killed", "12", '{"units": '])
def test_a_driver_that_says_no_json_makes_the_run_void(load: Callable[[str, str], ModuleType], line: str) -> None:
    driver = load("", "driver")
    assert driver.read_line(line) == {"error": f"the driver said: {line.strip()}"}


def test_boxes_are_copied_to_all_names(load: Callable[[str, str], ModuleType], tmp_path: Path) -> None:
    copy = load("", "dovecot_peer").copy_doubling
    (tmp_path / "n0").mkdir()
    (tmp_path / "n0" / "mail").write_text("a letter")
    names = [f"n{number}" for number in range(11)]
    copy(tmp_path, names)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert {(tmp_path / name / "mail").read_text() for name in names} == {"a letter"}
