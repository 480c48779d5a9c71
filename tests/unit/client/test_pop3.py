"""The maildrop as a client sees it: listings of all kinds, and many messages with one of them refused."""

import asyncio

import pytest

from postane.client.errors import ConnectionLost, Misbehaved, NotOffered, Refused, SysTemp, TimedOut
from postane.client.listing import Item
from postane.client.pop3 import Stats
from support.pop_links import CAPA, FakeServer, entered, made_messages


def without(*names: bytes) -> tuple[bytes, ...]:
    return tuple(line for line in CAPA if line not in names)


async def listed(pop, piece=1000) -> list[Item]:
    return [item async for items in pop.listing(piece) for item in items]


@pytest.mark.parametrize("cuts", [(), (1,), (7, 3)])
@pytest.mark.parametrize("offers", [CAPA, without(b"PIPELINING"), without(b"UIDL"), None])
async def test_the_listing_is_list_and_uidl_in_one(cuts, offers):
    server = FakeServer([b"x" * 10, b"y" * 20, b"z" * 30], offers=offers)
    pop, _ = await entered(server, cuts=cuts)
    assert await listed(pop) == [Item(1, 10, "u1"), Item(2, 20, "u2"), Item(3, 30, "u3")]
    assert pop.is_idle


async def test_both_are_asked_for_at_once_where_the_server_bears_it():
    pop, link = await entered(FakeServer([b"x"]))
    await listed(pop)
    assert link.writes[-1] == b"LIST\r\nUIDL\r\n"


async def test_a_listing_comes_in_pieces():
    pop, _ = await entered(FakeServer([b"x"] * 7))
    assert [len(items) async for items in pop.listing(3)] == [3, 3, 1]


@pytest.mark.parametrize(
    ("listing", "uidls", "items"),
    [
        (b"1   120 extra\r\n 2\t200\r\n", b"1   a\r\n2\t b\r\n", [Item(1, 120, "a"), Item(2, 200, "b")]),
        (b"1 1\r\n", b"1 a\r\n2 b\r\n", [Item(1, 1, "a"), Item(2, 0, "b")]),  # UIDL has more
        (b"1 1\r\n2 2\r\n3 3\r\n", b"2 b\r\n", [Item(2, 2, "b"), Item(1, 1, None), Item(3, 3, None)]),
        (b"2 2\r\n1 1\r\n", b"2 b\r\n1 a\r\n1 c\r\n", [Item(2, 2, "b"), Item(1, 1, "a")]),
        (b"1 1\r\n7 7\r\n", b"1 same\r\n7 same\r\n", [Item(1, 1, "same"), Item(7, 7, "same")]),
        (b"\r\nx y\r\n0 5\r\n-1 4\r\n1 9\r\n", b"what\r\n99999999999999999999 x\r\n1 a b\r\n", [Item(1, 9, "a")]),
        (b"1 many\r\n2 2\r\n", b"1 a\r\n2\r\n", [Item(1, 0, "a"), Item(2, 2, None)]),
        (b"1 1\r\n", b"1 " + b"u" * 300 + b"\r\n", [Item(1, 1, None)]),
        (b"1 1\r\n", b"1 \xff\r\n", [Item(1, 1, "\xff")]),
        (b"", b"", []),
    ],
)
async def test_what_servers_write_is_taken_as_far_as_it_can_be_understood(listing, uidls, items):
    server = FakeServer(replies={b"LIST": b"+OK\r\n" + listing + b".\r\n", b"UIDL": b"+OK\r\n" + uidls + b".\r\n"})
    pop, _ = await entered(server)
    assert await listed(pop) == items


async def test_a_server_of_bare_lf_is_understood():
    replies = {b"LIST": b"+OK\n1 5\n2 6\n.\n", b"UIDL": b"+OK\n1 a\n2 b\n.\n", b"RETR": b"+OK\nA: b\n\n..\nlast\n.\n"}
    pop, _ = await entered(FakeServer(replies=replies))
    assert await listed(pop) == [Item(1, 5, "a"), Item(2, 6, "b")]
    assert [await each.read() async for each in pop.retrieve([1, 2])] == [b"A: b\r\n\r\n.\r\nlast\r\n"] * 2


async def test_a_message_cannot_end_itself_with_bare_lf():
    inner = b"Subject: x\r\n\r\nout\n.\n+OK\r\nSubject: forged\r\n\r\n"
    pop, _ = await entered(FakeServer([inner, b"second\r\n"]))
    assert [await each.read() async for each in pop.retrieve([1, 2])] == [inner, b"second\r\n"]


