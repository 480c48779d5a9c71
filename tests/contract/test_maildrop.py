"""One suite for every maildrop store: what `postane.maildrop.base` promises.

`inline` is small here, so that both places for a body, and the edge between them, are tried with short messages.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from postane.mail.downgrade import downgrade_header
from postane.mail.measure import measure
from postane.maildrop.base import (
    UIDL_LIMIT,
    Addressee,
    DropInUse,
    Finding,
    FindingKind,
    Holder,
    LeaseLost,
    Letter,
    Lock,
    LockPolicy,
    MaildropError,
    MaildropSession,
    MessageGone,
    OpenMessage,
    Quota,
    QuotaExceeded,
    Receipt,
    UidlRefused,
    Usage,
)
from postane.maildrop.drop import JoinedStore
from postane.maildrop.embedded import embedded_store
from postane.maildrop.file_blobs import FileBlobs
from postane.maildrop.memory import MemoryBlobs, MemoryIndex
from support.corpus import Specimen, corpus

INLINE = 1024
DROP = "mrose@dbc.mtview.ca.us"
LEAD = b"Delivered-To: mrose@dbc.mtview.ca.us\r\n"
SMALL = b"Subject: small\r\n\r\nHello.\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef0123456789abcdef\r\n" * 100
LETTER = Letter("wmt@example.org", 1_700_000_000.0, is_international=True)


@dataclass(slots=True)
class Bench:
    """A store under test, and what the tests do to it behind its back."""

    store: JoinedStore
    break_lease: Callable[[str], None]
    blob_count: Callable[[str], int]
    reopen: Callable[[], Awaitable[JoinedStore]]

    async def put(self, octets: bytes, *drops: str, lead: bytes = b"") -> list[Receipt]:
        """Deposit one message, with success."""
        outcomes = await self.try_put(octets, *(Addressee(drop, lead) for drop in drops or (DROP,)))
        receipts = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
        assert len(receipts) == len(outcomes), outcomes
        return receipts

    async def try_put(self, octets: bytes, *addressees: Addressee) -> list[Receipt | MaildropError]:
        """Deposit one message."""
        spool = self.store.spool()
        try:
            await spool.write(octets)
            return await self.store.deposit(spool, LETTER, addressees)
        finally:
            await spool.discard()

    async def open(self, drop: str = DROP, lock: Lock = Lock(), session: str = "s1") -> MaildropSession:  # noqa: B008
        """A session with its columns loaded."""
        opened = await self.store.open(drop, Holder(session, "192.0.2.1:4321", "pop3", time.time()), lock)
        await opened.load()
        return opened

    async def contents(self, drop: str = DROP) -> list[bytes]:
        """All messages of a drop."""
        session = await self.open(drop)
        try:
            numbers = range(1, session.snapshot.total + 1)
            return [await read(await session.open_message(number)) for number in numbers]
        finally:
            await session.close()

    async def findings(self, drop: str = DROP, *, repair: bool = False) -> list[Finding]:
        """What is wrong with a drop."""
        return [finding async for finding in self.store.verify(drop, repair=repair)]

    async def names(self) -> list[str]:
        """All drops."""
        return [name async for name in self.store.drops()]


async def read(message: OpenMessage, limit: int = 100) -> bytes:
    """The octets of a message, closed afterwards."""
    octets = bytearray(message.head)
    try:
        while message.rest and (piece := await message.rest.read(limit)):
            assert len(piece) <= limit
            octets += piece
    finally:
        await message.close()
    assert len(octets) == message.facts.octets
    return bytes(octets)


@pytest.fixture(params=["memory", "embedded"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    made = _memory() if request.param == "memory" else _embedded(tmp_path / "post")
    try:
        yield made
    finally:
        await made.store.close()


def _memory() -> Bench:
    index, blobs = MemoryIndex(), MemoryBlobs()
    store = JoinedStore(index, blobs, inline=INLINE, orphan_age=0.0)

    async def reopen() -> JoinedStore:
        return store

    def blob_count(drop: str) -> int:
        return sum(held == drop for held, _ in blobs.bodies)

    return Bench(store, lambda drop: index.leases.clear(), blob_count, reopen)


def _embedded(root: Path) -> Bench:
    bench: Bench

    def make() -> JoinedStore:
        return embedded_store(root, inline=INLINE, orphan_age=0.0, handles=20)

    async def reopen() -> JoinedStore:
        await bench.store.close()
        bench.store = make()
        return bench.store

    def break_lease(drop: str) -> None:
        (root / _folder(root, drop) / "lease").unlink()

    def blob_count(drop: str) -> int:
        blobs = root / _folder(root, drop) / "blobs"
        return len(list(blobs.iterdir())) if blobs.exists() else 0

    bench = Bench(make(), break_lease, blob_count, reopen)
    return bench


def _folder(root: Path, drop: str) -> Path:
    return Path(FileBlobs(root).folders.drop(drop))


class TestReading:
    async def test_a_drop_never_delivered_to_is_empty(self, bench: Bench) -> None:
        session = await bench.open()
        assert (session.snapshot.count, session.snapshot.octets, session.snapshot.is_loaded) == (0, 0, True)
        await session.commit()
        await session.close()
        assert await bench.store.usage(DROP) == Usage(0, 0)
        assert [row async for row in bench.store.rows(DROP)] == []

    async def test_a_drop_that_was_emptied_is_known_from_one_that_never_had_any(self, bench: Bench) -> None:
        assert (await bench.store.usage(DROP)).last_uid == 0
        await bench.put(SMALL)
        await bench.put(LARGE)
        session = await bench.open()
        await session.load()
        for number in (1, 2):
            session.snapshot.delete(number)
        await session.commit()
        await session.close()
        usage = await bench.store.usage(DROP)
        assert (usage.messages, usage.last_uid) == (0, 2)

    async def test_what_is_unknown_is_not_made_by_looking(self, bench: Bench) -> None:
        assert await bench.store.usage("nobody") == Usage(0, 0)
        assert [row async for row in bench.store.rows("nobody")] == []
        assert await bench.findings("nobody") == []
        assert await bench.names() == []

    @pytest.mark.parametrize("specimen", corpus(), ids=lambda specimen: specimen.name)
    async def test_every_message_comes_back_octet_for_octet(self, bench: Bench, specimen: Specimen) -> None:
        await bench.put(specimen.octets, lead=LEAD)
        session = await bench.open()
        message = await session.open_message(1)
        expected = measure(LEAD + specimen.stored)
        assert message.facts.octets == session.snapshot.size(1) == session.snapshot.octets == expected.octets
        assert message.facts.header_octets == expected.header_octets
        assert message.facts.is_dotted == expected.is_dotted
        assert await read(message, 4096) == LEAD + specimen.stored
        await session.close()
        assert await bench.findings() == []

    @pytest.mark.parametrize("size", [0, 1, INLINE - 2, INLINE - 1, INLINE, INLINE + 1, 300_000, 600_001])
    @pytest.mark.parametrize("lead", [b"", LEAD])
    @pytest.mark.parametrize("limit", [1000, 262_144])
    async def test_the_edge_between_head_and_blob(self, bench: Bench, size: int, lead: bytes, limit: int) -> None:
        octets = (b"x" * 63 + b"\n") * (size // 64) + b"y" * (size % 64)
        await bench.put(octets, lead=lead)
        session = await bench.open()
        expected = lead + octets + (b"\r\n" if octets else b"")
        assert await read(await session.open_message(1), limit) == expected
        await session.close()

    async def test_one_that_needs_no_waiting_is_ready(self, bench: Bench) -> None:
        bodies = [SMALL, SMALL + b"1\r\n", LARGE, *(SMALL + b"%d\r\n" % number for number in range(40))]
        for body in bodies:
            await bench.put(body)
        session = await bench.open()
        assert await read(await session.open_message(1)) == SMALL
        for _ in range(2):
            for number, body in enumerate(bodies, 1):
                message = session.ready(number)
                assert (message is None) is (body is LARGE)
                opened = message or await session.open_message(number)
                assert opened.facts.octets == len(body)
                assert opened.facts.digest == measure(body).digest or body is LARGE
                assert await read(opened) == body
        await session.close()
        with pytest.raises(LeaseLost):
            session.ready(1)
        with pytest.raises(LeaseLost):
            await session.open_message(1)

    async def test_what_is_ready_is_not_made_by_looking(self, bench: Bench) -> None:
        for body in (SMALL, LARGE, SMALL):
            await bench.put(body)
        session = await bench.open()
        await session.open_message(1)
        for number in (2, 2, 3, 2, 3, 1):
            message = session.ready(number) or await session.open_message(number)
            assert await read(message) == (LARGE if number == 2 else SMALL)
        await session.close()

    async def test_a_message_can_be_written_octet_by_octet(self, bench: Bench) -> None:
        spool = bench.store.spool()
        for at in range(len(LARGE)):
            await spool.write(LARGE[at : at + 1])
        (receipt,) = await bench.store.deposit(spool, LETTER, [Addressee(DROP)])
        await spool.discard()
        assert isinstance(receipt, Receipt)
        assert await bench.contents() == [LARGE]

    async def test_messages_are_in_the_order_of_their_deposit(self, bench: Bench) -> None:
        octets = [LARGE if number % 3 else SMALL + b"%d\r\n" % number for number in range(40)]
        for body in octets:
            await bench.put(body)
        assert await bench.contents() == octets

    async def test_messages_can_be_opened_in_any_order(self, bench: Bench) -> None:
        octets = [b"Subject: %d\r\n\r\n%s" % (number, b"x" * number * 20 + b"\r\n") for number in range(1, 81)]
        for body in octets:
            await bench.put(body)
        session = await bench.open()
        for number in (1, 2, 3, 80, 79, 1, 5, 6, 7, 7, 6, 40, 41, 42, 43, 2, 3, *range(1, 81)):
            assert await read(await session.open_message(number)) == octets[number - 1]
        await session.close()

    async def test_two_messages_open_at_once_do_not_disturb_each_other(self, bench: Bench) -> None:
        other = LARGE.replace(b"large", b"other")
        await bench.put(LARGE)
        await bench.put(other)
        session = await bench.open()
        first, second = await session.open_message(1), await session.open_message(2)
        assert await read(second) == other
        assert await read(first) == LARGE
        await session.close()

    async def test_rows_tell_what_is_known(self, bench: Bench) -> None:
        (small,) = await bench.put(SMALL, lead=LEAD)
        (large,) = await bench.put(LARGE, lead=LEAD)
        rows = [row async for row in bench.store.rows(DROP)]
        assert [(row.uid, row.uidl, row.facts.octets) for row in rows] == [
            (receipt.uid, receipt.uidl, receipt.octets) for receipt in (small, large)
        ]
        assert {(row.sender, row.arrived) for row in rows} == {(LETTER.sender, LETTER.arrived)}
        assert rows[0].blob is None
        assert rows[0].facts == measure(LEAD + SMALL)
        assert rows[1].blob is not None
        assert rows[1].blob.digest == measure(LARGE).digest
        assert rows[1].facts.digest == measure(LEAD).digest

    async def test_thousands_of_messages(self, bench: Bench) -> None:
        await asyncio.gather(*(bench.put(b"%d\r\n" % number) for number in range(2500)))
        session = await bench.open()
        assert session.snapshot.count == 2500
        uidls = [uidl for _, uidl in session.snapshot.uidls()]
        assert len(set(uidls)) == 2500
        assert session.snapshot.octets == sum(size for _, size in session.snapshot.sizes())
        await session.close()
        assert [row.uidl async for row in bench.store.rows(DROP)] == uidls


UTF8_LEAD = "Delivered-To: gül@örnek.example\r\nReceived: from a\r\n".encode()
UTF8_SMALL = "Subject: öğle\r\n\r\nü\r\n".encode()
UTF8_LARGE = "Subject: öğle yemeği\r\n\r\n".encode() + LARGE


def surrogate_of(lead: bytes, message: bytes) -> bytes:
    """What a client that knows nothing of UTF-8 gets."""
    head, end, body = message.partition(b"\r\n\r\n")
    return downgrade_header(lead) + downgrade_header(head + end) + body


class TestSurrogates:
    """A store knows the size of what is shown to clients that know nothing of UTF-8 (RFC 6856 s2.1)."""

    MESSAGES = (
        *((b"", SMALL), (b"", UTF8_SMALL), (LEAD, LARGE)),
        *((LEAD, UTF8_LARGE), (UTF8_LEAD, UTF8_LARGE), (UTF8_LEAD, LARGE)),
    )

    @pytest.fixture
    async def sizes(self, bench: Bench) -> list[int]:
        for lead, message in self.MESSAGES:
            await bench.put(message, lead=lead)
        return [len(surrogate_of(lead, message)) for lead, message in self.MESSAGES]

    @pytest.mark.parametrize("policy", [LockPolicy.REFUSE, LockPolicy.SHARE])
    async def test_sizes_and_totals_are_those_of_the_surrogates(
        self, bench: Bench, sizes: list[int], policy: LockPolicy
    ) -> None:
        session = await bench.store.open(DROP, Holder("s1", "192.0.2.1:4321", "pop3", time.time()), Lock(policy))
        session.snapshot.show_surrogates()
        assert session.snapshot.octets == sum(sizes)
        await session.load()
        assert [size for _, size in session.snapshot.sizes()] == sizes
        for number, (lead, message) in enumerate(self.MESSAGES, 1):
            opened = await session.open_message(number)
            assert opened.facts.octets == len(lead + message)
            assert opened.facts.octets + (opened.facts.excess or 0) == sizes[number - 1]
            await opened.close()
        session.snapshot.delete(2)
        assert session.snapshot.octets == sum(sizes) - sizes[1]
        await session.commit()
        await session.close()

    async def test_what_was_not_sent_as_international_is_given_as_it_came(self, bench: Bench) -> None:
        for message in (UTF8_SMALL, UTF8_LARGE, b"Subject: \xff\xfe\r\n\r\nbody\r\n"):
            spool = bench.store.spool()
            await spool.write(message)
            (receipt,) = await bench.store.deposit(spool, Letter("a@b", 1.0), [Addressee(DROP)])
            await spool.discard()
            assert isinstance(receipt, Receipt)
        session = await bench.open()
        octets = session.snapshot.octets
        session.snapshot.show_surrogates()
        assert session.snapshot.octets == octets
        await session.load()
        assert [(await session.open_message(number)).facts.excess for number in (1, 2, 3)] == [None] * 3
        await session.close()

    async def test_what_is_out_of_sight_counts_again_when_it_comes_back(self, bench: Bench, sizes: list[int]) -> None:
        async def shown() -> tuple[int, int]:
            session = await bench.store.open(DROP, Holder("s1", "", "pop3", time.time()), Lock(), keep_deleted=True)
            session.snapshot.show_surrogates()
            told = session.snapshot.octets
            await session.load()
            left = sum(size for _, size in session.snapshot.sizes())
            if session.snapshot.count == len(sizes):
                session.snapshot.delete(2)
                session.snapshot.delete(5)
                await session.commit()
            await session.close()
            return told, left

        assert await shown() == (sum(sizes), sum(sizes))
        assert await shown() == (sum(sizes) - sizes[1] - sizes[4],) * 2
        await bench.store.restore(DROP, [2, 5])
        assert await shown() == (sum(sizes), sum(sizes))
        assert await bench.findings() == []

    async def test_they_are_kept_through_deletions_and_restarts(self, bench: Bench, sizes: list[int]) -> None:
        session = await bench.open()
        assert session.snapshot.octets == sum(len(lead + message) for lead, message in self.MESSAGES)
        session.snapshot.delete(1)
        session.snapshot.delete(4)
        await session.commit()
        await session.close()
        store = await bench.reopen()
        session = await store.open(DROP, Holder("s1", "192.0.2.1:4321", "pop3", time.time()), Lock())
        session.snapshot.show_surrogates()
        await session.load()
        left = [sizes[1], sizes[2], sizes[4], sizes[5]]
        assert [size for _, size in session.snapshot.sizes()] == left
        assert session.snapshot.octets == sum(left)
        await session.close()


class TestDeposits:
    async def test_a_hundred_recipients_share_one_body(self, bench: Bench) -> None:
        names = [f"user{number}" for number in range(100)]
        spool = bench.store.spool()
        await spool.write(LARGE)
        addressees = [Addressee(name, b"Delivered-To: %s\r\n" % name.encode()) for name in names]
        outcomes = await bench.store.deposit(spool, LETTER, addressees)
        await spool.discard()
        assert [outcome.drop for outcome in outcomes if isinstance(outcome, Receipt)] == names
        assert await bench.names() == sorted(names)
        for name in names[::25]:
            assert await bench.contents(name) == [b"Delivered-To: %s\r\n" % name.encode() + LARGE]
            assert await bench.findings(name) == []

    async def test_one_spool_serves_several_deposits_and_the_same_drop_twice(self, bench: Bench) -> None:
        spool = bench.store.spool()
        await spool.write(LARGE)
        for lead in (b"X-Time: 1\r\n", b"X-Time: 2\r\n"):
            await bench.store.deposit(spool, LETTER, [Addressee(DROP, lead)] * 2)
        await spool.discard()
        expected = [b"X-Time: 1\r\n" + LARGE] * 2 + [b"X-Time: 2\r\n" + LARGE] * 2
        assert await bench.contents() == expected
        session = await bench.open()
        session.snapshot.delete(1)
        await session.commit()
        await session.close()
        assert await bench.contents() == expected[1:]

    @pytest.mark.parametrize("octets", [SMALL, LARGE])
    async def test_what_is_discarded_is_not_seen(self, bench: Bench, octets: bytes) -> None:
        spool = bench.store.spool()
        await spool.write(octets)
        await spool.discard()
        await spool.discard()
        assert await bench.names() == []
        with pytest.raises(ValueError, match="cannot grow"):
            await spool.write(b"more")

    @pytest.mark.parametrize("octets", [SMALL, LARGE])
    async def test_what_is_discarded_without_waiting_is_not_seen_either(self, bench: Bench, octets: bytes) -> None:
        spool = bench.store.spool()
        await spool.write(octets)
        if not spool.discard_now():
            assert octets is LARGE, "there is nothing to wait for"
            await spool.discard()
        assert spool.discard_now()
        assert await bench.names() == []
        with pytest.raises(ValueError, match="cannot grow"):
            spool.write_now(b"more")

    async def test_a_deposit_that_begins_at_once_is_like_every_other(self, bench: Bench) -> None:
        to = Addressee(DROP, b"X-Time: 1\r\n", Quota(messages=3))
        for _ in range(4):
            spool = bench.store.spool()
            assert spool.write_now(SMALL[:-2])
            begun = bench.store.deposit_now(spool, LETTER, [to])
            try:
                outcome = (await bench.store.deposit(spool, LETTER, [to]))[0] if begun is None else await begun
            except MaildropError as error:
                outcome = error
            await spool.discard()
        assert isinstance(outcome, QuotaExceeded)
        assert await bench.contents() == [b"X-Time: 1\r\n" + SMALL] * 3

    async def test_a_deposit_that_has_to_wait_has_not_begun(self, bench: Bench) -> None:
        for octets, drops in ((LARGE, [DROP]), (SMALL, [DROP, "other"])):
            spool = bench.store.spool()
            await spool.write(octets)
            assert bench.store.deposit_now(spool, LETTER, [Addressee(drop) for drop in drops]) is None
            outcomes = await bench.store.deposit(spool, LETTER, [Addressee(drop) for drop in drops])
            assert [type(outcome) for outcome in outcomes] == [Receipt] * len(drops)
            await spool.discard()
        assert await bench.contents() == [LARGE, SMALL]

    async def test_deposits_at_once_are_all_there(self, bench: Bench) -> None:
        bodies = [LARGE if number % 5 == 0 else SMALL + b"%d\r\n" % number for number in range(100)]
        receipts = await asyncio.gather(*(bench.put(body) for body in bodies))
        assert sorted(receipt.uid for (receipt,) in receipts) == list(range(1, 101))
        assert sorted(await bench.contents()) == sorted(bodies)
        assert await bench.store.usage(DROP) == Usage(100, sum(map(len, bodies)), LETTER.arrived)
        assert bench.store.glance(DROP) == Usage(100, sum(map(len, bodies)))
        assert bench.store.glance("nobody") is None

    async def test_what_needs_no_waiting_is_taken_without(self, bench: Bench) -> None:
        spool = bench.store.spool()
        assert spool.write_now(SMALL)
        assert not spool.write_now(LARGE), "nothing of it was taken"
        await spool.write(LARGE)
        assert spool.write_now(SMALL)
        assert all(isinstance(each, Receipt) for each in await bench.store.deposit(spool, LETTER, [Addressee(DROP)]))
        await spool.discard()
        assert await bench.contents() == [SMALL + LARGE + SMALL]
        with pytest.raises(ValueError, match="cannot grow"):
            spool.write_now(SMALL)

    async def test_more_drops_than_are_kept_open(self, bench: Bench) -> None:
        names = [f"user{number}" for number in range(60)]
        for _ in range(2):
            await asyncio.gather(*(bench.put(SMALL, name) for name in names))
        for name in names:
            assert await bench.contents(name) == [SMALL, SMALL]

    @pytest.mark.parametrize("lead", [b"No end", b"\r\n", b"A: b\r\n\r\nC: d\r\n"])
    async def test_a_lead_is_whole_header_fields(self, bench: Bench, lead: bytes) -> None:
        with pytest.raises(ValueError, match="header fields"):
            await bench.try_put(LARGE, Addressee(DROP, lead))

    @pytest.mark.parametrize("octets", [SMALL, LARGE])
    async def test_a_quota_of_octets(self, bench: Bench, octets: bytes) -> None:
        quota = Quota(octets=2 * len(octets) + 10)
        outcomes = [*await bench.try_put(octets, *[Addressee(DROP, quota=quota)] * 3)]
        assert [type(outcome) for outcome in outcomes].count(QuotaExceeded) == 1
        assert await bench.contents() == [octets] * 2
        assert bench.blob_count(DROP) == (2 if octets is LARGE else 0), "nothing is left of what was refused"
        (outcome,) = await bench.try_put(b"123456\r\n", Addressee(DROP, quota=quota))
        assert isinstance(outcome, Receipt), "a smaller one still fits"

    async def test_a_quota_of_messages_refuses_one_addressee_alone(self, bench: Bench) -> None:
        await bench.put(SMALL)
        first, second = await bench.try_put(SMALL, Addressee(DROP, quota=Quota(messages=1)), Addressee("other"))
        assert isinstance(first, QuotaExceeded)
        assert isinstance(second, Receipt)

    async def test_hostile_names_are_names_like_any_other(self, bench: Bench) -> None:
        names = ["..", ".", "~x", "a/../../b", "ü@ö.example", "%41", "A", "a", "x" * 255, "x" * 254 + "y", "new\nline"]
        for name in names:
            await bench.put(SMALL + name.encode() + b"\r\n", name)
        await bench.reopen()
        assert await bench.names() == sorted(names)
        for name in names:
            assert await bench.contents(name) == [SMALL + name.encode() + b"\r\n"]


class TestUniqueIds:
    async def test_they_are_printable_and_short(self, bench: Bench) -> None:
        (receipt,) = await bench.put(SMALL)
        assert 1 <= len(receipt.uidl) <= UIDL_LIMIT
        assert all("\x21" <= letter <= "\x7e" for letter in receipt.uidl)

    async def test_they_stay(self, bench: Bench) -> None:
        uidls = [(await bench.put(SMALL))[0].uidl for _ in range(5)]
        for _ in range(2):
            session = await bench.open()
            assert [uidl for _, uidl in session.snapshot.uidls()] == uidls
            await session.close()
            await bench.reopen()

    async def test_they_never_return(self, bench: Bench) -> None:
        seen: set[str] = set()
        for round_ in range(3):
            for _ in range(4):
                (receipt,) = await bench.put(SMALL)
                assert receipt.uidl not in seen
                seen.add(receipt.uidl)
            session = await bench.open()
            for number in range(1 + round_ % 2, session.snapshot.total + 1):
                session.snapshot.delete(number)
            await session.commit()
            await session.close()
            await bench.reopen()
        await bench.store.remove(DROP)
        await bench.reopen()
        (receipt,) = await bench.put(SMALL)
        assert receipt.uidl not in seen

    async def test_an_import_keeps_its_own(self, bench: Bench) -> None:
        longest = "!" + "~" * (UIDL_LIMIT - 1)
        (kept,) = await bench.try_put(SMALL, Addressee(DROP, uidl=longest))
        assert isinstance(kept, Receipt)
        (made,) = await bench.put(LARGE)
        session = await bench.open()
        assert list(session.snapshot.uidls()) == [(1, longest), (2, made.uidl)]
        await session.close()

    @pytest.mark.parametrize("uidl", ["", "with space", "x" * (UIDL_LIMIT + 1), "tab\t", "\x7f", "ü", "line\r\n"])
    async def test_what_is_none_is_refused(self, bench: Bench, uidl: str) -> None:
        (outcome,) = await bench.try_put(SMALL, Addressee(DROP, uidl=uidl))
        assert isinstance(outcome, UidlRefused)
        assert await bench.contents() == []

    async def test_one_in_use_is_refused(self, bench: Bench) -> None:
        outcomes = await bench.try_put(SMALL, Addressee(DROP, uidl="old"), Addressee(DROP, uidl="old"))
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Receipt", "UidlRefused"]
        assert len(await bench.contents()) == 1

    async def test_the_id_of_a_later_message_is_refused_too(self, bench: Bench) -> None:
        (first,) = await bench.put(SMALL)
        (outcome,) = await bench.try_put(SMALL, Addressee(DROP, uidl=first.uidl))
        assert isinstance(outcome, UidlRefused)
        following = first.uidl.removesuffix("1") + "9"
        (outcome,) = await bench.try_put(SMALL, Addressee(DROP, uidl=following))
        assert isinstance(outcome, UidlRefused), "the ninth message will get it"

    async def test_a_restored_message_keeps_the_one_it_had(self, bench: Bench) -> None:
        (lost,) = await bench.put(SMALL)
        await bench.put(SMALL)
        session = await bench.open()
        session.snapshot.delete(1)
        await session.commit()
        await session.close()
        (outcome,) = await bench.try_put(SMALL, Addressee(DROP, uidl=lost.uidl))
        assert isinstance(outcome, Receipt)
        assert outcome.uidl == lost.uidl


class TestSessions:
    async def test_a_second_one_is_refused_and_told_since_when(self, bench: Bench) -> None:
        session = await bench.open()
        with pytest.raises(DropInUse, match=r"since \d\d:\d\d:\d\d UTC \(\d+ s\), idle for \d+ s") as refused:
            await bench.open(session="s2")
        assert refused.value.holder is not None
        assert refused.value.holder.session == "s1"
        assert "192.0.2.1" not in str(refused.value.text), "the other's address is none of the client's business"
        await session.close()
        await (await bench.open(session="s2")).close()

    async def test_other_drops_are_free(self, bench: Bench) -> None:
        first, second = await bench.open("a"), await bench.open("b")
        await first.close()
        await second.close()

    async def test_one_may_wait(self, bench: Bench) -> None:
        session = await bench.open()
        waiting = asyncio.create_task(bench.open(lock=Lock(LockPolicy.WAIT, 30.0)))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await session.close()
        await (await waiting).close()

    async def test_patience_ends(self, bench: Bench) -> None:
        session = await bench.open()
        with pytest.raises(DropInUse):
            await bench.open(lock=Lock(LockPolicy.WAIT, 0.05))
        await session.close()

    async def test_a_snapshot_does_not_see_what_comes_later(self, bench: Bench) -> None:
        await bench.put(SMALL)
        late = await bench.store.open(DROP, Holder("s1", "", "pop3", time.time()), Lock())
        await bench.put(LARGE)
        assert late.snapshot.count == 1
        await late.load()
        assert [size for _, size in late.snapshot.sizes()] == [len(SMALL)]
        assert await read(await late.open_message(1)) == SMALL
        late.snapshot.delete(1)
        await late.commit()
        await late.close()
        assert await bench.contents() == [LARGE]

    async def test_nothing_is_deleted_without_commit(self, bench: Bench) -> None:
        await bench.put(SMALL)
        session = await bench.open()
        session.snapshot.delete(1)
        await session.close()
        await session.close()
        assert await bench.contents() == [SMALL]

    async def test_commit_deletes_what_is_marked_and_nothing_else(self, bench: Bench) -> None:
        bodies = [b"Subject: %d\r\n\r\n" % number + b"x" * (number % 3) * 600 + b"\r\n" for number in range(30)]
        for body in bodies:
            await bench.put(body)
        session = await bench.open()
        marked = [1, 2, 3, 5, 8, 13, 14, 15, 21, 29, 30]
        for number in marked:
            session.snapshot.delete(number)
        await session.commit()
        await session.close()
        left = [body for number, body in enumerate(bodies, 1) if number not in marked]
        await bench.reopen()
        assert await bench.contents() == left
        assert await bench.findings() == []
        assert await bench.store.usage(DROP) == Usage(len(left), sum(map(len, left)), LETTER.arrived)
        assert bench.blob_count(DROP) == sum(len(body) > INLINE for body in left)

    async def test_a_closed_session_commits_nothing(self, bench: Bench) -> None:
        await bench.put(SMALL)
        session = await bench.open()
        session.snapshot.delete(1)
        await session.close()
        with pytest.raises(LeaseLost):
            await session.commit()
        assert await bench.contents() == [SMALL]

    async def test_a_lost_lease_commits_nothing(self, bench: Bench) -> None:
        await bench.put(SMALL)
        await bench.put(LARGE)
        session = await bench.open()
        session.snapshot.delete(1)
        session.snapshot.delete(2)
        bench.break_lease(DROP)
        with pytest.raises(LeaseLost):
            await session.commit()
        await session.close()
        assert await bench.contents() == [SMALL, LARGE]

    async def test_who_lost_the_lease_does_not_free_the_next_ones(self, bench: Bench) -> None:
        first = await bench.open()
        bench.break_lease(DROP)
        second = await bench.open(session="s2")
        await first.close()
        with pytest.raises(DropInUse):
            await bench.open(session="s3")
        await second.close()


class TestWithoutWaiting:
    """`open_now` and `close_now` are `open` and `close`, where nobody has to be waited for."""

    @staticmethod
    def at_once(bench: Bench, policy: LockPolicy = LockPolicy.REFUSE, session: str = "n1") -> MaildropSession | None:
        return bench.store.open_now(DROP, Holder(session, "192.0.2.1:4321", "pop3", time.time()), Lock(policy))

    async def test_a_drop_that_nobody_opened_yet_has_to_be_waited_for(self, bench: Bench) -> None:
        await bench.put(SMALL)
        assert self.at_once(bench) is None
        await (await bench.open()).close()  # and nothing is held by the one that was not opened

    @pytest.mark.parametrize("policy", LockPolicy)
    async def test_it_is_the_session_that_waiting_gives(self, bench: Bench, policy: LockPolicy) -> None:
        for body in (SMALL, LARGE, SMALL):
            await bench.put(body)
        waited = await bench.open(lock=Lock(policy))
        await waited.close()
        session = self.at_once(bench, policy)
        assert session is not None
        assert session.snapshot.is_loaded is (policy is LockPolicy.SHARE)
        await session.load()
        told = [
            (each.count, each.octets, each.last_uid, each.list_lines(), each.uidl_lines())
            for each in (waited.snapshot, session.snapshot)
        ]
        assert told[0] == told[1]
        assert await read(await session.open_message(2)) == LARGE
        session.snapshot.delete(2)
        await session.commit()
        assert session.close_now()
        assert await bench.contents() == [SMALL, SMALL]

    async def test_it_sees_what_came_and_went(self, bench: Bench) -> None:
        await (await bench.open()).close()
        for count in range(3):
            session = self.at_once(bench)
            assert session is not None
            assert (session.snapshot.count, session.snapshot.octets) == (count, count * len(SMALL))
            assert session.close_now()
            await bench.put(SMALL)
        session = await bench.open()
        session.snapshot.delete(1)
        await session.commit()
        await session.close()
        left = self.at_once(bench)
        assert left is not None
        assert (left.snapshot.count, left.snapshot.octets) == (2, 2 * len(SMALL))
        assert left.close_now()

    @pytest.mark.parametrize("policy", LockPolicy)
    @pytest.mark.parametrize("held", LockPolicy)
    async def test_whoever_has_to_be_waited_for_keeps_what_is_his(
        self, bench: Bench, policy: LockPolicy, held: LockPolicy
    ) -> None:
        await bench.put(SMALL)
        holder = await bench.open(lock=Lock(held), session="s1")
        session = self.at_once(bench, policy)
        assert (session is not None) is (policy is held is LockPolicy.SHARE)
        holder.check(time.time())
        if session is not None:
            session.check(time.time())
            assert session.close_now()
        with pytest.raises(DropInUse) as refused:
            await bench.open(session="s3")
        assert refused.value.holder is not None
        assert session is not None or refused.value.holder.session == "s1"
        await holder.close()
        await (await bench.open()).close()

    async def test_closed_at_once_it_is_closed(self, bench: Bench) -> None:
        await bench.put(SMALL)
        session = await bench.open()
        session.snapshot.delete(1)
        assert session.close_now()
        assert session.close_now()
        with pytest.raises(LeaseLost):
            session.check(time.time())
        with pytest.raises(LeaseLost):
            await session.commit()
        again = self.at_once(bench, session="s2")
        assert again is not None
        assert session.close_now()
        assert self.at_once(bench) is None, "one that is closed already frees nobody else"
        await session.close()
        assert again.close_now()
        assert await bench.contents() == [SMALL]

    async def test_one_that_was_taken_over_closes_for_itself(self, bench: Bench) -> None:
        old = await bench.open()
        new = await bench.open(lock=TAKEOVER, session="s2")
        assert old.close_now()
        new.check(time.time())
        with pytest.raises(DropInUse):
            await bench.open(session="s3")
        assert new.close_now()


class TestKeptDeletions:
    """What a session deletes may be put out of sight, and brought back."""

    async def delete(self, bench: Bench, *numbers: int, keep: bool = True) -> None:
        holder = Holder("s1", "192.0.2.1:4321", "pop3", time.time())
        session = await bench.store.open(DROP, holder, Lock(), keep_deleted=keep)
        await session.load()
        for number in numbers:
            session.snapshot.delete(number)
        await session.commit()
        await session.close()

    async def uids(self, bench: Bench, before: float | None = None) -> list[int]:
        return [row.uid async for row in bench.store.deleted(DROP, before)]

    async def test_it_is_out_of_sight_and_counted_apart(self, bench: Bench) -> None:
        for octets in (SMALL, LARGE, SMALL, LARGE):
            await bench.put(octets)
        rows = [row async for row in bench.store.rows(DROP)]
        began = time.time()
        await self.delete(bench, 1, 2)
        await bench.reopen()
        assert await bench.contents() == [SMALL, LARGE]
        kept = len(SMALL + LARGE)
        assert await bench.store.usage(DROP) == Usage(2, kept, LETTER.arrived, 2, kept)
        deleted = [row async for row in bench.store.deleted(DROP)]
        assert [replace(row, deleted=None) for row in deleted] == rows[:2]
        assert all(began <= (row.deleted or 0) <= time.time() for row in deleted)
        assert bench.blob_count(DROP) == 2
        assert await bench.findings() == []

    async def test_only_what_was_deleted_before(self, bench: Bench) -> None:
        await bench.put(SMALL)
        await bench.put(LARGE)
        await self.delete(bench, 2)
        await asyncio.sleep(0.01)
        between = time.time()
        await self.delete(bench, 1)
        assert await self.uids(bench, between) == [2]
        assert await self.uids(bench) == [1, 2]
        assert await self.uids(bench, 0.0) == []
        assert [row.uid async for row in bench.store.rows(DROP, LETTER.arrived)] == []

    async def test_rows_that_came_before(self, bench: Bench) -> None:
        await bench.put(SMALL)
        assert [row.uid async for row in bench.store.rows(DROP, LETTER.arrived)] == []
        assert [row.uid async for row in bench.store.rows(DROP, LETTER.arrived + 1)] == [1]

    async def test_it_comes_back_as_a_new_message(self, bench: Bench) -> None:
        uidls = [(await bench.put(octets))[0].uidl for octets in (SMALL, LARGE, SMALL)]
        await self.delete(bench, 1, 2, 3)
        began = time.time()
        receipts = await bench.store.restore(DROP, [2, 3, 7])
        assert [(receipt.uid, receipt.octets) for receipt in receipts] == [(4, len(LARGE)), (5, len(SMALL))]
        assert not {receipt.uidl for receipt in receipts} & set(uidls), "a client takes it for a new one"
        await bench.reopen()
        assert await bench.contents() == [LARGE, SMALL]
        rows = [row async for row in bench.store.rows(DROP)]
        assert [row.uidl for row in rows] == [receipt.uidl for receipt in receipts]
        assert all(began <= row.arrived <= time.time() for row in rows), "its retention begins anew"
        assert {row.sender for row in rows} == {LETTER.sender}
        assert await self.uids(bench) == [1]
        assert await bench.findings() == []
        assert (await bench.put(SMALL))[0].uid == 6

    async def test_a_unique_id_from_an_import_does_not_come_back_either(self, bench: Bench) -> None:
        await bench.try_put(SMALL, Addressee(DROP, uidl="from-elsewhere"))
        await self.delete(bench, 1)
        (receipt,) = await bench.store.restore(DROP, [1])
        assert receipt.uidl != "from-elsewhere"
        session = await bench.open()
        assert list(session.snapshot.uidls()) == [(1, receipt.uidl)]
        await session.close()

    async def test_it_can_go_for_good(self, bench: Bench) -> None:
        for octets in (SMALL, LARGE, SMALL, LARGE, SMALL):
            await bench.put(octets)
        await self.delete(bench, 1, 2, 3)
        await bench.store.discard(DROP, [2, 3, 4])
        assert await self.uids(bench) == [1]
        assert await bench.contents() == [SMALL]
        assert bench.blob_count(DROP) == 0
        assert await bench.store.restore(DROP, [2, 3]) == []
        assert await bench.findings() == []

    async def test_it_is_not_kept_where_nobody_asked(self, bench: Bench) -> None:
        await bench.put(LARGE)
        await self.delete(bench, 1, keep=False)
        assert await self.uids(bench) == []
        assert bench.blob_count(DROP) == 0

    async def test_a_quota_counts_what_is_in_sight(self, bench: Bench) -> None:
        quota = Quota(octets=len(LARGE), messages=1)
        await bench.put(LARGE)
        await self.delete(bench, 1)
        (outcome,) = await bench.try_put(LARGE, Addressee(DROP, quota=quota))
        assert isinstance(outcome, Receipt)

    async def test_a_drop_in_use_gets_nothing_back(self, bench: Bench) -> None:
        await bench.put(SMALL)
        await self.delete(bench, 1)
        session = await bench.open()
        with pytest.raises(DropInUse):
            await bench.store.restore(DROP, [1])
        await session.close()
        assert await self.uids(bench) == [1]

    async def test_a_lost_lease_hides_nothing(self, bench: Bench) -> None:
        await bench.put(SMALL)
        session = await bench.store.open(DROP, Holder("s1", "", "pop3", time.time()), Lock(), keep_deleted=True)
        await session.load()
        session.snapshot.delete(1)
        bench.break_lease(DROP)
        with pytest.raises(LeaseLost):
            await session.commit()
        await session.close()
        assert await bench.contents() == [SMALL]

    async def test_the_sweep_and_repair_leave_its_body_alone(self, bench: Bench) -> None:
        await bench.put(LARGE)
        await bench.put(LARGE)
        await self.delete(bench, 1)
        store = await bench.reopen()
        await (await bench.open()).close()
        assert await bench.findings(repair=True) == []
        assert bench.blob_count(DROP) == 2
        await store.restore(DROP, [1])
        assert await bench.contents() == [LARGE, LARGE]

    async def test_a_removed_drop_keeps_nothing(self, bench: Bench) -> None:
        await bench.put(LARGE)
        await self.delete(bench, 1)
        await bench.store.remove(DROP)
        assert await self.uids(bench) == []
        assert bench.blob_count(DROP) == 0
        assert await bench.store.usage(DROP) == Usage(0, 0)


class TestDiscarding:
    async def test_what_is_discarded_is_gone_for_good(self, bench: Bench) -> None:
        for octets in (SMALL, LARGE, SMALL, LARGE, SMALL):
            await bench.put(octets)
        await bench.store.discard(DROP, [1, 2, 5])
        assert await bench.contents() == [SMALL, LARGE]
        assert await bench.store.usage(DROP) == Usage(2, len(SMALL + LARGE), LETTER.arrived)
        assert bench.blob_count(DROP) == 1
        assert await bench.findings() == []

    async def test_what_is_not_there_is_no_matter(self, bench: Bench) -> None:
        await bench.put(SMALL)
        await bench.store.discard(DROP, [7, 8])
        await bench.store.discard(DROP, [])
        await bench.store.discard("nobody", [])
        assert await bench.contents() == [SMALL]
        assert await bench.names() == [DROP]

    async def test_a_drop_in_use_loses_nothing(self, bench: Bench) -> None:
        await bench.put(SMALL)
        session = await bench.open()
        with pytest.raises(DropInUse):
            await bench.store.discard(DROP, [1])
        await session.close()
        assert await bench.contents() == [SMALL]


TAKEOVER = Lock(LockPolicy.TAKEOVER)
SHARE = Lock(LockPolicy.SHARE)


class TestTakeover:
    async def test_a_free_drop_is_opened_as_ever(self, bench: Bench) -> None:
        await bench.put(SMALL)
        session = await bench.open(lock=TAKEOVER)
        session.check(time.time())
        session.snapshot.delete(1)
        await session.commit()
        await session.close()
        assert await bench.contents() == []

    @pytest.mark.parametrize("policy", LockPolicy)
    async def test_whoever_had_it_learns_it_and_deletes_nothing(self, bench: Bench, policy: LockPolicy) -> None:
        for body in (SMALL, LARGE):
            await bench.put(body)
        old = await bench.open(lock=Lock(policy))
        old.snapshot.delete(1)
        old.snapshot.delete(2)
        new = await bench.open(lock=TAKEOVER, session="s2")
        for _ in range(2):
            with pytest.raises(LeaseLost, match="another session"):
                old.check(time.time())
            with pytest.raises(LeaseLost, match="another session"):
                await old.commit()
        new.check(time.time())
        await old.close()
        new.check(time.time())
        assert [await read(await new.open_message(number)) for number in (1, 2)] == [SMALL, LARGE]
        with pytest.raises(DropInUse) as refused:
            await bench.open(session="s3")
        assert refused.value.holder is not None
        assert refused.value.holder.session == "s2"
        await new.close()
        assert await bench.contents() == [SMALL, LARGE]
        assert await bench.findings() == []

    async def test_one_without_marks_learns_it_too(self, bench: Bench) -> None:
        old = await bench.open()
        new = await bench.open(lock=TAKEOVER, session="s2")
        with pytest.raises(LeaseLost):
            await old.commit()
        await old.close()
        await new.close()

    async def test_what_the_new_one_deletes_is_no_damage_to_the_old_one(self, bench: Bench) -> None:
        for body in (SMALL, LARGE):
            await bench.put(body)
        old = await bench.open()
        new = await bench.open(lock=TAKEOVER, session="s2")
        new.snapshot.delete(1)
        new.snapshot.delete(2)
        await new.commit()
        await new.close()
        for number in (1, 2):
            with pytest.raises(LeaseLost):
                await old.open_message(number)
        await old.close()

    async def test_columns_that_come_too_late_are_no_damage_either(self, bench: Bench) -> None:
        await bench.put(SMALL)
        old = await bench.store.open(DROP, Holder("s1", "", "pop3", time.time()), Lock())
        new = await bench.open(lock=TAKEOVER, session="s2")
        new.snapshot.delete(1)
        await new.commit()
        await new.close()
        with contextlib.suppress(LeaseLost):
            await old.load()  # they may be known already
        with pytest.raises(LeaseLost):
            old.check(time.time())
        await old.close()

    async def test_a_takeover_can_be_taken_over(self, bench: Bench) -> None:
        await bench.put(SMALL)
        sessions = []
        for number in range(10):
            sessions.append(await bench.open(lock=TAKEOVER, session=f"s{number}"))
            sessions[-1].snapshot.delete(1)
        for session in sessions[:-1]:
            with pytest.raises(LeaseLost):
                await session.commit()
            await session.close()
        await sessions[-1].commit()
        await sessions[-1].close()
        assert await bench.contents() == []

    async def test_many_at_once_leave_one(self, bench: Bench) -> None:
        await bench.put(SMALL)
        sessions = await asyncio.gather(*(bench.open(lock=TAKEOVER, session=f"s{number}") for number in range(10)))
        for session in sessions:
            session.snapshot.delete(1)
        outcomes = await asyncio.gather(*(session.commit() for session in sessions), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes].count(LeaseLost) == 9
        assert outcomes.count(None) == 1
        for session in sessions:
            await session.close()
        assert await bench.contents() == []

    async def test_a_takeover_that_is_cancelled_holds_nothing(self, bench: Bench) -> None:
        for pause in (0, 1, 2, 3, 5, 10, 50):
            old = await bench.open(lock=Lock(LockPolicy.WAIT, 30.0))
            taking = asyncio.create_task(bench.open(lock=TAKEOVER, session="s2"))
            for _ in range(pause):
                await asyncio.sleep(0)
            taking.cancel()
            await asyncio.wait({taking})
            if not taking.cancelled():
                await taking.result().close()
            await old.close()
            await (await bench.open(lock=Lock(LockPolicy.WAIT, 30.0))).close()

    async def test_a_commit_that_is_cancelled_is_done_or_not_when_the_drop_is_free(self, bench: Bench) -> None:
        for pause in (0, 1, 2, 3, 5, 10, 50):
            await bench.put(SMALL)
            old = await bench.open()
            old.snapshot.delete(1)
            committing = asyncio.create_task(old.commit())
            for _ in range(pause):
                await asyncio.sleep(0)
            committing.cancel()
            await asyncio.wait({committing})
            await old.close()
            new = await bench.open(lock=Lock(LockPolicy.WAIT, 30.0))  # raises where the snapshot is not of one moment
            for number in range(1, new.snapshot.total + 1):
                assert await read(await new.open_message(number)) == SMALL
                new.snapshot.delete(number)
            await new.commit()
            await new.close()
            assert await bench.contents() == []


class TestSharing:
    async def test_each_has_its_own_snapshot_and_all_deletions_are_applied(self, bench: Bench) -> None:
        for body in (SMALL, LARGE, SMALL):
            await bench.put(body)
        first = await bench.open(lock=SHARE)
        await bench.put(LARGE)
        second = await bench.open(lock=SHARE, session="s2")
        assert (first.snapshot.count, second.snapshot.count) == (3, 4)
        first.snapshot.delete(1)
        first.snapshot.delete(2)
        second.snapshot.delete(2)
        second.snapshot.delete(4)
        await first.commit()
        await first.close()
        second.check(time.time())
        await second.commit()
        await second.close()
        assert await bench.contents() == [SMALL]
        assert await bench.findings() == []
        assert await bench.store.usage(DROP) == Usage(1, len(SMALL), LETTER.arrived)
        assert bench.blob_count(DROP) == 0

    @pytest.mark.parametrize("body", [SMALL, LARGE])
    async def test_a_message_that_another_one_deleted_is_told_as_gone(self, bench: Bench, body: bytes) -> None:
        await bench.put(body)
        await bench.put(SMALL)
        first = await bench.open(lock=SHARE)
        second = await bench.open(lock=SHARE, session="s2")
        await second.open_message(2)
        first.snapshot.delete(1)
        await first.commit()
        await first.close()
        with pytest.raises(MessageGone, match="message 1 was deleted by another session"):
            second.ready(1)
        with pytest.raises(MessageGone, match="message 1 was deleted by another session"):
            await second.open_message(1)
        assert await read(await second.open_message(2)) == SMALL
        assert [size for _, size in second.snapshot.sizes()] == [len(body), len(SMALL)]
        await second.close()

    async def test_the_columns_come_at_once(self, bench: Bench) -> None:
        await bench.put(SMALL)
        holder = Holder("s1", "", "pop3", time.time())
        first = await bench.store.open(DROP, holder, SHARE)
        assert first.snapshot.is_loaded
        await first.close()

    async def test_opening_while_others_delete(self, bench: Bench) -> None:
        await asyncio.gather(*(bench.put(SMALL) for _ in range(60)))

        async def work(name: str) -> None:
            for _ in range(15):
                session = await bench.open(lock=SHARE, session=name)
                assert session.snapshot.octets == sum(size for _, size in session.snapshot.sizes())
                if session.snapshot.total:
                    session.snapshot.delete(1)
                await session.commit()
                await session.close()

        await asyncio.gather(*(work(f"s{number}") for number in range(4)))
        assert await bench.findings() == []

    @pytest.mark.parametrize("policy", [LockPolicy.REFUSE, LockPolicy.WAIT])
    async def test_who_wants_it_alone_is_refused(self, bench: Bench, policy: LockPolicy) -> None:
        first = await bench.open(lock=SHARE)
        second = await bench.open(lock=SHARE, session="s2")
        for session in (first, second):
            with pytest.raises(DropInUse):
                await bench.open(lock=Lock(policy, 0.03), session="s3")
            await session.close()
        await (await bench.open(lock=Lock(policy, 0.03))).close()

    @pytest.mark.parametrize("policy", [LockPolicy.REFUSE, LockPolicy.WAIT, LockPolicy.TAKEOVER])
    async def test_nobody_shares_with_one_who_has_it_alone(self, bench: Bench, policy: LockPolicy) -> None:
        session = await bench.open(lock=Lock(policy))
        with pytest.raises(DropInUse):
            await bench.open(lock=SHARE, session="s2")
        await session.close()
        await (await bench.open(lock=SHARE)).close()

    async def test_a_takeover_ends_all(self, bench: Bench) -> None:
        await bench.put(SMALL)
        shared = [await bench.open(lock=SHARE, session=f"s{number}") for number in range(3)]
        new = await bench.open(lock=TAKEOVER, session="s9")
        for session in shared:
            session.snapshot.delete(1)
            with pytest.raises(LeaseLost):
                await session.commit()
            await session.close()
        await new.close()
        assert await bench.contents() == [SMALL]

    async def test_one_that_is_shared_is_not_removed(self, bench: Bench) -> None:
        await bench.put(SMALL)
        session = await bench.open(lock=SHARE)
        with pytest.raises(DropInUse):
            await bench.store.remove(DROP)
        with pytest.raises(DropInUse):
            await bench.findings(repair=True)
        await session.close()


class TestRemoval:
    async def test_a_removed_drop_is_gone(self, bench: Bench) -> None:
        await bench.put(SMALL)
        await bench.put(LARGE)
        await bench.put(SMALL, "other")
        await bench.store.remove(DROP)
        assert await bench.names() == ["other"]
        assert bench.blob_count(DROP) == 0
        await bench.reopen()
        assert await bench.names() == ["other"]
        assert await bench.store.usage(DROP) == Usage(0, 0)
        assert await bench.contents() == []

    async def test_it_may_come_back(self, bench: Bench) -> None:
        await bench.put(SMALL)
        await bench.store.remove(DROP)
        await bench.put(LARGE)
        assert await bench.names() == [DROP]
        assert await bench.contents() == [LARGE]

    async def test_one_in_use_is_not_removed(self, bench: Bench) -> None:
        await bench.put(SMALL)
        session = await bench.open()
        with pytest.raises(DropInUse):
            await bench.store.remove(DROP)
        await session.close()
        assert await bench.contents() == [SMALL]


class TestVerification:
    async def test_a_sound_drop_has_no_findings(self, bench: Bench) -> None:
        await bench.put(SMALL)
        await bench.put(LARGE)
        assert await bench.findings() == []
        assert await bench.findings(repair=True) == []
        assert await bench.contents() == [SMALL, LARGE]

    async def test_an_orphan_is_told_and_swept(self, bench: Bench) -> None:
        await bench.put(LARGE)
        upload = bench.store._blobs.begin()
        await upload.write(LARGE)
        await upload.finish()
        await bench.store._blobs.place(upload, DROP, "feedfeed")
        await upload.discard()
        assert [(finding.kind, finding.detail) for finding in await bench.findings()] == [
            (FindingKind.ORPHAN, "feedfeed")
        ]
        assert len(await bench.findings(repair=True)) == 1
        assert await bench.findings() == []
        assert await bench.contents() == [LARGE]

    async def test_an_orphan_goes_when_the_drop_is_first_opened(self, bench: Bench) -> None:
        await bench.put(LARGE)
        upload = bench.store._blobs.begin()
        await upload.write(LARGE)
        await upload.finish()
        await bench.store._blobs.place(upload, DROP, "feedfeed")
        await upload.discard()
        assert bench.blob_count(DROP) == 2
        assert await bench.contents() == [LARGE]
        assert bench.blob_count(DROP) == 1

    async def test_a_lost_body_is_found(self, bench: Bench) -> None:
        await bench.put(LARGE)
        rows = [row async for row in bench.store.rows(DROP)]
        assert rows[0].blob is not None
        await bench.store._blobs.remove(DROP, [rows[0].blob.name])
        (finding,) = await bench.findings(repair=True)
        assert (finding.kind, finding.uid) == (FindingKind.BODY_MISSING, rows[0].uid)
        assert (await bench.store.usage(DROP)).messages == 1, "verify never removes a message"

    async def test_one_in_use_is_not_repaired(self, bench: Bench) -> None:
        session = await bench.open()
        with pytest.raises(DropInUse):
            await bench.findings(repair=True)
        assert await bench.findings() == []
        await session.close()
