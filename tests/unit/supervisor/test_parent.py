"""When the parent reloads: what has changed, what is due, and whether there is room. No process is started."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from postane.config.file import ConfigError, load_config
from postane.supervisor import parent as under_test
from postane.supervisor.parent import Parent
from postane.supervisor.plan import Plan, make_plan


class Office:
    """A parent whose workers are counted instead of started."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "postane.toml"
        (folder / "store").mkdir()
        self.file.write_text(f'[storage]\npath = "{folder}/store"\n[pop3]\nlisten = []\n[pop3s]\nlisten = []\n')
        self.file.write_text(self.file.read_text() + "[smtp]\nlisten = []\n[lmtp]\nlisten = []\n")
        monkeypatch.setattr(under_test, "descriptors_allowed", lambda: self.descriptors)
        self.descriptors = 524288
        self.has_room = True
        self.started: list[int] = []
        monkeypatch.setattr(under_test, "LOOK_PAUSE", 0.0)
        self.parent = Parent(self._read(), self._read, lambda _: None)
        monkeypatch.setattr(self.parent._children, "has_room", lambda _: self.has_room)
        monkeypatch.setattr(
            self.parent._children, "start", lambda plan, bound, index, which: self.started.append(which)
        )
        self.parent._next_look = 0.0

    def _read(self) -> Plan:
        return make_plan(load_config(self.file), self.file)

    def turn(self) -> None:
        self.parent._look()
        self.parent._reload_due()


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    office = Office(tmp_path, monkeypatch)
    yield office
    office.parent._let_go()


def test_nothing_happens(office: Office) -> None:
    for _ in range(3):
        office.turn()
    assert office.started == []


def test_a_file_that_has_changed_and_rests(office: Office) -> None:
    office.file.write_text(office.file.read_text() + "# changed\n")
    office.turn()
    assert office.started == []
    office.turn()
    assert set(office.started) == {1}
    count = len(office.started)
    office.turn()
    office.turn()
    assert len(office.started) == count


def test_it_is_told_what_has_changed_and_what_clients_see_now(office: Office) -> None:
    office.file.write_text(office.file.read_text() + "# changed\n")
    with structlog.testing.capture_logs() as lines:
        office.turn()
        office.turn()
    (line,) = [line for line in lines if line["event"] == "reloaded"]
    assert line["changed"] == [str(office.file)]
    (certificate,) = line["certificates"]
    assert "localhost" in certificate
    assert ", until 20" in certificate


def test_one_that_is_wrong_is_told_once(office: Office) -> None:
    with structlog.testing.capture_logs() as lines:
        office.file.write_text("[pop4]\n")
        for _ in range(5):
            office.turn()
    assert [line["event"] for line in lines] == ["reload refused, going on as before"]
    assert office.started == []


def test_what_is_due_without_a_change(office: Office) -> None:
    office.parent._renewal = 0.0
    office.turn()
    assert set(office.started) == {1}
    assert office.parent._renewal > 0.0


def test_a_renewal_that_is_refused_is_not_tried_at_once_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Plan:
        raise ConfigError("no")

    monkeypatch.setattr(office.parent, "_reread", refuse)
    office.parent._renewal = 0.0
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            office.turn()
    assert len(lines) == 1


def test_it_waits_for_room_and_says_so_once(office: Office) -> None:
    office.has_room = False
    office.parent._is_reload_due = True
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            office.turn()
        assert office.started == []
        office.has_room = True
        office.turn()
    assert set(office.started) == {1}
    assert [line["event"] for line in lines] == [
        "reload waits until workers of older generations have ended their sessions",
        "reloaded",
    ]


def test_few_descriptors_are_told_of_with_what_to_do(office: Office) -> None:
    office.descriptors = 1024
    with structlog.testing.capture_logs() as lines:
        office.parent._start_generation()
    (line,) = lines
    assert line["log_level"] == "warning"
    assert "LimitNOFILE=" in line["event"]