async def test_without_uidl_there_are_no_unique_ids_and_nobody_asks_twice():
    pop, link = await entered(FakeServer([b"x"], offers=without(b"UIDL"), replies={b"UIDL": b"-ERR what\r\n"}))
    assert await listed(pop) == await listed(pop) == [Item(1, 1, None)]
    assert (link.lines.count(b"UIDL"), pop.has_uidl) == (1, False)


@pytest.mark.parametrize(("offers", "said"), [(CAPA, b"-ERR no\r\n"), (None, b"-ERR [SYS/TEMP] no\r\n")])
async def test_uidl_refused_by_who_has_it_is_no_listing_without_unique_ids(offers, said):
    pop, _ = await entered(FakeServer([b"x"], offers=offers, replies={b"UIDL": said}))
    with pytest.raises(Refused):
        await listed(pop)
    await pop.noop()


async def test_an_empty_listing_may_be_refused():
    pop, _ = await entered(FakeServer([], replies={b"UIDL": b"-ERR empty\r\n"}))
    assert await listed(pop) == []


async def test_list_refused_leaves_the_session_in_order():
    pop, _ = await entered(FakeServer([b"x"], replies={b"LIST": b"-ERR [SYS/TEMP] later\r\n"}))
    with pytest.raises(SysTemp) as caught:
        await listed(pop)
    assert caught.value.may_pass
    assert await pop.stat() == Stats(1, 1)


async def test_a_line_without_an_end_ends_the_session():
    pop, link = await entered(
        FakeServer(replies={b"LIST": b"+OK\r\n" + b"1" * 100_000 + b"\r\n.\r\n"}, messages=[]), cuts=(5000,)
    )
    with pytest.raises(Misbehaved, match="no end"):
        await listed(pop)
    assert link.is_aborted
    with pytest.raises(Misbehaved):
        await pop.noop()


async def test_who_goes_on_to_something_else_is_told_that_the_listing_is_not_complete():
    pop, _ = await entered(FakeServer([b"x"] * 9))
    listing = pop.listing(2)
    assert len(await anext(listing)) == 2
    assert (await pop.stat()).count == 9
    with pytest.raises(RuntimeError, match="not complete"):
        await anext(listing)


@pytest.mark.parametrize("window", [1, 2, 50, 100])
@pytest.mark.parametrize("cuts", [(), (1,), (997,)])
async def test_messages_come_in_their_order_and_one_that_is_refused_is_told(window, cuts):
    messages = made_messages(120)
    pop, link = await entered(FakeServer(messages, refused=frozenset({3, 77})), cuts=cuts)
    got = {}
    async for incoming in pop.retrieve(range(1, 122), window):
        got[incoming.number] = incoming.error or await incoming.read()
    refused = {number for number, each in got.items() if isinstance(each, Refused)}
    assert refused == {3, 77, 121}
    assert all(got[number] == messages[number - 1] for number in range(1, 121) if number not in refused)
    assert list(got) == list(range(1, 122))
    assert max(write.count(b"RETR") for write in link.writes) <= window


async def test_commands_go_out_many_in_one_piece():
    pop, link = await entered(FakeServer(made_messages(200)))
    count = len(link.writes)
    assert len([each.number async for each in pop.retrieve(range(1, 201), 50)]) == 200
    assert len(link.writes) - count <= 9


async def test_without_pipelining_one_message_is_asked_for_at_a_time_unless_told_otherwise():
    for told, most in ((None, 1), (True, 50), (False, 1)):
        pop, link = await entered(FakeServer(made_messages(60), offers=without(b"PIPELINING")), is_pipelining=told)
        assert len([each.number async for each in pop.retrieve(range(1, 61))]) == 60
        assert max(write.count(b"RETR") for write in link.writes) == most


@pytest.mark.parametrize("cuts", [(), (10,)])
async def test_what_is_not_read_is_thrown_away(cuts):
    messages = made_messages(20)
    pop, _ = await entered(FakeServer(messages), cuts=cuts)
    got = [await each.read() async for each in pop.retrieve(range(1, 21)) if each.number % 2]
    assert got == messages[::2]
    async for incoming in pop.retrieve(range(1, 21)):
        async for _ in incoming.chunks():
            break
    assert (await pop.stat()).count == 20


