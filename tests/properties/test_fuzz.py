"""The fuzz targets hold for a bounded number of inputs, and find what is planted."""

import contextlib

import pytest

import run
import sasl_target
import targets
import tls_target
from postane.pop3.server import Pop3Server
from postane.pop3.states import State
from postane.sasl.base import Means, Verdict
from postane.sasl.plain import PlainServer
from postane.sasl.registry import Mechanism
from postane.wire.errors import RemoteProtocolError

INPUTS = 300
NAMES = list(targets.targets())


@pytest.mark.parametrize("name", NAMES)
def test_a_target_holds(name: str) -> None:
    count, finding = run.explore(name, 1, lambda count: count >= INPUTS)
    assert finding is None, f"{finding.story}\n{finding.data!r}"
    assert count == INPUTS


def test_every_input_is_made_again_from_its_seed() -> None:
    def inputs(seed: int) -> list[bytes]:
        dice = run.random.Random(seed)
        return [run.mutate(dice, [b"\0\0\0\0USER a\r\n", b"\1\0\0\0QUIT\r\n"], [b"\0"]) for _ in range(50)]

    assert inputs(1) == inputs(1) != inputs(2)


class Crashing(Pop3Server):
    """Falls over an octet that is rare."""

    def next_event(self):
        if b"\0" in self.trailing_data:
            raise IndexError("planted")
        return super().next_event()


class Splitting(Pop3Server):
    """Takes a line's end for complete."""

    def feed(self, octets):
        super().feed(octets.removesuffix(b"\n") if octets == b"\n" else octets)


class Hoarding(Pop3Server):
    """Remembers everything."""

    def __init__(self):
        super().__init__()
        self.log = []

    def feed(self, octets):
        self.log.append(octets)
        super().feed(octets)


@pytest.mark.parametrize(
    ("planted", "story"),
    [(Crashing, "planted"), (Splitting, "another split"), (Hoarding, "Hoarding holds")],
    ids=["crash", "split", "memory"],
)
def test_a_planted_bug_is_found(monkeypatch, planted: type, story: str) -> None:
    monkeypatch.setattr(targets, "Pop3Server", planted)
    _, finding = run.explore("pop3_server", 1, lambda count: count >= 1000)
    assert finding is not None
    assert story in finding.story


class Stumbling(PlainServer):
    """Falls over two separators in a row."""

    def step(self, response):
        if b"\0\0" in response:
            raise IndexError("planted")
        return super().step(response)


class Gullible(PlainServer):
    """Takes anything for a proof."""

    def step(self, response):
        return Verdict(0, b"v=")


@pytest.mark.parametrize(
    ("name", "planted", "story"),
    [("PLAIN", Stumbling, "planted"), ("SCRAM-SHA-1", Gullible, "pair=0")],
    ids=["crash", "proof"],
)
def test_a_planted_bug_of_a_mechanism_is_found(monkeypatch, name: str, planted: type, story: str) -> None:
    wrong = {name: Mechanism(lambda _: planted(), Means.PASSWORD)}
    monkeypatch.setattr(sasl_target, "SERVER_MECHANISMS", {**sasl_target.SERVER_MECHANISMS, **wrong})
    _, finding = run.explore(f"sasl_{name.lower().replace('-', '_')}", 1, lambda count: count >= 1000)
    assert finding is not None
    assert story in finding.story


class Deaf(Pop3Server):
    """Forgets octets that came before the handshake, instead of ending the session."""

    def _complete(self, outcome):
        with contextlib.suppress(RemoteProtocolError):
            super()._complete(outcome)
            return
        self._enter(State.HANDSHAKE)


def test_a_planted_bug_of_tls_is_found(monkeypatch) -> None:
    monkeypatch.setattr(tls_target, "Pop3Server", Deaf)
    _, finding = run.explore("tls_pop3", 1, lambda count: count >= 1000)
    assert finding is not None
    assert "AssertionError" in finding.story


def test_a_finding_is_kept_and_told_and_can_be_tried_again(monkeypatch, tmp_path, capsys) -> None:
    folder = tmp_path / "findings"
    monkeypatch.setattr(run, "FINDINGS", folder)
    with monkeypatch.context() as patch:
        patch.setattr(targets, "Pop3Server", Crashing)
        assert run.main(["pop3_server", "--plain"]) == 1
        assert "IndexError: planted" in capsys.readouterr().out
        (path,) = folder.iterdir()
        assert run.main(["pop3_server", "--input", str(path)]) == 1
    assert run.main(["pop3_server", "--input", str(path)]) == 0, "mended"


def test_what_was_tried_is_told(capsys) -> None:
    assert run.main(["address", "--plain", "--seconds", "0.01"]) == 0
    assert "address: " in (said := capsys.readouterr().out)
    assert "executions" in said
    assert "nothing was found" in said


def test_an_unknown_target_is_refused(capsys) -> None:
    with pytest.raises(SystemExit):
        run.main(["imap_server"])
    assert "no such target: imap_server" in capsys.readouterr().err
