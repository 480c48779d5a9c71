"""A mail server as a sink: who is named, what its replies mean, and what is not sent twice."""

import dataclasses

import pytest

from postane.net.dial import dial
from postane.sinks.base import Outcome, SinkError
from postane.sinks.content import Spool
from postane.sinks.smtp import SenderChoice, SenderKind, SmtpSink
from postane.sinks.smtp_session import SmtpServerAt
from postane.smtp.commands import BodyEnd, Data, Mail, Noop, Quit, Rcpt, Rset
from postane.smtp.replies import Reply
from postane.smtp.states import Dialect
from support.receiver import Receiver, Said, receiving
from support.sink_houses import octets, parcel

TO = ("anna@example.org", "berta@example.org")
LATER = Reply(452, "4.2.2", ("mailbox full",))
NEVER = Reply(550, "5.1.1", ("no such mailbox",))
CLOSING = Reply(421, "4.3.2", ("shutting down",))


def sink_for(receiver: Receiver, *recipients: str, sender: SenderChoice | None = None) -> SmtpSink:
    at = SmtpServerAt(receiver.target(), receiver.dialect, "fetcher.test")
    return SmtpSink(dial, at, recipients, sender)


@pytest.mark.parametrize(
    ("choice", "sender"),
    [
        (SenderChoice(), "wmt@example.org"),
        (SenderChoice(SenderKind.NULL), None),
        (SenderChoice(SenderKind.FIXED, "me@home.test"), "me@home.test"),
        (SenderChoice(SenderKind.SRS, domain="home.test", secret=b"s"), "SRS0="),
    ],
)
async def test_the_sender_may_be_chosen(choice: SenderChoice, sender: str | None) -> None:
    async with receiving() as receiver:
        sink = sink_for(receiver, *TO, sender=choice)
        assert [each.outcome for each in await sink.deliver([parcel(1)])] == [Outcome.DELIVERED]
        await sink.close()
    ((mail, recipients, body),) = receiver.messages
    said = None if mail.envelope.sender is None else str(mail.envelope.sender)
    assert said == sender or (said is not None and sender == "SRS0=" and said.startswith("SRS0="))
    assert recipients == list(TO)
    assert body == octets(parcel(1))
    assert mail.envelope.size == len(body)


@pytest.mark.parametrize("original", ["", "no address", "MAILER-DAEMON"])
def test_a_sender_that_is_none_is_the_null_one(original: str) -> None:
    assert SenderChoice().choose(original) is None


async def test_one_connection_serves_all_and_ends_politely() -> None:
    async with receiving() as receiver:
        sink = sink_for(receiver)
        await sink.open()
        for number in (1, 2, 3):
            (answer,) = await sink.deliver([parcel(number, recipients=("a@x.y", "a@x.y", "b@x.y"))])
            assert answer.outcome is Outcome.DELIVERED
        await sink.close()
    assert receiver.connections == 1
    assert [names for _, names, _ in receiver.messages] == [["a@x.y", "b@x.y"]] * 3
    assert isinstance(receiver.heard[-1], Quit)


async def test_without_pipelining_each_command_waits_for_its_reply() -> None:
    async with receiving(extensions=()) as receiver:
        sink = sink_for(receiver, *TO)
        assert (await sink.deliver([parcel(1)]))[0].is_there
        await sink.close()
    assert [names for _, names, _ in receiver.messages] == [list(TO)]


@pytest.mark.parametrize("extensions", [(), ("PIPELINING",)])
@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize(("reply", "outcome"), [(LATER, Outcome.DEFERRED), (NEVER, Outcome.REFUSED)])
@pytest.mark.parametrize("kind", [Mail, Rcpt, Data, BodyEnd])
async def test_replies_at_each_step(
    extensions: tuple[str, ...], dialect: Dialect, reply: Reply, outcome: Outcome, kind: type
) -> None:
    is_first = True

    def answers(said: Said) -> Reply | None:
        return reply if isinstance(said, kind) and is_first else None

    async with receiving(extensions=extensions, dialect=dialect, answers=answers) as receiver:
        sink = sink_for(receiver, "anna@example.org")
        (answer,) = await sink.deliver([parcel(1)])
        assert answer.outcome is outcome
        assert reply.lines[0] in answer.reason
        assert "anna@example.org" in answer.reason
        assert not receiver.messages
        is_first = False
        assert (await sink.deliver([parcel(2)]))[0].is_there, "the connection goes on"
        assert receiver.connections == 1
        await sink.close()


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_who_has_got_it_does_not_get_it_again(dialect: Dialect) -> None:
    is_full = True

    def answers(said: Said) -> Reply | None:
        return LATER if isinstance(said, Rcpt) and said.address.local_part == "berta" and is_full else None

    async with receiving(dialect=dialect, answers=answers) as receiver:
        sink = sink_for(receiver, *TO)
        (answer,) = await sink.deliver([parcel(1)])
        assert (answer.outcome, "berta" in answer.reason) == (Outcome.DEFERRED, True)
        is_full = False
        await sink.close()
        sink = sink_for(receiver, *TO)  # another run
        (answer,) = await sink.deliver([dataclasses.replace(parcel(1), done=answer.done)])
        assert answer.outcome is Outcome.DELIVERED
        assert (await sink.deliver([dataclasses.replace(parcel(1), done=answer.done)]))[0].outcome is Outcome.PRESENT
        await sink.close()
    assert [names for _, names, _ in receiver.messages] == [[TO[0]], [TO[1]]]


