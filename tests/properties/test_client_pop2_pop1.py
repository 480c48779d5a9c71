"""POP2 and POP1 for programs, whatever the server says: messages or PopError, and any split gives the same."""

import asyncio

from hypothesis import example, given
from hypothesis import strategies as st

from postane.client.errors import Misbehaved, PopError
from postane.client.pop1 import Pop1
from postane.client.pop2 import Pop2
from support.dialogue import DialogueLink

LETTER = b"Subject: x\r\n\r\nFrom here\r\n>From there\r\n"
MAILBOX = b"From a@b Sat Jan  3 01:05:34 1996\r\n>From x\r\n.\r\n\r\nFrom b@c Sat Jan  3 01:05:34 1996\r\n\r\n"
LENGTH = b"=%d\r\n" % len(LETTER)
POP2 = [b"+ POP2 x\r\n", b"#2\r\n", LENGTH, LETTER, LENGTH, LETTER, b"=0\r\n", b"+ bye\r\n"]
POP1 = [b"+OK\r\n", b"+OK\r\n", b"+OK\r\n", b"#%d\r\n" % len(MAILBOX), MAILBOX, b"+OK\r\n", b"+OK\r\n"]

WORDS = st.sampled_from([
    *(b"\r\n", b"\n", b" ", b"+", b"-", b"#", b"=", b"1", b"3", b"99", b"POP2 x", b"OK", b"ERR", b"From ", b">", b"\0"),
    *(b"+ POP2 x\r\n", b"#1\r\n", b"=5\r\n", b"+OK\r\n", b"#50\r\n", MAILBOX, LETTER, b"\xff"),
])  # fmt: skip
NOISE = st.lists(WORDS, max_size=30).map(b"".join)


@st.composite
def damaged(draw, replies):
    """A dialogue with a piece of one reply replaced."""
    place = draw(st.integers(0, len(replies) - 1))
    octets = replies[place]
    start = draw(st.integers(0, len(octets)))
    stop = draw(st.integers(start, min(len(octets), start + 20)))
    return [*replies[:place], octets[:start] + draw(NOISE) + octets[stop:], *replies[place + 1 :]]


class RecitingLink(DialogueLink):
    """The server says one thing after the other, whatever it is asked, and then closes its side. A wait gives `piece`
    octets at most; who asks what lies there gets all of it."""

    def __init__(self, replies, *, piece):
        super().__init__(b"".join(replies[:1]), piece=piece)
        self._replies = list(replies[1:])

    def write(self, octets):
        if self._replies:
            self._coming += self._replies.pop(0)

    async def read(self):
        return super().read_now() or b""

    def read_now(self):
        octets, self._coming = self._coming, b""
        return octets or None


async def read_pop2(replies, piece):
    """What a program sees."""
    seen = []
    pop = Pop2(RecitingLink(replies, piece=piece))
    try:
        await pop.greet()
        async with pop:
            await pop.log_in("ayse", "gizli")
            async for message in pop.messages():
                seen.append(await message.raw())
                assert len(seen[-1]) == message.octets
                await message.delete()
        seen.append("committed")
    except PopError as error:
        seen.append(type(error))
    return seen


async def read_pop1(replies, piece):
    """The same for a mailbox."""
    seen = []
    pop = Pop1(RecitingLink(replies, piece=piece))
    try:
        await pop.greet()
        async with pop:
            await pop.log_in("ayse", "gizli")
            mailbox = await pop.mailbox(deletes=True)
            seen += [await message.raw() async for message in mailbox.messages()]
            await mailbox.accept()
        seen.append("accepted")
    except PopError as error:
        seen.append(type(error))
    return seen


@given(st.lists(NOISE, max_size=10) | damaged(POP2), st.integers(1, 9))
@example(POP2, 1)
def test_pop2(replies, piece):
    assert asyncio.run(read_pop2(replies, piece)) == asyncio.run(read_pop2(replies, 65536))


@given(st.lists(NOISE, max_size=10) | damaged(POP1), st.integers(1, 9))
@example(POP1, 1)
def test_pop1(replies, piece):
    assert asyncio.run(read_pop1(replies, piece)) == asyncio.run(read_pop1(replies, 65536))


def test_what_is_not_damaged_is_read():
    assert asyncio.run(read_pop2(POP2, 7)) == [LETTER, LETTER, "committed"]
    assert asyncio.run(read_pop1(POP1, 7)) == [b"From x\r\n.\r\n", b"", "accepted"]


def test_who_says_it_all_at_once_answers_nothing():
    """What came before it was asked for is no answer, be it the right one."""
    for piece in (1, 65536):
        assert asyncio.run(read_pop2([b"".join(POP2)], piece)) == [Misbehaved]
        assert asyncio.run(read_pop1([b"".join(POP1)], piece)) == [Misbehaved]
