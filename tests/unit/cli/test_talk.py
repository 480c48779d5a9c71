"""The command: who is at a terminal and who is not."""

import pytest

from postane.cli import talk as module
from postane.cli.talk_options import TalkOptions
from postane.cli.words import Exit, Failure


@pytest.mark.parametrize(
    ("options", "at_terminal", "place"),
    [({}, True, "terminal"), ({}, False, "pipe"), ({"json": True}, True, "pipe"), ({"bare": True}, True, "pipe")],
)
def test_where_the_conversation_is_held(monkeypatch, options, at_terminal, place):
    held = []

    async def hold(options: TalkOptions) -> int:
        held.append(place)
        return 0

    monkeypatch.setattr(f"postane.cli.talk_{place}.talk_{'at' if place == 'terminal' else 'in'}_{place}", hold)
    monkeypatch.setattr("sys.stdin.isatty", lambda: at_terminal, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: at_terminal, raising=False)
    module.talk(TalkOptions("pop3://h", **options))
    assert held == [place]


def test_what_contradicts_itself_is_refused():
    with pytest.raises(Failure) as caught:
        module.talk(TalkOptions("pop3://h", json=True, bare=True))
    assert caught.value.code is Exit.USAGE
