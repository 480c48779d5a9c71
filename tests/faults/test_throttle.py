"""Workers hammer what they remember of failed logins together, and some are killed in the middle of it."""

import mmap
import os
import signal
from dataclasses import dataclass

from postane.accounts.failures import COUNT_BITS, COUNT_LIMIT, TIME_BITS, WAYS, WORD, Records, Slate
from postane.accounts.throttle import THROTTLE_OCTETS, Patience, Throttle

GROUPS = 64
WORKERS = 4
KILLED = 2
ROUNDS = 100
FLOOD = 50
"""Keys that a worker notes once each in a round."""
NOW = 1000.0
SECRET = b"secret"


@dataclass(frozen=True, slots=True)
class Worker:
    pid: int
    pipe: int


def make_records(memory: memoryview) -> Records:
    return Records(memory, SECRET, lambda: NOW, lambda _: 600.0)


def flood_key(worker: int, round_: int, number: int) -> bytes:
    return b"%d %d %d" % (worker, round_, number)


def hammer(memory: memoryview, worker: int, pipe: int) -> None:
    """Note its own key once a round, and the common one, and many that come but once; a dot tells of a round."""
    records = make_records(memory)
    for round_ in range(ROUNDS):
        for number in range(FLOOD):
            records.note(flood_key(worker, round_, number))
            records.note(b"common")
        records.note(b"own %d" % worker)
        os.write(pipe, b".")


def start(memory: memoryview, worker: int) -> Worker:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Worker(pid, reading)
    code = 1
    try:
        hammer(memory, worker, writing)
        while worker < KILLED:
            signal.pause()  # on a busy machine it may be through before it is killed
        code = 0
    finally:
        os._exit(code)


def rounds_of(pipe: int) -> int:
    """How many rounds a worker tells of, to its end."""
    rounds = 0
    while octets := os.read(pipe, 4096):
        rounds += len(octets)
    os.close(pipe)
    return rounds


def test_killed_workers_leave_whole_records_behind_and_take_nobodys_away() -> None:
    memory = memoryview(mmap.mmap(-1, GROUPS * WAYS * WORD))
    records = make_records(memory)
    for key in [b"common", *(b"own %d" % worker for worker in range(WORKERS))] * 2:
        records.note(key)
    workers = [start(memory, worker) for worker in range(WORKERS)]
    for worker in workers[:KILLED]:
        assert os.read(worker.pipe, 1) == b"."
        os.kill(worker.pid, signal.SIGKILL)
    rounds = [rounds_of(worker.pipe) + (1 if number < KILLED else 0) for number, worker in enumerate(workers)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(worker.pid, 0)[1]) for worker in workers]
    assert codes == [-signal.SIGKILL] * KILLED + [0] * (WORKERS - KILLED)
    for number in range(WORKERS):
        count = records.look(b"own %d" % number).count
        told = 2 + rounds[number]
        assert count in ((told, told + 1) if number < KILLED else (told,)), "its own count is exact"
    before = records.look(b"common").count
    assert before >= 2
    assert records.note(b"common") == min(before + 1, COUNT_LIMIT), "it is counted on"
    check_whole(memory, records)


def check_whole(memory: memoryview, records: Records) -> None:
    """Every word is one that somebody wrote."""
    keys = {b"common", *(b"own %d" % worker for worker in range(WORKERS))}
    keys |= {flood_key(*key) for key in _all_flood_keys()}
    tags = {records._slot(key) for key in keys}
    words = memory.cast("Q")
    assert all(words), "the flood has filled it"
    for place, word in enumerate(words):
        assert (place - place % WAYS, word >> COUNT_BITS + TIME_BITS) in tags
        assert word & (1 << TIME_BITS) - 1 == int(NOW * 4)
        assert word >> TIME_BITS & COUNT_LIMIT


def _all_flood_keys() -> list[tuple[int, int, int]]:
    return [
        (worker, round_, number) for worker in range(WORKERS) for round_ in range(ROUNDS) for number in range(FLOOD)
    ]


def test_a_refusal_holds_although_the_worker_that_noted_it_was_killed() -> None:
    slate = Slate(memoryview(mmap.mmap(-1, THROTTLE_OCTETS)), SECRET)

    def make_throttle() -> Throttle:
        return Throttle(slate, Patience(), lambda: NOW)

    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        throttle = make_throttle()
        for number in range(1 << 20):
            throttle.failed("192.0.2.1", f"user{number % 7}", b"%d" % number)
            if number == 12:
                os.write(writing, b".")
        os._exit(1)
    os.close(writing)
    assert os.read(reading, 1) == b"."
    os.kill(pid, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    os.close(reading)
    assert make_throttle().check("192.0.2.1", "ada") == Patience().lockout
    assert make_throttle().check("192.0.2.2", "ada") == 0.0
