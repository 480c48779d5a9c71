"""A process is killed at every step of a delivery: nothing said to be delivered is lost, nothing is there twice."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import pytest

from postane.maildrop.sides import Step
from postane.sinks.maildir import MaildirStep
from postane.sinks.mbox import MboxStep
from support import sink_child
from support.sink_houses import SINKS, octets

OCCURRENCES: dict[str, dict[StrEnum, tuple[int, ...]]] = {
    "maildir": {
        MaildirStep.FOLDERS_MADE: (1,),
        MaildirStep.WRITTEN: (1, 3, 5, 6),
        MaildirStep.DURABLE: (1, 2),
        MaildirStep.PLACED: (1, 4, 5, 7),
        MaildirStep.DONE: (1, 3),
    },
    "mbox": {
        MboxStep.LOCKED: (1, 2),
        MboxStep.NOTED: (1, 2),
        MboxStep.BEGUN: (1, 2, 5, 6, 9),
        MboxStep.APPENDED: (1, 4, 5, 6, 15),
        MboxStep.DURABLE: (1, 2, 3),
        MboxStep.DONE: (1, 3),
    },
    "maildrop": {
        Step.BODY_SPOOLED: (1, 3),
        Step.BLOB_DURABLE: (1, 3),
        Step.ROW_WRITTEN: (1, 3),
        Step.ROW_DURABLE: (1, 3),
    },
}
CASES = [(kind, step, n) for kind, steps in OCCURRENCES.items() for step, times in steps.items() for n in times]


def start(kind: str, root: Path, step: str = "none", occurrence: int = 1) -> "subprocess.Popen[bytes]":
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-m", "support.sink_child", kind, str(root), step, str(occurrence)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(tests)})


def test_every_step_is_tried() -> None:
    assert set(OCCURRENCES) == set(sink_child.KINDS)
    for kind, steps in sink_child.STEPS.items():  # a store's own steps have a table of their own
        assert set(OCCURRENCES[kind]) == set(steps)


@pytest.mark.parametrize(("kind", "step", "occurrence"), CASES)
async def test_killed_at_a_step(tmp_path: Path, kind: str, step: StrEnum, occurrence: int) -> None:
    with start(kind, tmp_path, step, occurrence) as child:
        told, _ = child.communicate()
        assert child.returncode == -signal.SIGKILL, "the step was not reached"
    await check(kind, tmp_path, told)


@pytest.mark.parametrize("kind", list(OCCURRENCES))
async def test_killed_again_and_again_at_random(tmp_path: Path, kind: str) -> None:
    rng = random.Random(5)
    told = b""
    for _ in range(8):
        with start(kind, tmp_path) as child:
            assert child.stdout is not None
            child.stdout.readline()
            await asyncio.sleep(rng.random() * 0.04)
            child.kill()
            told += child.communicate()[0]
    await check(kind, tmp_path, told)


@pytest.mark.parametrize("kind", ["maildir", "mbox"])
async def test_a_disk_without_room_for_some(tmp_path: Path, kind: str) -> None:
    with start(kind, tmp_path, "full", 100_000) as child:
        told, _ = child.communicate()
        assert child.returncode == 0
    words = [line.split()[0] for line in told.decode().splitlines() if line != "open"]
    assert words == ["defer" if len(octets(each)) > 100_000 else "ack" for each in sink_child.letters()]
    await check(kind, tmp_path, told)


async def check(kind: str, root: Path, told: bytes) -> None:
    """What was told is there; what is missing is delivered by the next run; then each is there once, and whole."""
    parcels = sink_child.letters()
    acknowledged = {line[4:] for line in told.decode().splitlines() if line.startswith("ack ")}
    sink = sink_child.KINDS[kind](root, lambda _: None)
    await sink.open()
    assert acknowledged <= await sink.find([each.key for each in parcels])
    await sink.close()
    with start(kind, root) as child:
        child.communicate()
        assert child.returncode == 0
    async with SINKS[kind](root) as house:
        assert sorted(await house.contents()) == sorted(map(octets, parcels))
    left = [*root.glob("Maildir/tmp/*"), *root.glob("Mail/inbox?*")]
    assert not left, "files that nobody needs any more"
