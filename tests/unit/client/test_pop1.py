"""POP1 for programs: a mailbox parted into messages as it comes, and deleted only when it is accepted."""

import asyncio

import pytest

from postane.client.errors import (
    ClearTextRefused,
    ConnectionLost,
    LoginRefused,
    Misbehaved,
    PopError,
    Refused,
    Unwilling,
)
from postane.client.login import LoginPolicy, Plaintext
from postane.client.pop1 import Pop1
from postane.wire.errors import LocalProtocolError
from support.dialogue import DialogueLink

GREETING = b"+OK POP1 ready\r\n"
LOGIN = (b"USER ayse\r\n", b"+OK\r\n"), (b"PASS gizli\r\n", b"+OK in\r\n")
MAILBOX = (
    b"From ali@example.org Sat Jan  3 01:05:34 1996\r\nSubject: 1\r\n\r\n>From here on\r\n\r\n"
    b"From MAILER-DAEMON Sun Jan  4 01:05:34 1996\r\nSubject: 2\r\n\r\n.\r\n\r\n"
)
MESSAGES = [b"Subject: 1\r\n\r\nFrom here on\r\n", b"Subject: 2\r\n\r\n.\r\n"]
LENGTH = b"#%d\r\n" % len(MAILBOX)
RDEL, RETR, RCEV = (b"RDEL\r\n", LENGTH), (b"RETR\r\n", LENGTH), (b"RCEV\r\n", MAILBOX)
RCVD, RSET, QUIT = (b"RCVD\r\n", b"+OK\r\n"), (b"RSET\r\n", b"+OK\r\n"), (b"QUIT\r\n", b"+OK\r\n")


async def opened(*turns, **how):
    link = DialogueLink(GREETING, *LOGIN, *turns, **how)
    pop = Pop1(link)
    await pop.greet()
    await pop.log_in("ayse", "gizli")
    return pop, link


@pytest.mark.parametrize("piece", [1, 7, 65536])
async def test_a_mailbox_is_read_and_deleted(piece):
    pop, link = await opened(RDEL, RCEV, RCVD, QUIT, piece=piece)
    async with pop:
        mailbox = await pop.mailbox(deletes=True)
        assert mailbox.octets == len(MAILBOX)
        got = [(each.sender, each.arrived, await each.raw()) async for each in mailbox.messages()]
        await mailbox.accept()
    assert got == [("ali@example.org", 820631134.0, MESSAGES[0]), ("", 820717534.0, MESSAGES[1])]
    assert link.is_done
    assert link.is_closed


async def test_a_mailbox_that_is_not_accepted_is_given_up():
    pop, link = await opened(RDEL, RCEV, RSET, QUIT)
    async with pop:
        mailbox = await pop.mailbox(deletes=True)
        assert [(await each.fetch())["Subject"] async for each in mailbox.messages()] == ["1", "2"]
    assert link.is_done


async def test_another_mailbox_is_asked_for_by_name():
    pop, link = await opened(RETR, RSET, (b"RETR lists\r\n", b"#0\r\n"), (b"RCEV\r\n", b""), RCVD, QUIT, hangs=True)
    async with pop:
        first = await pop.mailbox()
        mailbox = await pop.mailbox("lists")
        assert [each async for each in mailbox.messages()] == []
        await mailbox.accept()
        with pytest.raises(PopError, match="was left"):
            await anext(first.messages())
    assert link.is_done


async def test_what_is_not_read_of_a_message_is_thrown_away_and_never_missed_silently():
    pop, link = await opened(RETR, RCEV, RCVD, QUIT, piece=5)
    async with pop:
        mailbox = await pop.mailbox()
        messages = mailbox.messages()
        first = await anext(messages)
        stream = first.stream()
        await anext(stream)
        second = await anext(messages)
        with pytest.raises(PopError, match="thrown away"):
            await anext(stream)
        with pytest.raises(PopError, match="comes once"):
            await first.raw()
        assert await second.raw() == MESSAGES[1]
        assert [each async for each in messages] == []
        await mailbox.accept()
    assert link.is_done


async def test_a_mailbox_is_not_accepted_before_it_has_come():
    pop, link = await opened(RDEL, RCEV)
    mailbox = await pop.mailbox(deletes=True)
    with pytest.raises(LocalProtocolError, match="not read"):
        await mailbox.accept()
    messages = mailbox.messages()
    await anext(messages)
    with pytest.raises(LocalProtocolError, match="still coming"):
        await mailbox.accept()
    await pop.quit()
    assert link.said[-1] == b"RCEV\r\n"
    assert link.is_aborted


