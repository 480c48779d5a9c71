"""A maildrop of messages: one by one, many at once, deleted all or not at all."""

import asyncio

import pytest

from postane.client import connect
from postane.client.errors import ConnectionLost, Misbehaved, NotOffered, Refused, SysTemp
from postane.client.messages import Fetched, Maildrop
from postane.testing.faults import EndlessLine
from postane.testing.hostile import hostile_server
from support.pop_links import CAPA, FakeServer, entered, made_messages

LETTER = b"From: a@example.org\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\nHello.\r\n"
WITHOUT_TOP = tuple(line for line in CAPA if line != b"TOP")


async def opened(server, **how):
    pop, link = await entered(server, **how)
    return Maildrop(pop), link


async def test_messages_one_by_one():
    server = FakeServer([LETTER, b"Subject: two\r\n\r\n" + b"x" * 5000 + b"\r\n"])
    maildrop, _ = await opened(server, cuts=(700,))
    async with maildrop:
        seen = []
        async for message in maildrop.messages():
            headers, whole = await message.headers(), await message.fetch()
            seen.append((message.number, message.octets, message.uidl, headers["subject"], whole["subject"]))
            assert not headers.get_payload()
            assert await message.raw() == server.messages[message.number - 1]
            assert b"".join([piece async for piece in message.stream()]) == server.messages[message.number - 1]
    assert [each[2:] for each in seen] == [("u1", "café", "café"), ("u2", "two", "two")]
    assert server.is_committed


async def test_headers_without_top_are_cut_out_of_the_message():
    server = FakeServer([LETTER], offers=WITHOUT_TOP, replies={b"TOP": b"-ERR what\r\n"})
    maildrop, link = await opened(server)
    for _ in range(2):
        async for message in maildrop.messages():
            assert (await message.headers())["subject"] == "café"
    assert link.lines.count(b"RETR 1") == 2


@pytest.mark.parametrize("has_top", [True, False])
@pytest.mark.parametrize("cuts", [(), (30,)])
async def test_many_headers_at_once(has_top, cuts):
    replies = {} if has_top else {b"TOP": b"-ERR what\r\n"}
    offers = CAPA if has_top else WITHOUT_TOP
    messages = [b"Subject: %d\r\n\r\n" % number + b"x" * 5000 + b"\r\n" for number in range(1, 31)]
    maildrop, link = await opened(
        FakeServer(messages, offers=offers, replies=replies, refused=frozenset({4})), cuts=cuts
    )
    for _ in range(2):
        fetched = {each.number: each async for each in maildrop.headers_many(range(1, 31))}
        assert [number for number, each in fetched.items() if each.error] == [4]
        assert all(each.octets == b"Subject: %d\r\n\r\n" % n for n, each in fetched.items() if n != 4)
        assert fetched[5].parse()["subject"] == "5"
    assert any(line.startswith(b"RETR") for line in link.lines) != has_top
    assert (await maildrop.stat()).count == 30


async def test_a_header_part_without_an_end_is_cut():
    maildrop, _ = await opened(FakeServer([b"Subject: x\r\nX: " + b"y" * 3_000_000 + b"\r\n\r\n"]), cuts=(65536,))
    async for message in maildrop.messages():
        assert (await message.headers())["subject"] == "x"


async def test_leaving_well_deletes_what_was_marked():
    server = FakeServer([LETTER] * 3)
    maildrop, link = await opened(server)
    async with maildrop:
        async for message in maildrop.messages():
            if message.number != 2:
                await message.delete()
        assert (await maildrop.stat()).count == 3
    assert (server.deleted, server.is_committed, link.is_closed) == ({1, 3}, True, True)


@pytest.mark.parametrize("error", [ValueError, KeyError])
async def test_an_exception_deletes_nothing(error):
    server = FakeServer([LETTER] * 3)
    maildrop, link = await opened(server)

    async def work():
        async with maildrop:
            await maildrop.delete([1, 2])
            raise error

    with pytest.raises(error):
        await work()
    assert (server.deleted, server.is_committed) == (set(), True)
    assert link.lines[-2:] == [b"RSET", b"QUIT"]


async def test_an_exception_among_messages_that_are_on_their_way_closes_at_once():
    server = FakeServer(made_messages(50))
    maildrop, link = await opened(server)

    async def work():
        async with maildrop:
            async for _ in maildrop.fetch_many(range(1, 51)):
                raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await work()
    assert link.is_aborted
    assert not server.is_committed


async def test_cancelled_it_closes_at_once():
    server = FakeServer([LETTER])
    maildrop, link = await opened(server)

    async def work():
        async with maildrop:
            await maildrop.delete([1])
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert link.is_aborted
    assert not server.is_committed


