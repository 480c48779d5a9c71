"""A door from blocking code to an event loop: a thread of its own runs the loop, whoever calls waits for it.

Exceptions keep their types. A caller who is interrupted while he waits (KeyboardInterrupt) has what he waits for
cancelled, and goes on only when that is over.

Must not know: what is run.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AbstractContextManager, closing, contextmanager
from functools import partial
from types import TracebackType
from typing import Any, Generic, NoReturn, Self, TypeVar

ValueT = TypeVar("ValueT")
FaceT = TypeVar("FaceT")

_END: Any = object()

Started = Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]
"""The loop, and what ends it."""


class Portal:
    """Open from the beginning; a context that closes it. May be used by any thread but its own."""

    def __init__(self) -> None:
        started: Started = Future()
        self._thread = threading.Thread(target=_run, args=(started,), name="postane client", daemon=True)
        self._thread.start()
        self._loop, self._ending = started.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether something can be run."""
        return self._thread.is_alive() and not self._ending.is_set()

    def call(self, coroutine: Coroutine[Any, Any, ValueT]) -> ValueT:
        """Run this on the loop, and give what it gives, or raise what it raises."""
        if not self.is_open or threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("this would wait for itself" if self.is_open else "the session is over")
        errand = _Errand(coroutine)
        try:
            self._loop.call_soon_threadsafe(errand.begin)
            return errand.over.result()
        except _Stopped as stopped:
            raise stopped.reason from None
        except BaseException:
            if not errand.over.done():  # the caller is interrupted
                self._loop.call_soon_threadsafe(errand.cancel)
                errand.wait()
            raise

    def iterate(self, items: AsyncIterator[ValueT]) -> Generator[ValueT, None, None]:
        """The same for what gives one value after the other; closed early, it is closed on the loop."""
        try:
            while (item := self.call(_next(items))) is not _END:
                yield item
        finally:
            # In the loop's own thread the collector of garbage is at work: the loop itself closes what is forgotten.
            if self.is_open and isinstance(items, AsyncGenerator) and threading.current_thread() is not self._thread:
                self.call(items.aclose())

    def each(
        self, items: AsyncIterator[ValueT], face: "Callable[[ValueT, Portal], FaceT]"
    ) -> Generator[FaceT, None, None]:
        """The same, each value behind its face."""
        with closing(self.iterate(items)) as values:
            for value in values:
                yield face(value, self)

    @contextmanager
    def entered(self, context: AbstractAsyncContextManager[ValueT]) -> Generator[ValueT, None, None]:
        """The same for a context, which is told what its block has raised; that is raised all the same."""
        value = self.call(context.__aenter__())
        try:
            yield value
        except BaseException as error:
            if self.is_open:  # not so where the program ends in the middle of the block
                self.call(context.__aexit__(type(error), error, error.__traceback__))
            raise
        else:
            self.call(context.__aexit__(None, None, None))

    def close(self) -> None:
        """Cancel what is still running, and end the thread. Idempotent."""
        if self.is_open:
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()


class Face(Generic[ValueT]):
    """What stands before something of the loop's: its methods are those of `_inner`, called through the portal."""

    __slots__ = ("_inner", "_portal")

    def __init__(self, inner: ValueT, portal: Portal) -> None:
        self._inner = inner
        self._portal = portal

    def __repr__(self) -> str:
        return repr(self._inner)


class Blocking(AbstractContextManager[FaceT]):
    """A context of the loop's for `with`: a portal of its own, and behind its face what is entered there. It may be
    entered as often as that."""

    def __init__(self, context: AbstractAsyncContextManager[ValueT], face: Callable[[ValueT, Portal], FaceT]) -> None:
        self._name = repr(context)
        self._open = partial(_opened, context, face)
        self._opened: AbstractContextManager[FaceT] | None = None

    def __repr__(self) -> str:
        return self._name

    async def __aenter__(self) -> NoReturn:
        raise TypeError("this is for with alone: in an event loop take connect of postane.client")

    async def __aexit__(self, *_: object) -> None: ...

    def __enter__(self) -> FaceT:
        opened = self._open()
        value = opened.__enter__()
        self._opened = opened
        return value

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        opened, self._opened = self._opened, None
        assert opened is not None, "it was entered"
        opened.__exit__(kind, error, trace)


@contextmanager
def _opened(
    context: AbstractAsyncContextManager[ValueT], face: Callable[[ValueT, Portal], FaceT]
) -> Generator[FaceT, None, None]:
    with Portal() as portal, portal.entered(context) as value:
        yield face(value, portal)


class _Errand(Generic[ValueT]):
    """A coroutine on its way over the loop. `over` is settled once nothing of it runs any more."""

    __slots__ = ("_coroutine", "_task", "over")

    def __init__(self, coroutine: Coroutine[Any, Any, ValueT]) -> None:
        self._coroutine = coroutine
        self._task: asyncio.Task[ValueT] | None = None
        self.over: Future[ValueT] = Future()

    def begin(self) -> None:
        self._task = asyncio.create_task(_carried(self._coroutine))
        self._task.add_done_callback(self._settle)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:  # it will never begin
            self._coroutine.close()
            self.over.set_exception(asyncio.CancelledError())

    def wait(self) -> None:
        """Until it is over, whatever comes of it."""
        self.over.exception()

    def _settle(self, task: "asyncio.Task[ValueT]") -> None:
        self._coroutine.close()  # where it was cancelled before it had begun
        if task.cancelled():
            self.over.set_exception(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self.over.set_exception(error)
        else:
            self.over.set_result(task.result())


class _Stopped(Exception):
    """KeyboardInterrupt or SystemExit, raised by a callback on the loop, which it would have ended."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(reason)
        self.reason = reason


def _run(started: Started) -> None:
    try:
        with asyncio.Runner() as runner:
            runner.run(_stay(started))
    except OSError as error:  # no descriptors are left for a loop: nobody may wait for it
        if started.done():
            raise
        started.set_exception(error)


async def _stay(started: Started) -> None:
    ending = asyncio.Event()
    started.set_result((asyncio.get_running_loop(), ending))
    await ending.wait()


async def _carried(coroutine: Coroutine[Any, Any, ValueT]) -> ValueT:
    try:
        return await coroutine
    except (KeyboardInterrupt, SystemExit) as reason:
        raise _Stopped(reason) from None


async def _next(items: AsyncIterator[ValueT]) -> ValueT:
    return await anext(items, _END)
