"""Which language a client means."""

import pytest

from postane.pop3.languages import ENGLISH, Languages
from postane.wire.phrases import Tongue

GERMAN = Tongue("de", "Deutsch", lambda one, many, count: one)
SWISS = Tongue("de-CH", "Schwyzerdütsch", lambda one, many, count: one)
LANGUAGES = Languages((ENGLISH, GERMAN, SWISS), preferred=SWISS)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("de", GERMAN),
        ("DE", GERMAN),
        ("de-AT-1996", GERMAN),
        ("de-ch", SWISS),
        ("de-CH-x-swiss", SWISS),  # RFC 4647 s3.4: a single letter goes with what follows it
        ("en-GB", ENGLISH),
        ("i-default", ENGLISH),
        ("*", SWISS),
        ("mul", None),
        ("d", None),
        ("", None),
        ("-", None),
        ("de_DE", None),
        ("ü", None),
    ],
)
def test_a_range_is_looked_up(wanted, found):
    assert LANGUAGES.find(wanted) is found


def test_there_is_a_choice_from_two_on():
    assert LANGUAGES
    assert not Languages()


def test_the_listing_has_tags_and_names():
    assert LANGUAGES.listing().decode() == "en English\r\nde Deutsch\r\nde-CH Schwyzerdütsch\r\n"
