"""What a client's session promises: any server, any split, any window, and an end in any case."""

import asyncio
from collections.abc import Awaitable, Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from postane.client.errors import PopError
from postane.client.login import log_in
from postane.client.messages import Maildrop
from postane.client.pop3 import Pop3
from postane.client.session import Manner
from postane.credentials.base import Secret, SecretKind
from support.pop_links import CAPA, FakeServer, MemoryLink, made_messages

PATIENCE = 20.0
CUTS = st.lists(st.integers(1, 400), max_size=6)
WORDS = st.sampled_from(
    [
        *(b"+OK\r\n", b"-ERR no\r\n", b"-ERR [IN-USE] later\r\n", b"+OK 2 320\r\n", b"+ \r\n", b"+ QUJD\r\n", b"+OK\n"),
        *(
            b".\r\n",
            b".\n",
            b"1 120\r\n2 200\r\n",
            b"1 uid\r\n",
            b"SASL PLAIN CRAM-MD5\r\n",
            b"PIPELINING\r\n",
            b"STLS\r\n",
        ),
        *(b"Subject: x\r\n\r\n", b"..\r\n", b"\r\n.\r\n", b"\r", b"\xff\x00", b"+OK <1@h>\r\n"),
    ]
)
SAID = st.lists(st.lists(WORDS | st.binary(max_size=30), max_size=6).map(b"".join), max_size=30)


async def drive(pop: Pop3) -> list[object]:
    """All that a session can be asked; what came of it."""
    seen: list[object] = []

    async def note(what: Callable[[], Awaitable[object]]) -> None:
        try:
            seen.append(await what())
        except PopError as error:
            seen.append((type(error), error.text))

    async def listed() -> object:
        return [item async for items in pop.listing(3) for item in items]

    async def retrieved() -> object:
        return [(each.error and each.error.text) or await each.read() async for each in pop.retrieve([1, 2, 3, 4])]

    async def topped() -> object:
        return [(each.error and each.error.text) or await each.read() async for each in pop.tops([1, 2], 0)]

    async def in_all() -> object:
        return [(message.uidl, str(await message.headers())) async for message in Maildrop(pop).messages()]

    await note(pop.greet)
    if pop.is_usable:
        await note(lambda: log_in(pop, "mrose", Secret(SecretKind.PASSWORD, "secret")))
        for what in (pop.stat, listed, retrieved, topped, in_all, lambda: pop.delete([1, 2, 3]), pop.last, pop.quit):
            await note(what)
    pop.abort()
    return seen


def run(said: list[bytes], cuts: list[int], window: int) -> list[object]:
    """The session, over a server that says these things, one for each line, and then closes."""

    async def main() -> list[object]:
        words = iter(said[1:])

        def answer(_: bytes) -> bytes:
            word = next(words, None)
            if word is None:
                link.end()
            return word or b""

        link = MemoryLink(said[0] if said else b"", answer, cuts=cuts)
        if len(said) < 2:
            link.end()
        link.is_stuck = True  # a server that says nothing is not waited for for ever
        async with asyncio.timeout(PATIENCE):
            return await drive(Pop3(link, Manner(window=window)))

    return asyncio.run(main())


@settings(deadline=None)
@given(SAID, CUTS, st.integers(1, 100))
@example([b"+OK\r\n", b"+OK\r\nPIPELINING\r\n.\r\n", b"+OK\r\n", b"+OK\r\n"], [], 50)
def test_any_server_gives_results_or_errors_and_an_end(said: list[bytes], cuts: list[int], window: int) -> None:
    assert run(said, cuts, window)


@settings(deadline=None)
@given(SAID, CUTS)
def test_what_is_read_of_one_session_does_not_hang_on_how_it_was_cut(said: list[bytes], cuts: list[int]) -> None:
    """One command at a time, each answered in one piece or in many. What follows an answer that should not be there is
    found earlier or later: so each word here is one line, or one line and a body."""
    plain = [word if word.endswith(b"\n") and word.count(b"\n") == 1 else b"-ERR no\r\n" for word in said]
    plain = [word for word in plain if not word.startswith(b".")]
    assert run(plain, cuts, 1) == run(plain, [], 1) == run(plain, [1], 1)


@settings(deadline=None)
@given(
    st.integers(0, 90),
    st.integers(0, 99),
    st.integers(1, 100),
    CUTS,
    st.frozensets(st.integers(1, 90), max_size=9),
    st.booleans(),
    st.lists(st.sampled_from(["read", "chunks", "some", "leave"]), min_size=1, max_size=9),
)
def test_a_window_of_any_size_gives_each_message_or_its_refusal(
    count: int, seed: int, window: int, cuts: list[int], refused: frozenset[int], is_pipelining: bool, ways: list[str]
) -> None:
    messages = made_messages(count, seed)

    async def main() -> None:
        server = FakeServer(messages, refused=refused, offers=CAPA if is_pipelining else ())
        link = MemoryLink(b"+OK ready\r\n", server, cuts=cuts)
        pop = Pop3(link, Manner(window=window))
        await pop.greet()
        numbers = []
        async for incoming in pop.retrieve(range(1, count + 1)):
            numbers.append(incoming.number)
            assert (incoming.error is not None) == (incoming.number in refused)
            way = ways[incoming.number % len(ways)] if incoming.error is None else "leave"
            expected = messages[incoming.number - 1]
            if way == "read":
                assert await incoming.read() == expected
            elif way == "chunks":
                assert b"".join([chunk async for chunk in incoming.chunks()]) == expected
            elif way == "some":
                async for chunk in incoming.chunks():
                    assert expected.startswith(chunk)
                    break
        assert numbers == list(range(1, count + 1))
        assert max((write.count(b"RETR") for write in link.writes), default=0) <= (window if is_pipelining else 1)
        outcomes = await pop.delete(range(1, count + 1))
        assert {each.number for each in outcomes if each.error} == {n for n in refused if n <= count}
        assert (await pop.stat()).count == count

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


@settings(deadline=None)
@given(st.integers(1, 40), CUTS, st.integers(0, 60), st.integers(1, 100))
def test_cancelled_anywhere_a_session_is_over_or_in_order(count: int, cuts: list[int], steps: int, window: int) -> None:
    """What is answered after a cancellation is the answer to what was asked."""
    messages = made_messages(count)

    async def main() -> None:
        link = MemoryLink(b"+OK ready\r\n", FakeServer(messages), cuts=cuts)
        pop = Pop3(link, Manner(window=window))
        await pop.greet()

        async def work() -> None:
            async for items in pop.listing(5):
                await asyncio.sleep(0)
                del items
            async for incoming in pop.retrieve(range(1, count + 1)):
                await asyncio.sleep(0)
                async for _ in incoming.chunks():
                    await asyncio.sleep(0)

        task = asyncio.create_task(work())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        try:
            assert (await pop.stat()).count == count
        except PopError:
            assert not pop.is_usable
            assert link.is_closed

    asyncio.run(asyncio.wait_for(main(), PATIENCE))