async def test_a_connection_that_was_lost_is_told_once():
    maildrop, link = await opened(FakeServer([LETTER], replies={b"STAT": b""}))
    link.end()
    with pytest.raises(ConnectionLost):
        async with maildrop:
            await maildrop.stat()


async def test_many_at_once_with_a_result_or_an_error_each():
    server = FakeServer(made_messages(120), refused=frozenset({5}))
    maildrop, _ = await opened(server, cuts=(4000,))
    told: list[tuple[int, int]] = []
    got = {}
    messages = [message async for message in maildrop.messages()]
    async for fetched in maildrop.fetch_many(messages, lambda done, total: told.append((done, total))):
        got[fetched.number] = fetched
    assert all(got[n].raw == server.messages[n - 1] for n in got if n != 5)
    assert got[6].parse()["subject"] == "6"
    with pytest.raises(Refused):
        got[5].parse()
    total = sum(map(len, server.messages))
    assert told[-1] == (total - len(server.messages[4]), total)
    assert told == sorted(told)


async def test_wrong_sizes_do_not_make_the_progress_go_beyond_its_end():
    server = FakeServer([LETTER] * 4, replies={b"LIST": b"+OK\r\n1 1\r\n2 1\r\n3 1\r\n4 1\r\n.\r\n"})
    maildrop, _ = await opened(server)
    told: list[tuple[int, int]] = []
    messages = [message async for message in maildrop.messages()]
    async for _ in maildrop.fetch_many(messages, lambda done, total: told.append((done, total))):
        pass
    assert told[-1] == (4 * len(LETTER), 4 * len(LETTER))
    assert all(done <= total for done, total in told)


async def test_what_is_deleted_while_others_are_on_their_way_is_marked_later():
    server = FakeServer(made_messages(200), refused=frozenset())
    maildrop, _ = await opened(server)
    async with maildrop:
        async for fetched in maildrop.fetch_many(range(1, 201)):
            assert fetched.raw == server.messages[fetched.number - 1]
            await maildrop.delete([fetched.number])
    assert len(server.deleted) == 200
    assert server.is_committed


async def test_a_deletion_that_is_refused_is_told_and_the_others_are_done():
    server = FakeServer([LETTER] * 3, refused=frozenset({2}))
    maildrop, _ = await opened(server)
    with pytest.raises(Refused, match="DELE was refused"):
        async with maildrop:
            await maildrop.delete([1, 2, 3])
    # the exception left the context, so nothing is committed
    assert server.deleted == set()


async def test_a_deletion_that_is_refused_at_the_end_is_told_and_the_others_are_done():
    class Strict(FakeServer):
        def dele(self, word):
            return b"-ERR no\r\n" if word == b"2" else super().dele(word)

    server = Strict([LETTER] * 3)
    maildrop, _ = await opened(server)

    async def work():
        async with maildrop:
            async for fetched in maildrop.fetch_many([1, 2, 3]):
                if fetched.number < 3:
                    await maildrop.delete([fetched.number])

    with pytest.raises(Refused, match="DELE was refused"):
        await work()
    assert (server.deleted, server.is_committed) == ({1}, True)


@pytest.mark.parametrize("offers", [CAPA, tuple(line for line in CAPA if line != b"PIPELINING")])
async def test_each_may_be_deleted_as_it_comes(offers):
    server = FakeServer(made_messages(7), offers=offers)
    maildrop, _ = await opened(server)
    async with maildrop:
        async for fetched in maildrop.fetch_many(range(1, 8)):
            await maildrop.delete([fetched.number])
            assert fetched.raw == server.messages[fetched.number - 1]
    assert server.deleted == set(range(1, 8))


async def test_quit_refused_is_told():
    server = FakeServer([LETTER], replies={b"QUIT": b"-ERR [SYS/TEMP] some deleted messages not removed\r\n"})
    maildrop, _ = await opened(server)
    with pytest.raises(SysTemp):
        async with maildrop:
            await maildrop.delete([1])


async def test_roll_back_says_nothing_of_a_server_that_is_gone():
    maildrop, link = await opened(FakeServer([LETTER], replies={b"RSET": b""}))
    link.end()
    await maildrop.roll_back()
    assert link.is_aborted


async def test_a_large_listing_is_kept_small():
    count = 20_000
    listing = b"".join(b"%d 100\r\n" % n for n in range(1, count + 1))
    uidls = b"".join(b"%d %032x\r\n" % (n, n) for n in range(1, count + 1))
    replies = {b"LIST": b"+OK\r\n" + listing + b".\r\n", b"UIDL": b"+OK\r\n" + uidls + b".\r\n"}
    maildrop, _ = await opened(FakeServer(replies=replies), cuts=(65536,))
    got = [(each.number, each.octets, each.uidl) async for each in maildrop.messages()]
    assert got == [(n, 100, f"{n:032x}") for n in range(1, count + 1)]


