"""Delivery: whose an address is, what the drops get, what becomes of failures."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from postane.mail.address import Address
from postane.mail.envelope import Envelope
from postane.mail.trace import Passage, Protocol
from postane.maildrop.base import (
    Addressee,
    Letter,
    MaildropError,
    Quota,
    QuotaExceeded,
    Receipt,
    Spool,
    StoreDamaged,
    StoreFull,
    StoreUnavailable,
    Usage,
)
from postane.server.delivery import (
    PROVEN,
    Delivery,
    DeliveryLimits,
    DeliveryRefused,
    Outcome,
    Transaction,
    reply_to_all,
    reply_to_outcome,
)
from postane.smtp import replies
from support.receiving import NOW, ReceivingOffice

SENDER = Address("smith", "bar.com")
PASSAGE = Passage("bar.com", "192.0.2.7", Protocol.ESMTP, "s1.1", NOW)
RECEIPT = Receipt("joe", 1, "u", 5)


@pytest.fixture
def here() -> ReceivingOffice:
    return ReceivingOffice()


def _delivery(here: ReceivingOffice, limits: DeliveryLimits | None = None) -> Delivery:
    return Delivery(here.accounts, here.maildrops, here.hostname, limits)


async def _name(here: ReceivingOffice, local_part: str, domain: str | None = "foo.com") -> str:
    return (await _delivery(here).find(Address(local_part, domain))).name


class TestFinding:
    async def test_an_account_and_its_alias(self, here: ReceivingOffice) -> None:
        here.accounts.add("joe", aliases=["info"])
        assert await _name(here, "Joe") == "joe"
        assert await _name(here, "info") == "joe"

    async def test_another_domain_is_not_relayed_to(self, here: ReceivingOffice) -> None:
        here.accounts.add("joe")
        with pytest.raises(DeliveryRefused) as caught:
            await _name(here, "joe", "elsewhere.example")
        assert caught.value.reply is replies.NO_RELAY

    async def test_an_unknown_user(self, here: ReceivingOffice) -> None:
        with pytest.raises(DeliveryRefused) as caught:
            await _name(here, "joe")
        assert caught.value.reply is replies.NO_SUCH_USER

    async def test_a_detail_is_left_out_where_nobody_has_that_name(self, here: ReceivingOffice) -> None:
        here.accounts.add("joe")
        assert await _name(here, "joe+lists") == "joe"
        here.accounts.add("ann", aliases=["joe+special"])
        assert await _name(here, "joe+special") == "ann"
        with pytest.raises(DeliveryRefused):
            await _name(here, "jim+lists")

    async def test_a_detail_is_its_owners_before_it_is_the_catch_alls(self, here: ReceivingOffice) -> None:
        here.accounts.add("joe", aliases=["joe+special"])
        here.accounts.add("rest", aliases=["@foo.com"])
        assert await _name(here, "joe+lists") == "joe"
        assert await _name(here, "joe+special") == "joe"
        assert await _name(here, "jim+lists") == "rest"
        assert await _name(here, "jim") == "rest"

    async def test_postmaster_is_always_there(self, here: ReceivingOffice) -> None:
        assert await _name(here, "Postmaster", None) == "postmaster"
        assert await _name(here, "postmaster") == "postmaster"
        with pytest.raises(DeliveryRefused):
            await _name(here, "postmaster", "elsewhere.example")
        here.accounts.add("rest", aliases=["@foo.com"])
        assert await _name(here, "Postmaster", None) == "rest"
        here.accounts.add("joe", aliases=["postmaster"])
        assert await _name(here, "Postmaster", None) == "joe"

    async def test_a_disabled_account_still_receives(self, here: ReceivingOffice) -> None:
        here.accounts.add("joe")
        here.accounts.set_enabled("joe", False)
        assert await _name(here, "joe") == "joe"


class TestRoom:
    @pytest.mark.parametrize(
        ("quota", "size", "fits"),
        [
            (Quota(), 10**12, True),
            (Quota(octets=100), 50, True),
            (Quota(octets=100), 51, False),
            (Quota(octets=50), 0, False),
            (Quota(messages=2), 10**12, True),
            (Quota(messages=1), 0, False),
        ],
    )
    async def test_the_quota_is_asked_early(self, here: ReceivingOffice, quota: Quota, size: int, fits: bool) -> None:
        account = here.accounts.add("joe", quota=quota)
        delivery = Delivery(here.accounts, _Holding(Usage(1, 50)), here.hostname)  # type: ignore[arg-type]
        if fits:
            await delivery.check_room(account, size)
        else:
            with pytest.raises(QuotaExceeded):
                await delivery.check_room(account, size)

    async def test_a_damaged_drop_is_refused_for_its_owner_alone(self, here: ReceivingOffice) -> None:
        class Damaged:
            def glance(self, drop: str) -> None:
                """It is not open."""

            async def usage(self, drop: str) -> Usage:
                if drop == "joe":
                    raise StoreDamaged("maildrop is damaged")
                return Usage(0, 0)

        here.accounts.add("joe")
        here.accounts.add("ann")
        transaction = Delivery(here.accounts, Damaged(), here.hostname).begin(Envelope(SENDER))  # type: ignore[arg-type]
        with pytest.raises(StoreDamaged):
            await transaction.add(Address("joe", "foo.com"))
        await transaction.add(Address("ann", "foo.com"))

    async def test_what_took_a_message_is_not_asked_before_the_next_one(self, here: ReceivingOffice) -> None:
        store = _Counting(Usage(0, 0))
        delivery = Delivery(here.accounts, store, here.hostname)  # type: ignore[arg-type]
        account = here.accounts.add("joe")
        for looks, outcome in ((1, None), (2, RECEIPT), (2, RECEIPT), (2, StoreUnavailable("no")), (3, None)):
            assert delivery.check_room_now(account, 0)
            assert store.looks == looks
            delivery.note([] if outcome is None else [outcome])

    async def test_a_quota_is_asked_for_each_message(self, here: ReceivingOffice) -> None:
        store = _Counting(Usage(0, 50))
        delivery = Delivery(here.accounts, store, here.hostname)  # type: ignore[arg-type]
        account = here.accounts.add("joe", quota=Quota(octets=100))
        delivery.note([RECEIPT])
        assert delivery.check_room_now(account, 50)
        assert store.looks == 1
        with pytest.raises(QuotaExceeded):
            delivery.check_room_now(account, 51)

    async def test_no_more_drops_are_remembered_than_need_be(self, here: ReceivingOffice) -> None:
        delivery = _delivery(here)
        for number in range(3 * PROVEN):
            delivery.note([replace(RECEIPT, drop=f"d{number}")])
        assert 0 < len(delivery._proven) <= PROVEN

    async def test_a_quota_fills_up_for_one_but_nobody_gets_it_twice(self, here: ReceivingOffice) -> None:
        """One reply stands for both: joe's last message may pass his quota, the next one is refused at RCPT."""
        here.accounts.add("joe", quota=Quota(octets=600))
        here.accounts.add("ann")
        transaction = await _transaction(here, "joe", "ann")
        await transaction.write(b"Subject: x\r\n\r\n" + b"y" * 900 + b"\r\n")
        outcomes = await transaction.deposit(PASSAGE)
        assert all(isinstance(outcome, Receipt) for outcome in outcomes)
        with pytest.raises(QuotaExceeded):
            await _transaction(here, "joe", "ann")

    async def test_alone_or_by_lmtp_a_quota_is_exact(self, here: ReceivingOffice) -> None:
        here.accounts.add("joe", quota=Quota(octets=600))
        here.accounts.add("ann")
        for names, passage in ((("joe",), PASSAGE), (("joe", "ann"), replace(PASSAGE, protocol=Protocol.LMTP))):
            transaction = await _transaction(here, *names)
            await transaction.write(b"Subject: x\r\n\r\n" + b"y" * 900 + b"\r\n")
            outcomes = await transaction.deposit(passage)
            assert [type(outcome) for outcome in outcomes] == [QuotaExceeded, Receipt][: len(names)]


