"""A process is killed at every boundary of a deposit and of a commit: nothing acknowledged is lost, nothing is half."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from postane.maildrop.sides import Step
from support.store_parent import Promises, check_promises, command, run_child

OCCURRENCES = {
    Step.FOLDER_MADE: (1, 2),
    Step.INDEX_MADE: (1, 2),
    Step.BODY_SPOOLED: (1, 3),
    Step.BLOB_PLACED: (1, 2, 7),
    Step.BLOB_DURABLE: (1, 2, 8),
    Step.ROW_WRITTEN: (1, 2, 3, 4, 15, 16),
    Step.ROW_DURABLE: (1, 2, 3, 4, 15, 16),
    Step.ROWS_DELETED: (1,),
    Step.ROWS_GONE: (1,),
    Step.BLOB_GONE: (1, 2),
}
"""Eight messages go to two drops, every other one is large; then the first five of a drop are deleted."""

NEW = (Step.FOLDER_MADE, Step.INDEX_MADE)
"""Steps of a new drop: with one drop there is one of each."""


def test_every_step_is_tried() -> None:
    assert set(OCCURRENCES) == set(Step)


@pytest.mark.parametrize(
    ("step", "occurrence"), [(step, time) for step, times in OCCURRENCES.items() for time in times]
)
async def test_killed_at_a_step(tmp_path: Path, step: Step, occurrence: int) -> None:
    promises, status = run_child("until", tmp_path / "post", step, occurrence)
    assert status == -signal.SIGKILL, "the step was not reached"
    await check_promises(tmp_path / "post", promises)


@pytest.mark.parametrize(
    ("step", "occurrence"),
    [
        (step, time)
        for step, times in OCCURRENCES.items()
        for time in times
        if time == 1 or (time <= 3 and step not in NEW)
    ],
)
async def test_killed_at_a_step_of_a_message_for_one(tmp_path: Path, step: Step, occurrence: int) -> None:
    promises, status = run_child("until", tmp_path / "post", step, occurrence, "anna")
    assert status == -signal.SIGKILL, "the step was not reached"
    await check_promises(tmp_path / "post", promises)


async def test_not_killed(tmp_path: Path) -> None:
    promises, status = run_child("until", tmp_path / "post", "none", 1)
    assert (status, promises.survived, promises.is_committed) == (0, True, True)
    assert [len(uidls) for uidls in promises.acknowledged.values()] == [8, 8]
    await check_promises(tmp_path / "post", promises)


async def test_killed_again_and_again_under_load(tmp_path: Path) -> None:
    everything = Promises()
    for round_ in range(6):
        output = killed_after(20 + 37 * round_, "hard", tmp_path / "post", round_ * 100_000 + 1)
        for drop, uidls in Promises.parse(output[: output.rfind(b"\n")]).acknowledged.items():
            everything.acknowledged[drop] += uidls
    await check_promises(tmp_path / "post", everything)


def killed_after(lines: int, *arguments: object) -> bytes:
    """What a child said that was killed after some lines."""
    with subprocess.Popen(command(*arguments), stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        output = b"".join(child.stdout.readline() for _ in range(lines))
        os.kill(child.pid, signal.SIGKILL)
        return output + child.stdout.read()
