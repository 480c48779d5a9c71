"""How fetching is shown."""

import io

import pytest
from rich.console import Console

from postane.cli.fetch_show import _table
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.progress import Progress


@pytest.mark.parametrize("words", ["[/nothing] to close", "[link=https://evil.example]here", "[bold]x :warning:"])
def test_what_a_server_says_is_no_markup(words):
    progress = Progress("[/work]", lambda: 0.0)
    progress.begin()
    progress.end(FetchError(f"RETR was refused: {words}", Trouble.TEMPORARY))
    screen = io.StringIO()
    Console(file=screen, width=200, color_system=None).print(_table([progress]))
    assert words in screen.getvalue()
    assert "[/work]" in screen.getvalue()
