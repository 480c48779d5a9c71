"""Header parts are held in memory as far as they are believed."""

import pytest

from postane.fetch.errors import FetchError, Trouble
from postane.fetch.header_part import read_header_part
from support.fetching import Given


async def test_a_header_part_in_pieces():
    assert await read_header_part(Given(1, b"Subject: x\r\n\r\n")) == b"Subject: x\r\n\r\n"


async def test_a_header_part_without_an_end():
    with pytest.raises(FetchError) as caught:
        await read_header_part(Given(3, b"Subject: x\r\n", surplus=5 * 1024 * 1024))
    assert caught.value.trouble is Trouble.PROTOCOL
    assert "message 3" in caught.value.text
