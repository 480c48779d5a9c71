"""A conversation that a person holds at a terminal: `C: ` is the prompt, so that the screen reads as an RFC does.

While nothing is typed the server is listened to. Ctrl-C gives up waiting for a reply, or what is being typed; Ctrl-D
goes away without QUIT.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import create_app_session, get_app
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.utils import is_dumb_terminal

from postane.net.base import LinkLost, NetError, TooSlow
from postane.talk.base import Mood, Spoilt, Unsuitable
from postane.talk.conversation import Conversation
from postane.talk.orders import Orders
from postane.talk.speech import Speech
from postane.talk.typed import is_order, needs_secret

from .asking import type_password
from .talk_history import TalkHistory, history_path
from .talk_house import Place, Verdict, connect, failure_of, make_speech, prepare
from .talk_options import TalkOptions
from .talk_screen import (
    PLAIN,
    STYLE,
    DumbOutput,
    ScreenPrinter,
    SecretStars,
    VerbCompleter,
    may_keep,
    toolbar,
    typing_what_is_pasted,
)
from .words import Exit, Failure

MENU_LINES = 6
"""Lines that are kept for what Tab offers."""


class Interrupted(Exception):
    """Ctrl-C was pressed while something was typed: KeyboardInterrupt would end the event loop."""


class TerminalPlace(Place):
    """Somebody is there to be asked."""

    def __init__(self, options: TalkOptions) -> None:
        super().__init__(options)
        self.screen = ScreenPrinter(is_plain=self.is_plain)

    async def ask(self, question: str, *, is_secret: bool) -> str | None:
        """See Tools."""
        if is_secret and (password := self.take_password()) is not None:
            return password
        self.screen.flush()
        if is_secret and is_dumb_terminal():
            return type_password(question)
        try:
            asking = PromptSession[str](interrupt_exception=Interrupted, key_bindings=typing_what_is_pasted())
            return await asking.prompt_async(question, is_password=is_secret, handle_sigint=False)
        except (EOFError, Interrupted):
            return None


async def talk_at_terminal(options: TalkOptions) -> int:
    """Hold it; the exit code."""
    place = TerminalPlace(options)
    speech = make_speech(place.url.protocol)
    with create_app_session(output=DumbOutput(sys.stdout, speech) if is_dumb_terminal() else None):
        return await _talk(place, speech)


async def _talk(place: TerminalPlace, speech: Speech) -> int:
    verdict = Verdict(speech)
    place.tee.listeners += [verdict, place.screen]
    place.begin()
    try:
        conversation = await connect(place, speech)
        try:
            return await _hold(place, conversation, verdict)
        finally:
            await conversation.close()
    except NetError as error:
        raise failure_of(error) from None
    finally:
        place.screen.end()
        place.end()


async def _hold(place: TerminalPlace, conversation: Conversation, verdict: Verdict) -> int:
    orders = Orders(conversation, place)
    await _attempt(conversation, prepare(conversation, place, orders))
    session = _make_session(conversation, is_plain=place.is_plain)
    while not (orders.is_leaving or conversation.is_over):
        try:
            place.screen.flush()
            line = await _typed(session, conversation)
        except Interrupted:
            continue
        except EOFError:
            break
        await _attempt(conversation, _take(line, conversation, orders))
    if not conversation.is_over:
        conversation.note("the connection is closed without QUIT: what was begun is not done")
    return verdict.code if verdict.code == Exit.PROTOCOL else Exit.OK


def _make_session(conversation: Conversation, *, is_plain: bool) -> PromptSession[str]:
    speech = conversation.speech
    history = TalkHistory(history_path(os.environ, Path.home()), lambda line: may_keep(speech, line))
    return PromptSession(
        FormattedText([("class:client", "C: ")]),
        history=history,
        completer=VerbCompleter(speech),
        complete_while_typing=False,
        input_processors=[SecretStars(speech)],
        bottom_toolbar=lambda: toolbar(conversation, get_app().current_buffer.text),
        style=PLAIN if is_plain else STYLE,
        color_depth=ColorDepth.DEPTH_1_BIT if is_plain else None,
        reserve_space_for_menu=MENU_LINES,
        interrupt_exception=Interrupted,
        key_bindings=typing_what_is_pasted(),
    )


async def _typed(session: PromptSession[str], conversation: Conversation) -> str:
    """The next line, while the server is listened to. Raises LinkLost, EOFError, Interrupted."""
    typing = asyncio.ensure_future(session.prompt_async(handle_sigint=False))
    listening = asyncio.ensure_future(conversation.listen())
    await asyncio.wait((typing, listening), return_when=asyncio.FIRST_COMPLETED)
    if not typing.done():
        session.app.exit(exception=EOFError)
        await asyncio.gather(typing, return_exceptions=True)
        if conversation.speech.is_over:
            raise EOFError
        listening.result()
        raise LinkLost("the connection is lost")
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    return typing.result()


async def _take(line: str, conversation: Conversation, orders: Orders) -> None:
    speech = conversation.speech
    if is_order(speech, line):
        await orders.obey(line)
    elif line.strip() or speech.wants_text or speech.wants_response:
        if needs_secret(speech, line):
            secret = await orders.tools.ask("Password: ", is_secret=True)
            if not secret:
                raise Unsuitable("without a password nothing was said")
            line = f"{line.strip()} {secret}"
        await conversation.say(line, is_typed=True)


async def _attempt(conversation: Conversation, work: Coroutine[Any, Any, None]) -> None:
    """Do what was typed; Ctrl-C gives it up. Raises NetError."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    with contextlib.suppress(NotImplementedError):  # Windows
        loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        conversation.note("given up; what still comes is shown", Mood.TROUBLE)
    except TooSlow as error:
        conversation.note(f"{error.text}; what still comes is shown", Mood.TROUBLE)
    except Spoilt as error:
        conversation.link.abort()
        raise Failure(error.text, Exit.PROTOCOL) from None
    except Unsuitable as error:
        conversation.note(error.text, Mood.TROUBLE)
    finally:
        with contextlib.suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