async def test_capabilities_are_those_of_the_session():
    maildrop, _ = await opened(FakeServer([]))
    capabilities = await maildrop.capabilities()
    assert capabilities is not None
    assert capabilities.implementation == "Fake"
    assert NotOffered("x").may_pass is False


@pytest.mark.parametrize("is_listed", [True, False])
async def test_a_message_without_an_end_is_not_held(monkeypatch, is_listed):
    monkeypatch.setattr("postane.client.listing.UNLISTED", 2**20)
    monkeypatch.setattr("postane.client.listing.SURPLUS", 2**20)
    async with hostile_server([b"Subject: x\r\n\r\n"], [EndlessLine(1, 10**10)]) as server:
        maildrop = await connect(server.url, password=server.account.password)
        messages = [message async for message in maildrop.messages()] if is_listed else [1]
        with pytest.raises(Misbehaved, match="message 1 has no end"):
            [fetched async for fetched in maildrop.fetch_many(messages)]
        assert not maildrop.pop.is_usable


async def test_what_is_deleted_while_others_are_on_their_way_is_not_listed_again():
    maildrop, link = await opened(FakeServer([LETTER] * 3))
    async for fetched in maildrop.fetch_many([1, 2, 3]):
        await maildrop.delete([fetched.number])
        break
    async for _ in maildrop.messages():
        pass
    assert link.lines.index(b"DELE 1") < link.lines.index(b"LIST")


@pytest.mark.parametrize("is_underway", [False, True])
async def test_who_rolls_back_himself_may_leave_well(is_underway):
    server = FakeServer([LETTER] * 3)
    maildrop, _ = await opened(server)
    async with maildrop:
        await maildrop.delete([1])
        if is_underway:
            await anext(maildrop.fetch_many([2, 3]))
        await maildrop.roll_back()
    assert server.is_committed != is_underway  # cut off without a QUIT
    assert is_underway or not server.deleted


async def test_a_session_that_was_cut_by_somebody_else_is_not_left_well():
    maildrop, link = await opened(FakeServer([LETTER]))
    await maildrop.delete([1])
    link.abort()
    with pytest.raises(ConnectionLost):
        await maildrop.commit()


async def test_what_is_no_message_of_this_session_is_refused_before_anything_is_said():
    """A number means another message in the next session; and the letters of "12" are two numbers."""
    maildrop, link = await opened(FakeServer([LETTER] * 3))
    other, _ = await opened(FakeServer([LETTER] * 3))
    strange = [message async for message in other.messages()]
    said = len(link.lines)
    for wrong, kind, words in (
        ("12", TypeError, "not '1'"),
        ([1, "2"], TypeError, "not '2'"),
        ([1.0], TypeError, "not 1.0"),
        ([1, 0], ValueError, "numbered from 1"),
        (strange, ValueError, "is of another session"),
        (1, TypeError, r"give a list, \[1\]"),
    ):
        with pytest.raises(kind, match=words):
            await maildrop.delete(wrong)
        for fetch in (maildrop.fetch_many, maildrop.headers_many):
            with pytest.raises(kind, match=words):
                await anext(fetch(wrong))
    assert len(link.lines) == said
    await maildrop.commit()
    assert not any(line.startswith(b"DELE") for line in link.lines)


async def test_messages_may_be_given_as_they_are_listed():
    server = FakeServer(made_messages(5))
    maildrop, _ = await opened(server)
    assert [each.raw async for each in maildrop.fetch_many(maildrop.messages())] == server.messages
    assert len([each async for each in maildrop.headers_many(maildrop.messages())]) == 5
    await maildrop.delete(maildrop.messages())
    await maildrop.commit()
    assert server.deleted == {1, 2, 3, 4, 5}


def test_who_looks_at_what_was_fetched_sees_how_much_it_is():
    assert repr(Fetched(3, b"four")) == "<Fetched 3, 4 octets>"
    assert repr(Fetched(3, error=Refused("RETR", "no"))) == "<Fetched 3, RETR was refused: no>"


async def test_deletions_that_failed_are_told_once():
    maildrop, _ = await opened(FakeServer([LETTER], replies={b"QUIT": b"-ERR [SYS/TEMP] not all\r\n"}))
    async with maildrop:
        await maildrop.delete([1])
        with pytest.raises(SysTemp):
            await maildrop.commit()
