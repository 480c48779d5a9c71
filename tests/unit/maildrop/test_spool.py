"""Messages on their way in: where they go, in which blocks, and the facts of lead and body together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.mail.measure import measure
from postane.maildrop.base import StoreFull
from postane.maildrop.memory_blobs import MemoryBlobs, MemoryUpload
from postane.maildrop.spool import BLOCK, JoinedSpool, joined_facts
from postane.wire.dots import has_dotted_line


class Uploads:
    """Makes uploads and notes the size of what is written to them."""

    def __init__(self):
        self.blocks = []
        self.pieces = []
        self.made = []
        self.failure = None

    def __call__(self):
        uploads = self

        class Noted(MemoryUpload):
            async def write(self, *pieces, is_undotted=False):
                if uploads.failure:
                    raise uploads.failure
                uploads.blocks.append(sum(map(len, pieces)))
                uploads.pieces.append(len(pieces))
                await super().write(*pieces, is_undotted=is_undotted)

        self.made.append(Noted())
        return self.made[-1]


async def test_a_small_message_needs_no_upload():
    uploads = Uploads()
    spool = JoinedSpool(uploads, inline=10)
    await spool.write(b"12345")
    await spool.write(b"678\r\n")
    body = await spool.finish()
    assert (body.octets, body.upload, uploads.made) == (b"12345678\r\n", None, [])
    await spool.discard()


async def test_a_large_one_is_written_in_large_blocks():
    uploads = Uploads()
    spool = JoinedSpool(uploads, inline=1000)
    for _ in range(1000):
        await spool.write(b"x" * 998 + b"\r\n")
    body = await spool.finish()
    assert min(uploads.blocks[:-1]) >= BLOCK
    assert max(uploads.blocks) < BLOCK + 1000
    assert body.facts == measure((b"x" * 998 + b"\r\n") * 1000)
    assert bytes(uploads.made[0].octets) == (b"x" * 998 + b"\r\n") * 1000
    assert await spool.finish() is body


@pytest.mark.parametrize(
    ("octets", "complete"), [(b"a", b"a\r\n"), (b"", b""), (b"a\r\n", b"a\r\n"), (b"\r", b"\r\r\n")]
)
@pytest.mark.parametrize("inline", [0, 100])
async def test_the_last_line_is_completed(octets, complete, inline):
    uploads = Uploads()
    spool = JoinedSpool(uploads, inline)
    for at in range(len(octets)):
        await spool.write(octets[at : at + 1])
    body = await spool.finish()
    stored = bytes(uploads.made[0].octets) if body.upload else body.octets
    assert stored == complete


async def test_a_failure_stays():
    uploads = Uploads()
    spool = JoinedSpool(uploads, inline=10)
    uploads.failure = StoreFull("full")
    with pytest.raises(StoreFull):
        await spool.write(b"x" * BLOCK)
    uploads.failure = None
    with pytest.raises(StoreFull):
        await spool.finish()


async def test_a_large_one_is_finished_where_it_is_to_be():
    side = MemoryBlobs()
    spool = JoinedSpool(side.begin, inline=10)
    await spool.write(b"0123456789abcdef")
    assert spool.finish_now() is None
    body = await spool.finish_in(side, "anna", "b1")
    assert body.facts == measure(b"0123456789abcdef\r\n")
    assert side.bodies == {("anna", "b1"): b"0123456789abcdef\r\n"}
    assert spool.finish_now() is await spool.finish() is body


async def test_one_that_could_not_be_finished_there_is_finished_nowhere():
    class Full(MemoryBlobs):
        async def place(self, upload, drop, name):
            raise StoreFull("full")

    spool = JoinedSpool(MemoryBlobs().begin, inline=10)
    await spool.write(b"0123456789abcdef")
    for side in (Full(), MemoryBlobs()):
        with pytest.raises(StoreFull):
            await spool.finish_in(side, "anna", "b1")
    with pytest.raises(StoreFull):
        await spool.finish()
    spool.discard_now()
    assert spool.finish_now() is None


LINES = st.lists(st.sampled_from([b".", b"..", b"", b"a: b", b" x", b".a", b"\0", b"\xff"]), max_size=8)


@given(LINES, st.lists(st.sampled_from([b"X-A: b", b"X-C: d\r\n\te"]), max_size=3))
def test_facts_of_both_are_those_of_the_whole(lines, fields):
    body = b"".join(line + b"\r\n" for line in lines)
    lead = b"".join(field + b"\r\n" for field in fields)
    joined, whole = joined_facts(lead, measure(body)), measure(lead + body)
    assert (joined.octets, joined.header_octets, joined.is_dotted) == (
        whole.octets,
        whole.header_octets,
        whole.is_dotted,
    )
    assert joined.digest == measure(lead).digest


async def test_large_pieces_are_handed_on_as_they_are_and_small_ones_together():
    uploads = Uploads()
    spool = JoinedSpool(uploads, inline=10)
    large, small = bytes(BLOCK // 2), bytes(BLOCK // 16)
    for octets in (large, large, *[small] * 16):
        await spool.write(octets)
    body = await spool.finish()
    assert uploads.pieces == [2, 1, 1], "the last ones are the line's end"
    assert body.facts == measure(large * 2 + small * 16 + b"\r\n")


@given(st.lists(st.sampled_from([b"a", b".b", b"\r\n", b"c\r\n", b".\r\n"]), max_size=12), st.integers(0, 4))
async def test_what_is_known_of_dotted_lines_is_true_of_what_is_handed_on(pieces, block):
    uploads = Uploads()
    spool = JoinedSpool(uploads, inline=0)
    for at, octets in enumerate(pieces):
        await spool.write(octets + bytes(BLOCK if at == block else 0), is_undotted=not has_dotted_line(octets))
    body = await spool.finish()
    assert body.upload is None or body.facts == measure(bytes(uploads.made[0].octets))
