"""Threads that work for an event loop."""

import asyncio
import threading

import pytest

from postane.maildrop.crew import Crew


@pytest.fixture
def crew():
    crew = Crew(2, "crew-of-a-test")
    yield crew
    crew.close()


async def test_a_job_gives_what_it_gives_and_raises_what_it_raises(crew):
    assert await crew.do(lambda: threading.current_thread().name) == "crew-of-a-test-0"
    with pytest.raises(ZeroDivisionError):
        await crew.do(lambda: 1 // 0)
    assert await crew.do(lambda: "goes on") == "goes on"


async def test_there_are_no_more_threads_than_are_wanted(crew):
    names = await asyncio.gather(*(crew.do(lambda: threading.current_thread().name) for _ in range(50)))
    assert set(names) <= {"crew-of-a-test-0", "crew-of-a-test-1"}
    assert sum(thread.name.startswith("crew-of-a-test-") for thread in threading.enumerate()) == 2


async def test_two_work_at_the_same_time(crew):
    both = threading.Barrier(2)
    assert sorted(await asyncio.gather(crew.do(both.wait), crew.do(both.wait))) == [0, 1]


async def test_a_job_goes_on_when_nobody_waits_for_it(crew):
    may_end, has_ended = threading.Event(), threading.Event()

    def work() -> None:
        may_end.wait()
        has_ended.set()

    future = crew.do(work)
    await asyncio.sleep(0)
    future.cancel()
    may_end.set()
    assert await crew.do(has_ended.wait)
    assert future.cancelled()


def test_a_loop_that_is_closed_meanwhile(crew):
    may_end, has_ended = threading.Event(), threading.Event()

    def work() -> None:
        may_end.wait()
        has_ended.set()

    async def leave() -> None:
        crew.do(work)

    asyncio.run(leave())
    may_end.set()
    assert asyncio.run(_ask(crew, has_ended.wait))


async def _ask(crew, work):
    return await crew.do(work)


async def test_closing_waits_for_what_was_begun_and_may_be_done_twice(crew):
    done = []
    crew.do(lambda: done.append("done"))
    crew.close()
    crew.close()
    assert done == ["done"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("crew-of-a-test-")]
    await asyncio.sleep(0)


async def test_what_comes_then_is_done_at_once(crew):
    done = []
    future = crew.do(lambda: "result", lambda future: done.append(future.result()))
    future.add_done_callback(lambda _: done.append("called back"))
    assert await future == "result"
    assert done == ["result", "called back"]
    with pytest.raises(ZeroDivisionError):
        await crew.do(lambda: 1 // 0, lambda future: done.append(type(future.exception())))
    assert done[2:] == [ZeroDivisionError]
