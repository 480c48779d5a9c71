"""The examples of docs/library.md do what the page says: each is run as it stands, but for the server's address."""

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.pop_links import CAPA, FakeServer, playing
from support.scripted import Play, serving

PAGE = Path(__file__).parent.parent / "docs" / "library.md"
EXAMPLES = [
    (title, code)
    for title, text in re.findall(r"^## (.+?)$(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
]
LETTER = b"Subject: dinner\r\n\r\nAt eight.\r\n"


@contextlib.contextmanager
def served(play: Play) -> Iterator[int]:
    """A server on a loop of its own thread; gives its port."""
    loop = asyncio.new_event_loop()
    ports: list[int] = []
    is_ready, ending = threading.Event(), asyncio.Event()

    async def run() -> None:
        async with serving(play) as port:
            ports.append(port)
            is_ready.set()
            await ending.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        assert is_ready.wait(20)
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join()
        loop.close()


def pop2(messages: list[bytes]) -> Play:
    """As much of POP2 as an example says (RFC 937)."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+ POP2 ready\r\n")
        number = 1
        while line := (await reader.readline()).strip():
            verb = line.split()[0]
            number += verb in (b"ACKS", b"ACKD")
            length = len(messages[number - 1]) if number <= len(messages) else 0
            if verb == b"RETR":
                writer.write(messages[number - 1])
            else:
                writer.write(
                    {b"HELO": b"#%d\r\n" % len(messages), b"QUIT": b"+ bye\r\n"}.get(verb, b"=%d\r\n" % length)
                )
            await writer.drain()
            if verb == b"QUIT":
                return

    return play


@pytest.mark.parametrize(("title", "code"), EXAMPLES, ids=[f"{title}-{n}" for n, (title, _) in enumerate(EXAMPLES)])
def test_the_example_runs(title, code, capsys):
    server = FakeServer([LETTER, LETTER], password=b"tanstaaf", offers=(*CAPA,))
    with served(pop2([LETTER, LETTER]) if "pop2" in code else playing(server)) as port:
        here = re.sub(r"pop(\d)s?://mrose@pop\.example\.org", rf"pop\1://mrose@127.0.0.1:{port}", code)
        here = here.replace('poplib.POP3("pop.example.org")', f'poplib.POP3("127.0.0.1", {port})')
        assert here != code
        exec(compile(here, f"docs/library.md: {title}", "exec"), {"__name__": "example"})
    printed = capsys.readouterr().out
    assert (server.deleted == {1, 2}) == title.startswith("Delete")
    assert printed or title.startswith("Delete")
    if title == "Logging in":
        assert printed == "PLAIN: no\n"
    elif "subject" in code:
        assert printed.count("dinner") == 2


def test_every_option_and_every_error_is_told():
    from postane import client
    from postane.client.opening import Options

    page = PAGE.read_text()
    options = set(Options.__annotations__)
    assert not {name for name in options if f"`{name}`" not in page}
    errors = {
        name
        for name in client.__all__
        if isinstance(getattr(client, name), type) and issubclass(getattr(client, name), Exception)
    }
    assert not {name for name in errors if f"`{name}`" not in page}