async def test_an_exception_deletes_nothing():
    pop, link = await opened(RDEL, RCEV)

    async def fail():
        async with pop:
            mailbox = await pop.mailbox(deletes=True)
            async for _ in mailbox.messages():
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert link.said[-1] == b"RCEV\r\n"
    assert link.is_aborted


async def test_a_wait_that_is_cancelled_ends_the_session():
    pop, link = await opened(RDEL, (b"RCEV\r\n", MAILBOX[:60]), hangs=True)
    mailbox = await pop.mailbox(deletes=True)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            [each async for each in mailbox.messages()]
    assert link.is_aborted
    with pytest.raises(LocalProtocolError):
        await mailbox.accept()
    assert link.said[-1] == b"RCEV\r\n"


async def test_a_mailbox_that_breaks_off_is_never_whole():
    pop, _ = await opened(RDEL, (b"RCEV\r\n", MAILBOX[:-1]))
    mailbox = await pop.mailbox(deletes=True)
    with pytest.raises(ConnectionLost, match="inside the mailbox"):
        [await each.raw() async for each in mailbox.messages()]


@pytest.mark.parametrize("octets", [b"Subject: 1\r\n\r\n", b"From half a postmark"])
async def test_what_cannot_be_parted_is_told(octets):
    pop, link = await opened((b"RETR\r\n", b"#%d\r\n" % len(octets)), (b"RCEV\r\n", octets))
    mailbox = await pop.mailbox()
    with pytest.raises(Misbehaved, match="cannot be parted"):
        [each async for each in mailbox.messages()]
    assert link.is_aborted


async def test_a_refused_login_may_be_tried_again():
    link = DialogueLink(GREETING, LOGIN[0], (b"PASS yanlis\r\n", b"-ERR wrong: yanlis\r\n"), *LOGIN, QUIT)
    pop = Pop1(link)
    await pop.greet()
    async with pop:
        with pytest.raises(LoginRefused, match=r"wrong: \*\*\*\*$"):  # and it is told to nobody
            await pop.log_in("ayse", "yanlis")
        await pop.log_in("ayse", "gizli")
    assert link.is_done


async def test_a_password_does_not_cross_a_network_in_clear_text():
    link = DialogueLink(GREETING, *LOGIN, private=False)
    pop = Pop1(link)
    await pop.greet()
    with pytest.raises(ClearTextRefused):
        await pop.log_in("ayse", "gizli")
    assert link.said == []
    await pop.log_in("ayse", "gizli", LoginPolicy(Plaintext.ALWAYS))


async def test_deletions_that_fail_are_told():
    pop, link = await opened(RDEL, RCEV, (b"RCVD\r\n", b"-ERR could not delete\r\n"), QUIT)
    async with pop:
        mailbox = await pop.mailbox(deletes=True)
        assert len([each async for each in mailbox.messages()]) == 2
        with pytest.raises(Refused, match="could not delete"):
            await mailbox.accept()
    assert link.is_done


@pytest.mark.parametrize(
    ("greeting", "kind"), [(b"-ERR too busy\r\n", Unwilling), (b"220 SMTP\r\n", Misbehaved), (b"", ConnectionLost)]
)
async def test_a_server_that_does_not_begin_is_told(greeting, kind):
    with pytest.raises(kind):
        await Pop1(DialogueLink(greeting)).greet()


async def test_the_log_hides_the_password():
    lines = []
    pop = Pop1(DialogueLink(GREETING, *LOGIN, RETR, RCEV, RCVD, QUIT), lines.append)
    await pop.greet()
    async with pop:
        await pop.log_in("ayse", "gizli")
        mailbox = await pop.mailbox()
        assert len([each async for each in mailbox.messages()]) == 2
        await mailbox.accept()
    assert lines == [
        *("S: +OK POP1 ready", "C: USER ayse", "S: +OK", "C: PASS ****", "S: +OK in", "C: RETR"),
        *(f"S: #{len(MAILBOX)}", "C: RCEV", f"S: ({len(MAILBOX)} octets)", "C: RCVD", "S: +OK", "C: QUIT", "S: +OK"),
    ]
