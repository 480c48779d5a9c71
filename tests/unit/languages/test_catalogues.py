"""The catalogues are read as they were written."""

import pytest

from postane.languages.catalogues import NAMES, load_tongues
from postane.wire.phrases import counted, phrase


@pytest.fixture(scope="module")
def tongues():
    return {tongue.tag: tongue for tongue in load_tongues()}


def test_there_are_six(tongues):
    assert list(tongues) == list(NAMES) == ["en", "de", "es", "fr", "ja", "tr"]
    assert tongues["ja"].name == "日本語"


@pytest.mark.parametrize(
    ("tag", "words"),
    [("en", "send PASS"), ("tr", "PASS gönderin"), ("fr", "envoyez PASS"), ("ja", "PASS を送ってください")],
)
def test_a_text_is_said(tongues, tag, words):
    assert tongues[tag].say("send PASS") == words


@pytest.mark.parametrize(
    ("tag", "count", "words"),
    [
        ("de", 1, "1 Nachricht (9 Oktette)"),
        ("de", 0, "0 Nachrichten (9 Oktette)"),
        ("fr", 0, "0 message (9 octets)"),
        ("fr", 2, "2 messages (9 octets)"),
        ("tr", 2, "2 ileti (9 sekizli)"),
        ("ja", 1, "1 通 (9 オクテット)"),
    ],
)
def test_a_number_chooses_the_form_of_the_language(tongues, tag, count, words):
    assert (
        tongues[tag].say(
            counted("{count} message ({octets} octets)", "{count} messages ({octets} octets)", count, octets=9)
        )
        == words
    )


def test_what_is_not_known_stays_english(tongues):
    assert tongues["tr"].say(phrase("{x} and {y}", x=1, y=2)) == "1 and 2"
    assert tongues["tr"].say("") == ""
