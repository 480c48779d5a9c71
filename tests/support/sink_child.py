"""A process that delivers to a sink and tells of each message, so that it can be killed at any step.

Run as a program: `sink_child.py KIND ROOT STEP OCCURRENCE`. Fifteen messages go in three groups; `ack N` on standard
output after each that is said to be delivered. With the step "none" nobody dies. Like a run that follows a crash it
asks first what is there. With the step "full" no file may be larger than OCCURRENCE octets: `defer N` for each message
that finds no room.
"""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from postane.maildrop.embedded import embedded_store
from postane.sinks.base import Parcel, Sink
from postane.sinks.maildir import MaildirSink, MaildirStep
from postane.sinks.maildrop import MaildropSink
from postane.sinks.mbox import MboxSink, MboxStep
from support.parcels import parcel

MESSAGES = 15
GROUP = 5

Hook = Callable[[StrEnum], None]


def letters() -> list[Parcel]:
    """What is delivered; each third one is large, and one looks like two."""
    trick = b"Subject: x\r\n\r\nFrom nobody Thu Jan  1 00:00:00 1970\r\n\r\n.\r\nFrom: me\r\n"
    large = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 20_000
    return [parcel(n, trick if n == 4 else large if n % 3 == 0 else None) for n in range(1, MESSAGES + 1)]


KINDS: Mapping[str, Callable[[Path, Hook], Sink]] = {
    "maildir": lambda root, hook: MaildirSink(str(root / "Maildir"), on_step=hook),
    "mbox": lambda root, hook: MboxSink(str(root / "Mail" / "inbox"), on_step=hook),
    "maildrop": lambda root, hook: MaildropSink(embedded_store(root / "post", inline=1024, on_step=hook), "anna"),
}
STEPS: Mapping[str, type[StrEnum]] = {"maildir": MaildirStep, "mbox": MboxStep}


async def work(kind: str, root: Path, step: str, occurrence: int) -> None:
    """Deliver what is missing, and die at a step's n-th time."""
    left = occurrence

    def on_step(done: StrEnum) -> None:
        nonlocal left
        if done == step:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    if step == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (occurrence, resource.RLIM_INFINITY))
    sink = KINDS[kind](root, on_step)
    await sink.open()
    os.write(1, b"open\n")
    parcels = letters()
    found = await sink.find([each.key for each in parcels])
    for start in range(0, MESSAGES, GROUP):
        group = [each for each in parcels[start : start + GROUP] if each.key not in found]
        for each, answer in zip(group, await sink.deliver(group), strict=True):
            if not answer.is_there and step != "full":
                raise SystemExit(answer.reason)
            os.write(1, f"{'ack' if answer.is_there else 'defer'} {each.key}\n".encode())
    await sink.close()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
