"""Texts with values, in English and in another language."""

import pytest

from postane.wire.phrases import Phrase, Tongue, counted, phrase

WORDS = {"hello {name}": "selam {name}", "bye": "hoşça kal"}
TONGUE = Tongue("tr", "Türkçe", lambda one, many, count: WORDS.get(one, one if count == 1 or not many else many))


@pytest.mark.parametrize(("count", "words"), [(1, "1 message of x"), (0, "0 messages of x"), (7, "7 messages of x")])
def test_a_number_chooses_the_form(count, words):
    text = counted("{count} message of {name}", "{count} messages of {name}", count, name="x")
    assert str(text) == words == TONGUE.say(text) == Tongue("en", "English").say(text)


def test_values_are_put_into_the_words_of_the_language():
    assert str(phrase("hello {name}", name="{name}")) == "hello {name}"
    assert TONGUE.say(phrase("hello {name}", name="Gül")) == "selam Gül"


def test_a_text_without_values_stands_for_itself():
    assert TONGUE.say("bye") == "hoşça kal"
    assert TONGUE.say("{not} a place") == "{not} a place"
    assert TONGUE.say("") == ""
    assert str(Phrase("bye")) == "bye"
