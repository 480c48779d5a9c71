"""A command that takes each message on its standard input, as procmail, maildrop or a script of somebody's does.

Its exit code says what became of the message, in the words of sysexits.h: 0, it has it; a code of lasting trouble, it
never will; anything else, not now, since a message that is refused by mistake is harder to get back than one that is
asked for again. It runs in a process group of its own, which is ended where it takes too long or nobody waits any more.

Must not know: what the command does.
"""

import asyncio
import contextlib
import errno
import os
import re
import signal
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from tempfile import TemporaryFile
from typing import IO

from .base import Delivery, Outcome, Parcel, SinkError
from .content import SpoolError, whole
from .failures import deferred, in_words, refused
from .line_ends import LineEnds, with_line_ends
from .thread import OneThread

TIMEOUT = 600.0
"""Seconds that a command may take for one message."""

GRACE = 3.0
"""Seconds between asking a command to end and ending it."""

LASTING = frozenset({64, 65, 66, 67, 68, 69, 70, 73, 76, 77, 78})
"""The codes of sysexits.h that do not pass: all but EX_OSERR, EX_OSFILE, EX_IOERR and EX_TEMPFAIL."""

REASON = 300
"""Characters of what the command says last that are told."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class CommandSink:
    """A Sink that is a command: its words, or one line for the shell.

    It finds in its environment SENDER and RECIPIENT (the envelope's, "" where there is none; more recipients are parted
    by spaces), POSTANE_ACCOUNT and POSTANE_KEY, by which it may know a message again.
    """

    can_tell = False
    group = 1

    def __init__(
        self, command: Sequence[str] | str, *, timeout: float = TIMEOUT, line_ends: LineEnds = LineEnds.LF
    ) -> None:
        self.name = f"command:{command if isinstance(command, str) else ' '.join(command)}"
        self.is_new = False
        self._words = ("/bin/sh", "-c", command) if isinstance(command, str) else tuple(command)
        self._timeout = timeout
        self._line_ends = line_ends
        self._thread = OneThread("postane-command")

    async def open(self) -> None:
        """Nothing is to be made ready."""

    async def find(self, keys: Collection[str]) -> set[str]:
        """None: a command cannot tell."""
        return set()

    async def resembling(self, wanted: Mapping[str, str]) -> set[str]:
        """None: a command cannot tell."""
        return set()

    async def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Delivery]:
        """Run it for each of them. Raises SinkError where it cannot be run."""
        return [await self._deliver(parcel) for parcel in parcels]

    async def close(self) -> None:
        """Let go."""
        await self._thread.close()

    async def _deliver(self, parcel: Parcel) -> Delivery:
        # Files, not pipes: a command may read as much as it wants, and who has inherited a pipe may hold it for ever.
        with TemporaryFile() as message, TemporaryFile() as said:
            try:
                await self._thread.run(partial(self._write, message, parcel))
            except (SpoolError, OSError) as error:
                text = error.text if isinstance(error, SpoolError) else in_words(error)
                return deferred(f"the message cannot be given to {self._words[0]}: {text}")
            process = await self._start(parcel, message, said)
            if process is None:
                return refused(f"{self._words[0]} cannot be told whom the message is for: too many, or too long")
            try:
                async with asyncio.timeout(self._timeout):
                    code = await process.wait()
            except TimeoutError:
                return deferred(f"{self._words[0]} took longer than {self._timeout:g} seconds")
            finally:
                if process.returncode is None:
                    await asyncio.shield(_end(process))
            return self._answer(code, _last_line(said))

    def _write(self, message: IO[bytes], parcel: Parcel) -> None:
        for chunk in with_line_ends(whole(parcel), self._line_ends):
            message.write(chunk)
        message.seek(0)

    async def _start(self, parcel: Parcel, message: IO[bytes], said: IO[bytes]) -> asyncio.subprocess.Process | None:
        """None: what is to be in its environment does not fit there, which is this message's fault."""
        given = {
            "SENDER": parcel.sender,
            "RECIPIENT": " ".join(parcel.recipients),
            "POSTANE_ACCOUNT": parcel.account,
            "POSTANE_KEY": parcel.key,
        }
        try:
            return await asyncio.create_subprocess_exec(
                *self._words,
                stdin=message,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=said,
                env={**os.environ, **{name: value.replace("\0", "") for name, value in given.items()}},
                start_new_session=True,
            )
        except OSError as error:
            if error.errno == errno.E2BIG:
                return None
            raise SinkError(f"{self._words[0]} cannot be run: {in_words(error)}", may_pass=False) from error

    def _answer(self, code: int, said: str) -> Delivery:
        if code == 0:
            return Delivery(Outcome.DELIVERED)
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        reason = f"{self._words[0]} {how}{said and ': '}{said}"
        return refused(reason) if code in LASTING else deferred(reason)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End it with all that it has started."""
    _signal(process, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE):
            await process.wait()
    _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        if os.name == "nt":
            process.send_signal(number)
        else:
            os.killpg(process.pid, number)


def _last_line(said: IO[bytes]) -> str:
    said.seek(max(said.seek(0, os.SEEK_END) - 4096, 0))
    lines = [_UNPRINTABLE.sub(" ", line).strip() for line in said.read().decode("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")[:REASON]
