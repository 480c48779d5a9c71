"""Header parts are held in memory as far as they are believed."""

import pytest

from postane.fetch.errors import FetchError, Trouble
from postane.fetch.header_part import read_header_part, rest_note
from postane.journal.base import Listed
from support.fetching import Given


async def test_a_header_part_in_pieces():
    assert await read_header_part(Given(1, b"Subject: x\r\n\r\n")) == b"Subject: x\r\n\r\n"


async def test_a_header_part_without_an_end():
    with pytest.raises(FetchError) as caught:
        await read_header_part(Given(3, b"Subject: x\r\n", surplus=5 * 1024 * 1024))
    assert caught.value.trouble is Trouble.PROTOCOL
    assert "message 3" in caught.value.text


def test_where_the_rest_is_and_how_to_get_it():
    note = rest_note(Listed(4, "u;4", 5_000_000), "my work", "pop.example.org")
    assert note.decode().split("\r\n") == [
        "This message has 5000000 octets, more than are fetched; the rest of it is at pop.example.org.",
        "To have it whole, raise max_size of its account in fetch.toml. Then it comes again after:",
        "postane fetch state forget 'my work' 'u;4'",
        "",
    ]
    assert rest_note(Listed(4, "u4", 5), "Gülşen", "x").isascii()
