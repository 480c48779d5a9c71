"""What somebody at a terminal sees of a conversation: colours, the prompt's help, stars in the place of secrets."""

import asyncio
from collections.abc import Iterable
from typing import TextIO

from prompt_toolkit import print_formatted_text
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.plain_text import PlainTextOutput
from prompt_toolkit.styles import Style

from postane.talk.base import Heard, Mood, Remark, Said, Told
from postane.talk.completion import entry_for, offers
from postane.talk.conversation import Conversation
from postane.talk.speech import Speech
from postane.talk.typed import typed_secret

from .talk_show import text_of
from .words import show

STYLE = Style.from_dict(
    {
        "client": "bold ansicyan",
        "server": "ansibrightblack",
        "yes": "ansigreen",
        "no": "bold ansired",
        "go-on": "ansiyellow",
        "body": "",
        "astray": "ansimagenta",
        "note": "italic ansibrightblack",
        "decoded": "ansiyellow",
        "text": "",
        "trouble": "bold ansired",
        "bottom-toolbar": "noreverse bg:ansibrightblack ansiwhite",
        "bottom-toolbar.state": "bold",
    }
)
"""No class is one that the library draws itself: its `s` is crossed out, as in HTML."""

PLAIN = Style([])


class ScreenPrinter:
    """Lines on the terminal; what was typed stands there already."""

    def __init__(self, *, is_plain: bool) -> None:
        self._style = PLAIN if is_plain else STYLE
        self._depth = ColorDepth.DEPTH_1_BIT if is_plain else None
        self._is_open = False
        self._pending: list[tuple[str, str]] = []

    def __call__(self, told: Told) -> None:
        """Draw it, together with what else is told in the same turn of the event loop."""
        match told:
            case Said(text, is_typed) if not is_typed:
                self._draw(("class:client", "C: "), ("", show(text)))
            case Heard(octets, tone, is_whole):
                mark = [] if self._is_open else [("class:server", "S: ")]
                self._draw(*mark, (f"class:{tone.value.replace(' ', '-')}", text_of(octets)), end="\n" * is_whole)
                self._is_open = not is_whole
            case Remark(text, Mood.TEXT):
                self._draw(("class:text", show(text.expandtabs())))
            case Remark(text, mood):
                self._draw((f"class:{mood.value}", f"   {show(text)}"))
            case _:
                pass

    def flush(self) -> None:
        """Draw what was told."""
        pending, self._pending = self._pending, []
        if pending:
            print_formatted_text(FormattedText(pending), end="", style=self._style, color_depth=self._depth)

    def end(self) -> None:
        """Nothing more comes: end the line."""
        if self._is_open:
            self._draw()
            self._is_open = False
        self.flush()

    def _draw(self, *fragments: tuple[str, str], end: str = "\n") -> None:
        if not self._pending:
            asyncio.get_running_loop().call_soon(self.flush)
        self._pending += [*fragments, ("", end)]


class SecretStars(Processor):
    """Stars in the place of a secret, while it is typed."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """See Processor: one star for one character, so that the cursor stays where it is. A line is drawn once more
        when it is complete."""
        line = transformation_input.document.text
        start = typed_secret(self._speech, line, is_complete=get_app().is_done)
        fragments = transformation_input.fragments
        if start is None:
            return Transformation(fragments)
        letters = [(style, letter) for style, text, *_ in fragments for letter in text]
        return Transformation([(style, letter if at < start else "*") for at, (style, letter) in enumerate(letters)])


def typing_what_is_pasted() -> KeyBindings:
    """Lines that are pasted are lines, each of which is hidden, said and answered as if it were typed."""
    bindings = KeyBindings()

    @bindings.add(Keys.BracketedPaste)
    def _(event: KeyPressEvent) -> None:
        lines = event.data.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
        enter = KeyPress(Keys.ControlM, "\r")
        letters = (letter for letter in lines if letter == "\n" or letter.isprintable())
        event.key_processor.feed_multiple([enter if letter == "\n" else KeyPress(letter) for letter in letters])

    return bindings


class DumbOutput(PlainTextOutput):
    """A terminal that can only print. The library prints each letter there as it is typed: a secret's are stars."""

    def __init__(self, stdout: TextIO, speech: Speech) -> None:
        super().__init__(stdout)
        self._speech = speech

    def write(self, data: str) -> None:
        """See Output."""
        super().write("*" if len(data) == 1 and data.isprintable() and self._hides() else data)

    def _hides(self) -> bool:
        typed = get_app().current_buffer
        start = typed_secret(self._speech, typed.text, is_complete=False)
        return start is not None and start < typed.cursor_position


class VerbCompleter(Completer):
    """What may be said now, with the manual's line."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """See Completer."""
        for offer in offers(self._speech, document.text_before_cursor):
            text = offer.word if offer.is_all else f"{offer.word} "
            yield Completion(text, -offer.replaced, display=offer.word, display_meta=offer.meaning)


def toolbar(conversation: Conversation, line: str) -> FormattedText:
    """The line below the prompt: where we stand, and the help on what is being typed."""
    speech, tls = conversation.speech, conversation.link.tls
    where = f" {speech.protocol} {speech.state} {tls.version if tls else 'no TLS'} "
    if speech.wants_text:
        what = "the message; a line with a single dot ends it"
    elif speech.wants_response and not line.startswith("."):
        what = "a response in base64, * to give up, or .respond to have it coded"
    elif entry := entry_for(speech, line):
        what = str(entry) if entry.source else f"{entry.usage}: {entry.what}"
    else:
        what = f"{' '.join(sorted(speech.verbs))}   .help"
    return FormattedText([("class:bottom-toolbar.state", where), ("", f" {what}")])


def may_keep(speech: Speech, line: str) -> bool:
    """Whether a line may be written into the history: no secret, and nobody's mail."""
    return not (speech.wants_text or speech.wants_response) and typed_secret(speech, line) is None
