"""Failed logins, each of another name from another address, so that no throttle holds them back.

    python bench/hostile/logins.py [--quick] [--json FILE] [SCENE ...]

Every one of them costs the server a slow hash. The good client comes as pollers do, whose last login is remembered
(`logins`), and as somebody whose password has to be hashed each time (`logins-hashing`): who guesses then has the same
right to a hash as they have, and some rounds are put off with [SYS/TEMP].
"""

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

from program import main
from stage import Facts, Scene

FULL = {"connections": 400, "seconds": 30}
QUICK = {"connections": 100, "seconds": 6}


def guess(ports: Mapping[str, int], connections: int, seconds: int) -> Facts:
    """So many at once, one failed login each, again and again."""
    return asyncio.run(_guess(ports["pop3"], connections, seconds))


async def _guess(port: int, connections: int, seconds: int) -> Facts:
    facts: Facts = {"logins tried": 0, "refused": 0, "put off": 0, "without an answer": 0}
    until = time.monotonic() + seconds
    numbers = iter(range(1_000_000))
    await asyncio.gather(*(_keep_guessing(port, until, facts, numbers) for _ in range(connections)))
    return facts


async def _keep_guessing(port: int, until: float, facts: Facts, numbers: Iterator[int]) -> None:
    while time.monotonic() < until:
        number = next(numbers)
        source = f"127.{30 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"
        try:
            async with asyncio.timeout(max(1.0, until - time.monotonic())):
                reply = await _try(port, source, f"USER nobody{number}\r\nPASS guess{number}\r\n".encode())
        except (OSError, TimeoutError):
            reply = b""
        facts["logins tried"] += 1  # type: ignore[operator]
        kind = "refused" if b"[AUTH]" in reply else "put off" if b"[SYS/TEMP]" in reply else "without an answer"
        facts[kind] += 1  # type: ignore[operator]


async def _try(port: int, source: str, words: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        await reader.readline()
        writer.write(words)
        await reader.readline()
        return await reader.readline()
    finally:
        writer.close()


def scene(name: str, auth: Mapping[str, str]) -> Scene:
    """With these settings of [auth]."""

    def crew(sizes: Mapping[str, int]) -> Sequence[tuple[object, tuple[object, ...]]]:
        return [(guess, (sizes["connections"], sizes["seconds"]))]

    return Scene(name, crew, {"auth": auth}, may_be_put_off="cache" in auth)


if __name__ == "__main__":
    sys.exit(main(__doc__ or "", [scene("logins", {}), scene("logins-hashing", {"cache": "0s"})], FULL, QUICK))
