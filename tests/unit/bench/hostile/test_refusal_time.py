"""The program that times refusals: what it makes of the times, and that another answer is not taken for a refusal."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

PROGRAM = Path(__file__).parents[4] / "bench" / "hostile" / "refusal_time.py"


@pytest.fixture
def program() -> Iterator[ModuleType]:
    """It is a script, and of no package."""
    spec = importlib.util.spec_from_file_location("refusal_time", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["refusal_time"] = module  # its dataclasses look for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules["refusal_time"]


def test_a_difference_beyond_noise_is_told_and_one_within_is_not(
    program: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    even = [0.020 + 0.0001 * (number % 10) for number in range(60)]
    times = {"unknown": even, "known": even[::-1], "slow": [each + 0.005 for each in even]}
    rows = {row.kind: row for row in program.figures_of("APOP", times)}
    assert (rows["known"].difference, rows["slow"].difference) == (0.0, 5.0)
    assert rows["unknown"].median == 20.45
    assert rows["slow"].low < rows["slow"].median < rows["slow"].high
    program.print_table(list(rows.values()))
    told = [line.split()[0] for line in capsys.readouterr().out.splitlines() if "more than noise" in line]
    assert told == ["slow"]


def test_an_answer_that_is_no_refusal_is_not_timed(program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    line = object.__new__(program.Line)
    for reply, is_timed in [(b"-ERR [AUTH] no", True), (b"+ eA==", True), (b"-ERR no such thing", False), (b"", False)]:
        monkeypatch.setattr(program.Line, "ask", lambda _line, _command, reply=reply: reply)
        if is_timed:
            assert line.timed(b"x") >= 0
        else:
            with pytest.raises(program.NotOffered):
                line.timed(b"x")


@pytest.mark.parametrize("tries", ["0", "3", "5001", "many"])
def test_the_tries_are_bounded(program: ModuleType, monkeypatch: pytest.MonkeyPatch, tries: str) -> None:
    monkeypatch.setattr(sys, "argv", ["refusal_time.py", "--tries", tries])
    with pytest.raises(SystemExit):
        program.main()