@pytest.mark.parametrize("cuts", [(), (10,)])
async def test_who_goes_on_to_something_else_gets_answers_to_that(cuts):
    messages = made_messages(20)
    pop, _ = await entered(FakeServer(messages), cuts=cuts)
    retrieval = pop.retrieve(range(1, 21))
    first = await anext(retrieval)
    second = await anext(retrieval)
    assert await pop.stat() == Stats(20, sum(map(len, messages)))
    with pytest.raises(RuntimeError, match="not retrieved"):
        await anext(retrieval)
    if cuts:
        with pytest.raises(RuntimeError, match="thrown away"):
            await first.read()
        with pytest.raises(RuntimeError, match="thrown away"):
            await second.read()


async def test_a_message_is_read_once():
    pop, _ = await entered(FakeServer([b"one\r\n"]))
    async for incoming in pop.retrieve([1]):
        assert [chunk async for chunk in incoming.chunks()] == [b"one\r\n"]
        with pytest.raises(RuntimeError, match="read before"):
            await incoming.read()


@pytest.mark.parametrize("cuts", [(), (10,)])
async def test_a_message_that_is_here_may_be_taken_at_once(cuts):
    pop, _ = await entered(FakeServer([b"one\r\n"]), cuts=cuts)
    async for incoming in pop.retrieve([1]):
        if cuts:
            assert incoming.take() is None
            assert await incoming.read() == b"one\r\n"
            continue
        assert incoming.take() == b"one\r\n"
        assert incoming.take() is None
        with pytest.raises(RuntimeError, match="read before"):
            await incoming.read()
    pop, _ = await entered(FakeServer([]))
    async for incoming in pop.retrieve([1]):
        with pytest.raises(Refused, match="no such message"):
            incoming.take()


async def test_the_error_of_a_message_is_raised_where_it_is_read():
    pop, _ = await entered(FakeServer([]))
    async for incoming in pop.retrieve([1]):
        with pytest.raises(Refused, match="RETR was refused: no such message"):
            await incoming.read()


async def test_a_body_that_breaks_off_is_never_whole():
    server = FakeServer(replies={b"RETR": b"+OK\r\nSubject: half\r\n\r\nhalf\r\n"})
    pop, link = await entered(server)
    link.end()
    incoming = await anext(pop.retrieve([1]))
    with pytest.raises(ConnectionLost, match="inside a body"):
        await incoming.read()
    assert not pop.is_usable


async def test_a_wait_that_takes_too_long_ends_the_session():
    pop, link = await entered(FakeServer(replies={b"RETR": b"+OK\r\n", b"STAT": b""}))
    link.is_stuck = True
    with pytest.raises(TimedOut):
        await pop.stat()
    assert link.is_aborted


async def test_a_cancelled_wait_ends_the_session():
    pop, link = await entered(FakeServer(replies={b"STAT": b""}))
    task = asyncio.create_task(pop.stat())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert link.is_aborted
    link.give(b"+OK 1 1\r\n")
    with pytest.raises(ConnectionLost):
        await pop.stat()


async def test_two_tasks_at_once_are_told():
    pop, _ = await entered(FakeServer(replies={b"STAT": b""}))
    task = asyncio.create_task(pop.stat())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="another task"):
        await pop.noop()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_header_parts_come_by_top():
    pop, _ = await entered(FakeServer([b"A: b\r\n\r\none\r\ntwo\r\n"]))
    assert [await each.read() async for each in pop.tops([1], 1)] == [b"A: b\r\n\r\none\r\n"]


async def test_a_server_without_top_is_asked_once():
    pop, link = await entered(FakeServer([b"x"], offers=without(b"TOP"), replies={b"TOP": b"-ERR what\r\n"}))
    assert [type(each.error) async for each in pop.tops([1])] == [NotOffered]
    with pytest.raises(NotOffered):
        await anext(pop.tops([1]))
    assert link.lines.count(b"TOP 1 0") == 1


async def test_a_server_with_top_that_refuses_one_message_has_it_all_the_same():
    for offers in (CAPA, without(b"TOP")):
        pop, _ = await entered(FakeServer([b"A: b\r\n\r\n"], offers=offers))
        assert [type(each.error) async for each in pop.tops([1, 2])] == [type(None), Refused]
        assert pop.has_top


