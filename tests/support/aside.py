"""What is asynchronous, run in a thread beside a test that is not: a server for a command in the test's own process."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

ThingT = TypeVar("ThingT")

PATIENCE = 30.0


@contextmanager
def aside(manager: AbstractAsyncContextManager[ThingT]) -> Iterator[ThingT]:
    """What `manager` gives, while its loop runs in another thread. Its fields may be read and set between two steps."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(manager.__aenter__(), loop).result(PATIENCE)
    finally:
        asyncio.run_coroutine_threadsafe(manager.__aexit__(None, None, None), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()
