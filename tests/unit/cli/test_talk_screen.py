"""What somebody at a terminal sees."""

import asyncio

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import fragment_list_to_text
from prompt_toolkit.layout.processors import TransformationInput
from prompt_toolkit.styles import DEFAULT_ATTRS, default_ui_style

from postane.cli import talk_screen
from postane.cli.talk_screen import STYLE, ScreenPrinter, SecretStars, VerbCompleter, may_keep, toolbar
from postane.talk.base import Heard, Mood, Remark, Said, Tone
from postane.talk.pop3_speech import Pop3Speech
from support.by_hand import begin, hear


def greeted(*turns: tuple[str, bytes]) -> Pop3Speech:
    speech = Pop3Speech()
    hear(speech, b"+OK\r\n")
    for line, reply in turns:
        speech.say(line)
        hear(speech, reply)
    return speech


def seen(speech: Pop3Speech, line: str) -> str:
    """How a line looks while it is typed; the library gives it in any number of fragments."""
    halves = [("", line[:3]), ("", line[3:])]
    given = TransformationInput(None, Document(line), 0, lambda i: i, halves, 80, 24)  # type: ignore[arg-type]
    shown = fragment_list_to_text(SecretStars(speech).apply_transformation(given).fragments)
    assert len(shown) == len(line), "the cursor stays where it is"
    return shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [("PASS abc", "PASS ***"), ("pass abc", "pass ***"), ("APOP a b", "APOP a *"), ("STAT", "STAT"),
     ("nonsense", "nonsense"), (".respond abc", ".respond ***"), (".say PASS abc", ".say PASS ***"),
     (".login mrose", ".login mrose")],
)  # fmt: skip
def test_secrets_are_stars_while_they_are_typed(line, shown):
    assert seen(greeted(), line) == shown


def test_a_response_is_stars():
    speech = greeted(("AUTH PLAIN", b"+ \r\n"))
    assert seen(speech, "/w==") == "****"
    assert seen(speech, ".quit") == ".quit"
    assert not may_keep(speech, "AGE=")


@pytest.mark.parametrize(
    ("line", "kept"),
    [("STAT", True), ("PASS x", False), ("PASS", True), (".show 1", True), (".respond x", False),
     (".say PASS x", False), (".say STAT", True), ("tanstaaf", False)],
)  # fmt: skip
def test_what_may_be_kept(line, kept):
    assert may_keep(greeted(), line) is kept


def test_tab_offers_what_may_be_said():
    (found,) = VerbCompleter(greeted()).get_completions(Document("us"), CompleteEvent())
    assert (found.text, found.start_position, found.display_text) == ("USER ", -2, "USER")
    assert found.display_meta_text == "whose maildrop; PASS follows (RFC 1939 s7)"


async def test_the_line_below_tells_where_we_stand():
    conversation, _, _ = await begin(Pop3Speech(), b"+OK\r\n", (b"AUTH PLAIN\r\n", b"+ \r\n"), hangs=True)
    below = fragment_list_to_text(toolbar(conversation, ""))
    assert " ".join(below.split()) == "POP3 authorization no TLS AUTH CAPA LANG QUIT STLS USER UTF8 .help"
    assert "USER name: whose maildrop" in fragment_list_to_text(toolbar(conversation, "user m"))
    assert ".login [NAME" in fragment_list_to_text(toolbar(conversation, ".login"))
    await conversation.say("AUTH PLAIN")
    assert "a response in base64" in fragment_list_to_text(toolbar(conversation, ""))


async def test_what_is_drawn(monkeypatch):
    drawn = []
    monkeypatch.setattr(talk_screen, "print_formatted_text", lambda text, **_: drawn.append(list(text)))
    printer = ScreenPrinter(is_plain=False)
    for told in (
        Said("STAT", True), Heard(b"+OK \x1b[2J", Tone.YES), Said("CAPA"), Heard(b"-ERR", Tone.NO),
        Heard(b"a", Tone.BODY, False), Heard(b"b", Tone.BODY), Heard(b"+ ", Tone.GO_ON), Remark("n\x07"),
        Remark("t", Mood.TEXT),
    ):  # fmt: skip
        printer(told)
    assert drawn == []
    await asyncio.sleep(0)
    (fragments,) = drawn
    assert fragment_list_to_text(fragments) == ("S: +OK \\x1b[2J\nC: CAPA\nS: -ERR\nS: ab\nS: + \n   n\\x07\nt\n")
    styles = {style for style, _ in fragments}
    assert {"class:yes", "class:no", "class:body", "class:go-on", "class:note", "class:text"} <= styles
    printer.flush()
    assert len(drawn) == 1
    printer(Heard(b"half", Tone.BODY, False))
    printer.end()
    assert fragment_list_to_text(drawn[1]) == "S: half\n"


def test_no_style_is_mixed_with_one_of_the_library() -> None:
    own = {name for names, _ in STYLE.style_rules for name in names.split() if not name.startswith("bottom-toolbar")}
    assert own
    for name in own:
        assert default_ui_style().get_attrs_for_style_str(f"class:{name}") == DEFAULT_ATTRS, name
