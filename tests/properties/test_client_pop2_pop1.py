"""POP2 and POP1 for programs, whatever the server says: messages or PopError, and any split gives the same."""

import asyncio

from hypothesis import example, given
from hypothesis import strategies as st

from postane.client.errors import PopError
from postane.client.pop1 import Pop1
from postane.client.pop2 import Pop2
from support.dialogue import DialogueLink

LETTER = b"Subject: x\r\n\r\nFrom here\r\n>From there\r\n"
MAILBOX = b"From a@b Sat Jan  3 01:05:34 1996\r\n>From x\r\n.\r\n\r\nFrom b@c Sat Jan  3 01:05:34 1996\r\n\r\n"
POP2 = b"+ POP2 x\r\n#2\r\n=%d\r\n%b=%d\r\n%b=0\r\n+ bye\r\n" % (len(LETTER), LETTER, len(LETTER), LETTER)
POP1 = b"+OK\r\n+OK\r\n+OK\r\n#%d\r\n%b+OK\r\n+OK\r\n" % (len(MAILBOX), MAILBOX)

WORDS = st.sampled_from([
    *(b"\r\n", b"\n", b" ", b"+", b"-", b"#", b"=", b"1", b"3", b"99", b"POP2 x", b"OK", b"ERR", b"From ", b">", b"\0"),
    *(b"+ POP2 x\r\n", b"#1\r\n", b"=5\r\n", b"+OK\r\n", b"#50\r\n", MAILBOX, LETTER, b"\xff"),
])  # fmt: skip
NOISE = st.lists(WORDS, max_size=30).map(b"".join)


@st.composite
def damaged(draw, octets):
    """A dialogue with a piece of it replaced."""
    start = draw(st.integers(0, len(octets)))
    stop = draw(st.integers(start, min(len(octets), start + 20)))
    return octets[:start] + draw(NOISE) + octets[stop:]


async def read_pop2(octets, piece):
    """What a program sees; the server says it all at once, whatever it is asked."""
    seen = []
    pop = Pop2(DialogueLink(octets, piece=piece))
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


async def read_pop1(octets, piece):
    """The same for a mailbox."""
    seen = []
    pop = Pop1(DialogueLink(octets, piece=piece))
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


@given(NOISE | damaged(POP2), st.integers(1, 9))
@example(POP2, 1)
def test_pop2(octets, piece):
    assert asyncio.run(read_pop2(octets, piece)) == asyncio.run(read_pop2(octets, 65536))


@given(NOISE | damaged(POP1), st.integers(1, 9))
@example(POP1, 1)
def test_pop1(octets, piece):
    assert asyncio.run(read_pop1(octets, piece)) == asyncio.run(read_pop1(octets, 65536))


def test_what_is_not_damaged_is_read():
    assert asyncio.run(read_pop2(POP2, 7)) == [LETTER, LETTER, "committed"]
    assert asyncio.run(read_pop1(POP1, 7)) == [b"From x\r\n.\r\n", b"", "accepted"]
