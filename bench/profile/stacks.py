"""Sampled stacks: as py-spy's `raw` format and `perf script` tell them, and which functions are the hottest in them.

A stack is its frames from the outermost to the innermost.
"""

import collections
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Stacks = Mapping[tuple[str, ...], int]

_WAITING = (
    "_worker (concurrent/futures/thread.py)",
    "Crew._work (postane/maildrop/crew.py)",
    "Condition.wait (threading.py)",
    "Thread.join (threading.py)",
)
_WAITING_BELOW = ("epoll_wait", "epoll_pwait", "futex", "__futex", "pthread_cond_", "sem_wait", "clock_nanosleep")
"""How a frame begins in which a thread waits for work: the innermost one of Python, and what is below it."""

_AROUND = (
    "Runner.run (asyncio/runners.py)",
    "_worker (concurrent/futures/thread.py)",
    "Crew._work (postane/maildrop/crew.py)",
)
"""The frame in which the work of a thread begins: what is further out is the same in every stack."""

_LINE = re.compile(r":\d+\)$")
_PERF_FRAME = re.compile(r"\s+[0-9a-f]+ (.+?)(?:\+0x[0-9a-f]+)? \((.+)\)$")


@dataclass(frozen=True, slots=True)
class Hot:
    """A function and its part of all samples: in itself, and in itself with all that it called."""

    name: str
    own: float
    cumulative: float


def parse_raw(text: str) -> Stacks:
    """What `py-spy record --format raw` wrote: `frame;frame;frame COUNT` lines. Lines of one function are one frame."""
    stacks: collections.Counter[tuple[str, ...]] = collections.Counter()
    for line in text.splitlines():
        frames, _, count = line.rpartition(" ")
        if frames and count.isdigit():
            stacks[tuple(_LINE.sub(")", frame) for frame in frames.split(";"))] += int(count)
    return stacks


def parse_perf(text: str) -> Stacks:
    """What `perf script` wrote: a sample is a head line and its frames, the innermost first; an empty line ends it."""
    stacks: collections.Counter[tuple[str, ...]] = collections.Counter()
    frames: list[str] = []
    for line in [*text.splitlines(), ""]:
        if found := _PERF_FRAME.match(line):
            frames.append(f"{found[1]} ({found[2].rpartition('/')[2]})")
        elif not line.strip() and frames:
            stacks[tuple(reversed(frames))] += 1
            frames = []
    return stacks


def at_work(stacks: Stacks) -> Stacks:
    """Without threads that wait for work, and without the frames around all work."""
    busy: collections.Counter[tuple[str, ...]] = collections.Counter()
    for frames, count in stacks.items():
        if not _is_waiting(frames):
            begin = max((frames.index(frame) for frame in _AROUND if frame in frames), default=0)
            busy[frames[begin:]] += count
    return busy


def _is_waiting(frames: tuple[str, ...]) -> bool:
    innermost = next((frame for frame in reversed(frames) if frame.endswith(".py)")), "")
    return innermost in _WAITING or any(frame.startswith(_WAITING_BELOW) for frame in frames[-4:])


def hottest(stacks: Stacks, most: int) -> list[Hot]:
    """The functions with most samples of their own."""
    total = sum(stacks.values()) or 1
    own: collections.Counter[str] = collections.Counter()
    cumulative: collections.Counter[str] = collections.Counter()
    for frames, count in stacks.items():
        own[frames[-1]] += count
        for frame in set(frames):
            cumulative[frame] += count
    return [Hot(name, count / total, cumulative[name] / total) for name, count in own.most_common(most)]


def widest(stacks: Stacks, most: int) -> list[Hot]:
    """The functions with most samples, with what they called, but for those that are in nearly every stack."""
    everything = hottest(stacks, len({frame for frames in stacks for frame in frames}))
    names = {hot.name: hot for hot in everything}
    for frames in stacks:
        for frame in frames:
            names.setdefault(frame, Hot(frame, 0.0, _part(stacks, frame)))
    ranked = sorted(names.values(), key=lambda hot: hot.cumulative, reverse=True)
    return [hot for hot in ranked if hot.cumulative < ALWAYS][:most]


ALWAYS = 0.97
"""From this part of all samples on a function is a frame around the work, not a part of it."""


def _part(stacks: Stacks, frame: str) -> float:
    return sum(count for frames, count in stacks.items() if frame in frames) / (sum(stacks.values()) or 1)


def table(found: Iterable[Hot]) -> str:
    """For people, and for Markdown."""
    lines = ["| own | with callees | function |", "| ---: | ---: | --- |"]
    return "\n".join([*lines, *(f"| {hot.own:.1%} | {hot.cumulative:.1%} | `{hot.name}` |" for hot in found)])