async def test_lmtp_answers_for_each_recipient() -> None:
    def answers(said: Said) -> list[Reply] | None:
        return [Reply(250, "", ("ok",)), NEVER] if isinstance(said, BodyEnd) else None

    async with receiving(dialect=Dialect.LMTP, answers=answers) as receiver:
        sink = sink_for(receiver, "anna", "berta")
        (answer,) = await sink.deliver([parcel(1)])
        assert (answer.outcome, "berta: 550 5.1.1" in answer.reason) == (Outcome.REFUSED, True)
        await sink.close()
    assert [names for _, names, _ in receiver.messages] == [["anna"]]


async def test_what_the_server_would_not_take_is_not_sent() -> None:
    async with receiving(extensions=("SIZE 100",)) as receiver:
        sink = sink_for(receiver, "anna@example.org", "anna@bücher.example")
        (answer,) = await sink.deliver([parcel(1, b"x" * 200)])
        assert (answer.outcome, "100 octets at most" in answer.reason) == (Outcome.REFUSED, True)
        (answer,) = await sink.deliver([parcel(1)])
        assert (answer.outcome, "bücher" in answer.reason) == (Outcome.REFUSED, True)
        assert not [each for each in receiver.heard if isinstance(each, Mail)]
        await sink.close()


async def test_an_address_beyond_ascii() -> None:
    async with receiving() as receiver:
        sink = sink_for(receiver, "anna@bücher.example")
        assert (await sink.deliver([parcel(1)]))[0].is_there
        await sink.close()
    assert receiver.messages[0][0].envelope.is_utf8


@pytest.mark.parametrize("recipients", [(), ("no address",)])
async def test_nobody_to_send_it_to(recipients: tuple[str, ...]) -> None:
    async with receiving() as receiver:
        sink = sink_for(receiver)
        assert (await sink.deliver([parcel(1, recipients=recipients)]))[0].outcome is Outcome.REFUSED
        await sink.close()


@pytest.mark.parametrize(("named", "got"), [(("a..b@x.y", "c@x.y"), "c@x.y"), (("a..b@x.y",), "fixed@x.y")])
async def test_what_is_no_address_keeps_mail_from_no_other(named: tuple[str, ...], got: str) -> None:
    async with receiving() as receiver:
        sink = sink_for(receiver, "fixed@x.y")
        assert (await sink.deliver([parcel(1, recipients=named)]))[0].outcome is Outcome.DELIVERED
        await sink.close()
    assert [names for _, names, _ in receiver.messages] == [[got]]


async def test_line_ends_are_mended() -> None:
    async with receiving() as receiver:
        sink = sink_for(receiver, *TO)
        spool = Spool(10)
        spool.write(b"a\nb\rc\r\n.\n" * 50_000)
        large = dataclasses.replace(parcel(2), content=spool.finish())
        answers = await sink.deliver([parcel(1, b"a\n.\nb\r"), large])
        assert all(each.is_there for each in answers)
        spool.discard()
        await sink.close()
    assert receiver.messages[0][2] == parcel(1).lead + b"a\r\n.\r\nb\r\n"
    assert receiver.messages[1][2] == parcel(2).lead + b"a\r\nb\r\nc\r\n.\r\n" * 50_000


async def test_a_connection_that_went_is_made_again() -> None:
    cuts = iter([False, True])

    def is_cutting(said: Said) -> bool:
        return isinstance(said, Mail) and next(cuts, False)

    async with receiving(is_cutting=is_cutting) as receiver:
        sink = sink_for(receiver, *TO)
        for number in (1, 2, 3):
            assert (await sink.deliver([parcel(number)]))[0].is_there
        assert receiver.connections == 2
        await sink.close()


async def test_where_the_message_was_sent_nothing_is_known() -> None:
    async with receiving(is_cutting=lambda said: isinstance(said, BodyEnd)) as receiver:
        sink = sink_for(receiver, *TO)
        await sink.open()
        with pytest.raises(SinkError, match="closed"):
            await sink.deliver([parcel(1)])
        assert receiver.connections == 1
        await sink.close()


@pytest.mark.parametrize("kind", [Mail, Rcpt, Data])
async def test_a_server_that_leaves(kind: type) -> None:
    async with receiving(answers=lambda said: CLOSING if isinstance(said, kind) else None) as receiver:
        sink = sink_for(receiver, *TO)
        with pytest.raises(SinkError, match=r"421 4\.3\.2 shutting down") as raised:
            await sink.deliver([parcel(1)])
        assert raised.value.may_pass
        await sink.close()


async def test_a_server_that_leaves_after_the_message_takes_it_later() -> None:
    async with receiving(answers=lambda said: CLOSING if isinstance(said, BodyEnd) else None) as receiver:
        sink = sink_for(receiver, TO[0])
        (answer,) = await sink.deliver([parcel(1)])
        assert answer.outcome is Outcome.DEFERRED
        receiver.answers = lambda _: None
        assert (await sink.deliver([parcel(1)]))[0].is_there
        await sink.close()


async def test_a_server_that_wants_a_login_first_is_not_about_the_message() -> None:
    first = Reply(530, "5.7.0", ("log in first",))
    async with receiving(answers=lambda said: first if isinstance(said, Mail) else None) as receiver:
        sink = sink_for(receiver, *TO)
        with pytest.raises(SinkError, match=r"530 5\.7\.0 log in first") as raised:
            await sink.deliver([parcel(1)])
        assert not raised.value.may_pass
        await sink.close()


async def test_after_a_refusal_the_transaction_is_reset() -> None:
    async with receiving(answers=lambda said: NEVER if isinstance(said, Rcpt) else None) as receiver:
        sink = sink_for(receiver, TO[0])
        await sink.deliver([parcel(1)])
        await sink.deliver([parcel(2)])
        await sink.close()
    assert any(isinstance(each, Rset) for each in receiver.heard)
    assert not any(isinstance(each, Noop) for each in receiver.heard)
