"""A sink's own thread."""

import asyncio
import threading

import pytest

from postane.sinks.thread import OneThread


async def test_jobs_are_done_in_their_order_by_one_thread() -> None:
    thread = OneThread("test")
    seen = await asyncio.gather(*(thread.run(threading.current_thread) for _ in range(3)))
    assert len(set(seen)) == 1
    assert seen[0] is not threading.current_thread()
    await thread.close()
    await thread.close()


async def test_what_a_job_raises_is_raised() -> None:
    thread = OneThread("test")
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)
    assert await thread.run(lambda: 1) == 1
    await thread.close()


async def test_one_that_is_given_up_is_told_so_and_the_next_one_waits_for_it() -> None:
    thread, begun, seen = OneThread("test"), threading.Event(), []

    def work() -> None:
        begun.set()
        thread.wait(60)
        seen.append(thread.is_stopped)
        raise ValueError("that nobody waits for")

    job = asyncio.ensure_future(thread.run(work))
    await asyncio.to_thread(begun.wait)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert await thread.run(lambda: (list(seen), thread.is_stopped)) == ([True], False)
    await thread.close()


async def test_it_can_be_used_again_after_it_was_closed() -> None:
    thread = OneThread("test")
    await thread.run(lambda: None)
    await thread.close()
    assert await thread.run(lambda: 2) == 2
    await thread.close()