class _Holding:
    def __init__(self, usage: Usage) -> None:
        self._usage = usage

    def glance(self, drop: str) -> Usage:
        return self._usage

    async def usage(self, drop: str) -> Usage:
        return self._usage


class _Counting(_Holding):
    looks = 0

    def glance(self, drop: str) -> Usage:
        self.looks += 1
        return super().glance(drop)


async def _transaction(here: ReceivingOffice, *recipients: str, limits: DeliveryLimits | None = None) -> Transaction:
    transaction = _delivery(here, limits).begin(Envelope(SENDER))
    for name in recipients:
        await transaction.add(Address(name, "foo.com"))
    return transaction


class TestDeposit:
    async def test_each_drop_gets_the_message_with_its_own_lead(self, here: ReceivingOffice) -> None:
        for name in ("joe", "ann"):
            here.accounts.add(name)
        transaction = await _transaction(here, "joe", "ann")
        await transaction.write(b"Subject: x\r\n")
        await transaction.write(b"\r\nhello\r\n")
        outcomes = await transaction.deposit(PASSAGE)
        await transaction.discard()
        assert [outcome.drop for outcome in outcomes if isinstance(outcome, Receipt)] == ["joe", "ann"]
        for name in ("joe", "ann"):
            [message] = await here.messages(name)
            fields = [line.split(b":")[0] for line in message.split(b"\r\n") if not line.startswith(b"\t")]
            assert fields == [b"Return-Path", b"Delivered-To", b"Received", b"Subject", b"", b"hello", b""]
            assert f"\r\nDelivered-To: {name}@foo.com\r\n".encode() in message
            other = {"joe": b"ann", "ann": b"joe"}[name]
            assert other not in message

    async def test_recipients_who_share_a_drop_get_one_copy_and_an_outcome_each(self, here: ReceivingOffice) -> None:
        here.accounts.add("joe", aliases=["info"])
        transaction = await _transaction(here, "joe", "info", "joe+x")
        outcomes = await transaction.deposit(PASSAGE)
        assert len(outcomes) == 3
        assert len(set(outcomes)) == 1
        [message] = await here.messages("joe")
        assert b"\r\nDelivered-To: joe@foo.com\r\n" in message

    async def test_the_envelope_keeps_the_recipients(self, here: ReceivingOffice) -> None:
        here.accounts.add("joe")
        transaction = await _transaction(here, "joe")
        assert transaction.envelope.recipients == (Address("joe", "foo.com"),)

    async def test_too_many_recipients(self, here: ReceivingOffice) -> None:
        here.accounts.add("joe")
        transaction = await _transaction(here, "joe", "joe", limits=DeliveryLimits(recipients=2))
        with pytest.raises(DeliveryRefused) as caught:
            await transaction.add(Address("joe", "foo.com"))
        assert caught.value.reply is replies.TOO_MANY_RECIPIENTS

    @pytest.mark.parametrize(("hops", "is_looping"), [(2, False), (3, True)])
    @pytest.mark.parametrize("end", [b"\r\nReceived: in the body\r\n", b""])
    async def test_a_loop_is_seen_by_its_hops(
        self, here: ReceivingOffice, hops: int, is_looping: bool, end: bytes
    ) -> None:
        here.accounts.add("joe")
        transaction = await _transaction(here, "joe", limits=DeliveryLimits(hops=2))
        for octet in b"Received: x\r\n" * hops + end:
            await transaction.write(bytes([octet]))
        if is_looping:
            with pytest.raises(DeliveryRefused) as caught:
                await transaction.deposit(PASSAGE)
            assert caught.value.reply is replies.LOOPING
        else:
            await transaction.deposit(PASSAGE)
        await transaction.discard()
        assert len(await here.messages("joe")) == (not is_looping)

    async def test_a_spool_that_fails_stores_nothing_and_is_discarded(self, here: ReceivingOffice) -> None:
        here.accounts.add("joe")
        store = _BrokenStore(StoreFull("no space left"))
        transaction = Delivery(here.accounts, store, here.hostname).begin(Envelope(None))  # type: ignore[arg-type]
        await transaction.add(Address("joe", "foo.com"))
        await transaction.write(b"x")
        assert store.discarded == 1  # at once: the disk is full
        await transaction.write(b"y")
        with pytest.raises(StoreFull):
            await transaction.deposit(PASSAGE)
        await transaction.discard()
        assert (store.writes, store.discarded) == (1, 1)