async def test_deletions_have_an_outcome_each():
    server = FakeServer([b"x"] * 150, refused=frozenset({2}))
    pop, link = await entered(server)
    outcomes = await pop.delete(range(1, 151))
    assert [outcome.number for outcome in outcomes if outcome.error] == [2]
    assert len(server.deleted) == 149
    assert len([write for write in link.writes if b"DELE" in write]) < 8
    await pop.rset()
    assert not server.deleted


async def test_quit_tells_when_deletions_were_not_done():
    server = FakeServer([b"x"], replies={b"QUIT": b"-ERR [SYS/TEMP] some deleted messages not removed\r\n"})
    pop, link = await entered(server)
    await pop.delete([1])
    with pytest.raises(SysTemp, match="not removed"):
        await pop.quit()
    assert link.is_closed
    assert not pop.is_usable


async def test_a_server_that_closes_instead_of_an_answer_to_quit_has_deleted_or_not():
    for numbers in ([], [1]):
        pop, link = await entered(FakeServer([b"x"], replies={b"QUIT": b""}))
        await pop.delete(numbers)
        link.end()
        if numbers:
            with pytest.raises(ConnectionLost):
                await pop.quit()
        else:
            await pop.quit()
        assert link.is_closed


async def test_numbers_of_old_servers():
    pop, _ = await entered(FakeServer(replies={b"LAST": b"+OK 3\r\n", b"STAT": b"+OK what\r\n"}))
    assert await pop.last() == 3
    with pytest.raises(Misbehaved, match="no two numbers"):
        await pop.stat()


@pytest.mark.parametrize(
    ("word", "kind", "text"),
    [
        (b"-ERR [SYS/TEMP] out of order\r\n", SysTemp, r"the session was refused: \[SYS/TEMP\] out of order"),
        (b"-ERR Disconnected for inactivity.\r\n", ConnectionLost, "the server leaves: Disconnected for inactivity"),
        (b"-ERRATA\r\n", Misbehaved, "begins with"),
        (b"-ERR half", ConnectionLost, "leaves: half"),
    ],
)
async def test_a_server_that_leaves_may_say_why(word, kind, text):
    pop, link = await entered(FakeServer(replies={b"NOOP": b"+OK\r\n" + word}))
    await pop.noop()
    with pytest.raises(kind, match=text):
        await pop.stat()
    assert link.is_aborted


async def test_an_answer_to_nothing_ends_the_session():
    pop, link = await entered(FakeServer(replies={b"NOOP": b"+OK\r\n+OK more\r\n"}))
    await pop.noop()
    with pytest.raises(Misbehaved, match="a reply to nothing"):
        await pop.stat()
    assert link.is_aborted


@pytest.mark.parametrize(
    ("word", "kind", "text"),
    [
        (b"+OK more\r\n", Misbehaved, "a reply to nothing"),
        (b"-ERR idle for too long\r\n", ConnectionLost, "the server leaves: idle for too long"),
    ],
)
async def test_what_came_between_two_questions_is_no_answer_to_the_second(word, kind, text):
    """Though it came by itself: after ten minutes a server says that it leaves, and that refuses no deletion."""
    server = FakeServer([b"x\r\n"])
    pop, link = await entered(server)
    await pop.noop()
    link.give(word)
    with pytest.raises(kind, match=text):
        await pop.delete([1])
    assert link.is_aborted
    assert server.deleted == set()


@pytest.mark.parametrize("refused", ["C: NOOP", "C: STAT", "-- "])
async def test_a_log_that_takes_no_more_does_not_let_the_session_wait_for_what_was_never_said(refused):
    def write(line):
        if line.startswith(refused):
            raise ValueError("I/O operation on closed file")

    pop, link = await entered(FakeServer(replies={b"STAT": b"what\r\n"}), log=write)

    async def work():
        await pop.noop()
        await pop.stat()

    with pytest.raises((ValueError, Misbehaved)):
        await work()
    assert link.is_aborted
    with pytest.raises(ConnectionLost if refused != "-- " else Misbehaved):
        await pop.noop()


async def test_who_looks_at_a_session_sees_where_it_is_and_no_secret():
    pop, _ = await entered(FakeServer([b"x\r\n"] * 2))
    assert repr(pop) == "<Pop3 at 192.0.2.1, in clear, open, logged in>"
    assert (await pop.stat()).count == 2
    assert repr(pop) == "<Pop3 at 192.0.2.1, in clear, open, logged in, 2 messages>"
    await pop.quit()
    assert repr(pop) == "<Pop3 at 192.0.2.1, in clear, closed>"
