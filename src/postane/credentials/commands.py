"""A password that a program prints: the front of a password manager.

Its standard input is empty, and it keeps the terminal, so that it may ask its user there. A program that goes on after
its answer in the background is not waited for.

Must not know: which program it is.
"""

import asyncio
import contextlib
import shlex
import subprocess
from collections.abc import Sequence

from .base import NoSecret, Secret, SecretKind
from .sources import LIMIT, first_line

TIMEOUT = 60.0
"""Seconds that a program may take: somebody may have to type."""

GRACE = 0.5
"""Seconds for the rest of an answer whose writer has ended, where somebody else keeps the pipe open."""


class CommandSecret:
    """It is the first line of what a program prints: a list of arguments, or one string for the shell."""

    def __init__(self, command: str | Sequence[str], timeout: float = TIMEOUT) -> None:
        self._command = command
        self._timeout = timeout

    async def get(self) -> Secret:
        """See SecretSource."""
        name = self._command if isinstance(self._command, str) else shlex.join(self._command)
        printed = _Printed()
        try:
            transport = await self._start(printed)
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or str(error)
            raise NoSecret(f"the command that gives the password cannot be started ({words}): {name}") from None
        try:
            async with asyncio.timeout(self._timeout):
                await printed.ended.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(printed.closed.wait(), GRACE)
        except TimeoutError:
            raise NoSecret(
                f"the command that gives the password has not ended in {self._timeout:g} s: {name}", may_pass=True
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                transport.kill()
            transport.close()
        return Secret(SecretKind.PASSWORD, _read(name, transport.get_returncode(), printed))

    async def refuse(self) -> None:
        """See SecretSource."""

    async def _start(self, printed: "_Printed") -> asyncio.SubprocessTransport:
        loop = asyncio.get_running_loop()
        if isinstance(self._command, str):
            transport, _ = await loop.subprocess_shell(lambda: printed, self._command, stdin=subprocess.DEVNULL)
        else:
            transport, _ = await loop.subprocess_exec(lambda: printed, *self._command, stdin=subprocess.DEVNULL)
        return transport


def _read(name: str, status: int | None, printed: "_Printed") -> str:
    if status:
        words = bytes(printed.errors).decode("utf-8", "replace").strip().splitlines()
        reason = f": {words[-1].strip()}" if words else ""
        how = f"exit code {status}" if status > 0 else f"signal {-status}"
        raise NoSecret(f"the command that gives the password failed ({how}): {name}{reason}")
    if not printed.answer:
        raise NoSecret(f"the command that gives the password printed nothing: {name}")
    return first_line(bytes(printed.answer), f"the answer of {name}")


class _Printed(asyncio.SubprocessProtocol):
    """What a program prints. Of its answer the beginning is kept, of its errors the end."""

    def __init__(self) -> None:
        self.answer = bytearray()
        self.errors = bytearray()
        self.ended = asyncio.Event()
        self.closed = asyncio.Event()
        self._open = {1, 2}

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self.answer += data[: LIMIT - len(self.answer)]
        else:
            self.errors += data
            del self.errors[:-LIMIT]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        if not self._open:
            self.closed.set()

    def process_exited(self) -> None:
        self.ended.set()