class _BrokenStore:
    """Its spools fail at the first octet."""

    def glance(self, drop: str) -> None:
        """It is not open."""

    async def usage(self, drop: str) -> Usage:
        return Usage(0, 0)

    def __init__(self, error: MaildropError) -> None:
        self._error = error
        self.writes = 0
        self.discarded = 0

    def spool(self) -> Spool:
        return self

    async def write(self, octets: bytes, *, is_undotted: bool = False) -> None:
        del is_undotted
        self.writes += 1
        raise self._error

    async def discard(self) -> None:
        self.discarded += 1

    async def deposit(self, spool: Spool, letter: Letter, addressees: Sequence[Addressee]) -> list[Outcome]:
        raise AssertionError("nothing may be deposited")


@pytest.mark.parametrize(
    ("outcome", "reply"),
    [
        (RECEIPT, replies.STORED),
        (QuotaExceeded("full"), replies.MAILBOX_FULL),
        (StoreFull("full"), replies.STORE_FULL),
        (StoreUnavailable("down"), replies.UNAVAILABLE),
        (StoreDamaged("torn"), replies.UNAVAILABLE),
    ],
)
def test_an_outcome_as_a_reply(outcome: Outcome, reply: object) -> None:
    assert reply_to_outcome(outcome) is reply
    assert reply_to_all([outcome, outcome]) is reply


@pytest.mark.parametrize("failure", [QuotaExceeded("full"), StoreFull("full"), StoreDamaged("torn")])
def test_stored_for_some_is_not_stored(failure: MaildropError) -> None:
    """docs/decisions/0003: twice for some rather than never for others."""
    for outcomes in ([RECEIPT, failure], [failure, RECEIPT], [RECEIPT, failure, RECEIPT]):
        assert reply_to_all(outcomes) is replies.STORED_FOR_SOME
        assert reply_to_all(outcomes).code == 451
