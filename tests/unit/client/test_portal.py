"""A door from blocking code to an event loop: values, errors, interruptions and early ends."""

import asyncio
import contextlib
import errno
import signal
import threading

import pytest

from postane.client.portal import Blocking, Portal


@pytest.fixture
def portal():
    with Portal() as portal:
        yield portal


async def give(value):
    await asyncio.sleep(0)
    return value


async def fail(error):
    await asyncio.sleep(0)
    raise error


def test_a_value_comes_through(portal):
    assert portal.call(give(1)) == 1
    assert portal.call(give(None)) is None


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("x"), TimeoutError(), asyncio.CancelledError(), StopAsyncIteration()]
)
def test_an_error_comes_through_as_itself(portal, error):
    with pytest.raises(type(error)):
        portal.call(fail(error))
    assert portal.call(give(1)) == 1


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_would_end_the_loop_comes_through_and_does_not(portal, kind):
    with pytest.raises(kind):
        portal.call(fail(kind()))
    assert portal.call(give(1)) == 1


def test_an_interrupted_caller_goes_on_when_all_is_cancelled(portal):
    seen = []

    async def work():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # which waits
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            seen.append("cleaned up")

    with pytest.raises(KeyboardInterrupt):
        portal.call(work())
    assert seen == ["cleaned up"]
    assert portal.call(give(1)) == 1


def test_values_come_one_after_the_other(portal):
    async def count():
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    assert list(portal.iterate(count())) == [0, 1, 2]


def test_a_loop_that_is_left_early_is_closed_on_the_event_loop(portal):
    closed = []

    async def count():
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            closed.append(threading.current_thread().name)

    items = portal.iterate(count())
    assert next(items) == 1
    items.close()
    assert closed == ["postane client"]


def test_an_error_in_between_comes_through(portal):
    async def count():
        yield 1
        raise ZeroDivisionError

    items = portal.iterate(count())
    assert next(items) == 1
    with pytest.raises(ZeroDivisionError):
        next(items)
    assert list(items) == []


def test_nothing_runs_after_the_end():
    with Portal() as portal:
        pass
    portal.close()
    assert not portal.is_open
    with pytest.raises(RuntimeError, match="is over"):
        portal.call(give(1))


def test_what_still_runs_is_cancelled_at_the_end():
    ended = threading.Event()

    async def linger():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def begin():
        kept.append(asyncio.create_task(linger()))
        await asyncio.sleep(0)

    kept = []
    with Portal() as portal:
        portal.call(begin())
        assert not ended.is_set()
    assert ended.is_set()


def test_a_callback_cannot_wait_for_its_own_loop(portal):
    async def call_back():
        portal.call(give(1))

    with pytest.raises(RuntimeError, match="wait for itself"):
        portal.call(call_back())


@contextlib.asynccontextmanager
async def room(seen):
    seen.append("entered")
    try:
        yield 7
    except ZeroDivisionError:
        seen.append("failed")
        raise
    finally:
        seen.append(threading.current_thread().name)


def test_a_context_is_entered_and_left_on_the_event_loop(portal):
    seen = []
    with portal.entered(room(seen)) as value:
        assert value == 7
    assert seen == ["entered", "postane client"]


def test_a_context_is_told_what_was_raised(portal):
    seen = []
    with pytest.raises(ZeroDivisionError), portal.entered(room(seen)):
        raise ZeroDivisionError
    assert seen == ["entered", "failed", "postane client"]


def test_a_block_that_outlives_the_loop_ends_as_it_would():
    def work():
        portal = Portal()
        with portal.entered(room([])):
            portal.close()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()


def test_a_loop_that_is_forgotten_on_the_event_loops_own_thread_waits_for_nothing(portal):
    """The collector of garbage runs in whatever thread it wants."""
    ended = threading.Event()

    async def count():
        try:
            yield 1
            yield 2
        finally:
            ended.set()

    values = portal.iterate(count())
    assert next(values) == 1
    seen = []

    async def forget(generator):
        try:
            generator.close()
        except RuntimeError as error:
            seen.append(error)

    portal.call(forget(values))
    del values
    assert seen == []
    assert ended.wait(10)


def test_what_was_left_may_be_entered_anew():
    class Door:
        count = 0

        async def __aenter__(self):
            if self.count % 2:
                raise ZeroDivisionError("it is open")
            self.count += 1
            return self.count

        async def __aexit__(self, *_):
            self.count += 1

    door = Door()
    blocking = Blocking(door, lambda value, _: value)
    for wanted in (1, 3):
        with blocking as value:
            assert value == wanted
            with pytest.raises(ZeroDivisionError), blocking:
                pass
            assert door.count == wanted
    assert door.count == 4
    assert not [each for each in threading.enumerate() if each.name == "postane client"]


def test_without_an_event_loop_nobody_waits_for_one(monkeypatch):
    """Each takes three descriptors, and a process may have none left."""

    def refuse():
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(asyncio.events, "new_event_loop", refuse)
    monkeypatch.setattr(asyncio, "new_event_loop", refuse)
    found = []

    def work():
        try:
            Portal()
        except OSError as error:
            found.append(error.errno)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(10)
    assert found == [errno.EMFILE]
