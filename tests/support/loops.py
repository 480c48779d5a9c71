"""Asynchronous tests that run on each event loop that the house runs on."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop


def on_both_loops(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """The test twice: on asyncio's own loop and on uvloop."""

    @functools.wraps(test)
    def run(loop: Callable[[], asyncio.AbstractEventLoop] | None, **given: Any) -> None:
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(test(**given))  # type: ignore[arg-type]

    del run.__wrapped__
    asked = inspect.Parameter("loop", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = inspect.signature(test)
    run.__signature__ = signature.replace(parameters=[asked, *signature.parameters.values()])  # type: ignore[attr-defined]
    return pytest.mark.parametrize("loop", [None, uvloop.Loop], ids=["asyncio", "uvloop"])(run)
