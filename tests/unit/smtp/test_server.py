"""The machine: what it gives, when it pauses, what it says."""

import itertools

import pytest

from postane.smtp import replies
from postane.smtp.body import BareNewlines, BodyLimits
from postane.smtp.commands import (
    Auth,
    AuthResponse,
    Bdat,
    BdatEnd,
    BodyChunk,
    BodyEnd,
    Data,
    Ehlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    StartTls,
    Verdict,
)
from postane.smtp.replies import Reply, SmtpError
from postane.smtp.server import SmtpServer
from postane.smtp.states import Dialect, State
from postane.wire.errors import Fault, LocalProtocolError, RemoteProtocolError
from postane.wire.machine import NEED_DATA, PAUSED
from support.smtp import GREETING, SMTP_START, Conversation, answer_chunks, converse

CONVERT = BodyLimits(bare_newlines=BareNewlines.CONVERT)


def _machine(octets: bytes = b"", dialect: Dialect = Dialect.SMTP) -> SmtpServer:
    machine = SmtpServer(dialect, BodyLimits())
    machine.send(GREETING)
    machine.feed(octets)
    return machine


def test_nothing_is_read_before_the_greeting_is_sent() -> None:
    machine = SmtpServer(Dialect.SMTP, BodyLimits())
    machine.feed(b"NOOP\r\n")
    assert machine.next_event() is PAUSED
    assert machine.send(GREETING) == b"220 mail.example.org ESMTP Postane\r\n"
    assert machine.next_event() == Noop()


def test_a_greeting_that_refuses_leaves_only_quit() -> None:
    machine = SmtpServer(Dialect.SMTP, BodyLimits())
    machine.send(Reply(554, "", ("no service",)))
    machine.feed(b"EHLO x\r\nQUIT\r\n")
    with pytest.raises(RemoteProtocolError, match="no service here"):
        machine.next_event()
    machine.send(replies.BAD_SEQUENCE)
    assert machine.next_event() == Quit()


def test_a_command_is_not_read_before_the_last_one_is_answered() -> None:
    machine = _machine(b"EHLO x\r\nNOOP\r\n")
    assert machine.next_event() == Ehlo("x")
    assert machine.next_event() is PAUSED
    assert machine.trailing_data == b"NOOP\r\n"
    machine.send(replies.DONE)
    assert machine.next_event() == Noop()
    machine.send(replies.DONE)
    assert machine.next_event() is NEED_DATA


def test_an_error_is_answered_like_a_command() -> None:
    machine = _machine(b"XYZZY\r\nNOOP\r\n")
    with pytest.raises(RemoteProtocolError) as caught:
        machine.next_event()
    assert caught.value.fault is Fault.UNKNOWN_COMMAND
    assert machine.next_event() is PAUSED
    machine.send(replies.UNKNOWN_COMMAND)
    assert machine.next_event() == Noop()


def test_an_end_of_octets_changes_nothing() -> None:
    machine = _machine(b"NOO")
    machine.feed(b"")
    assert machine.next_event() is NEED_DATA


def test_after_quit_nothing_is_read() -> None:
    talk = converse(b"QUIT\r\nNOOP\r\n")
    assert talk.seen == [Quit()]
    assert talk.machine.state == State.CLOSED
    assert talk.machine.next_event() is PAUSED
    assert talk.machine.trailing_data == b"NOOP\r\n"


def test_data_goes_on_only_after_354() -> None:
    machine = _machine(SMTP_START + b"DATA\r\nx\r\n.\r\nNOOP\r\n")
    for _ in range(3):
        machine.next_event()
        machine.send(replies.DONE)
    assert machine.next_event() == Data()
    assert machine.next_event() is PAUSED
    machine.send(replies.GO_ON)
    assert machine.next_event() == BodyChunk(b"x\r\n")
    assert machine.next_event() == BodyEnd(Verdict.SOUND, 3)
    assert machine.next_event() is PAUSED
    machine.send(replies.STORED)
    assert machine.state == State.READY
    assert machine.next_event() == Noop()


def test_data_that_is_refused_leaves_the_transaction_open() -> None:
    talk = converse(SMTP_START + b"DATA\r\nRCPT TO:<c@example.org>\r\n", answers={Data: replies.UNAVAILABLE})
    assert talk.codes == [250, 250, 250, 451, 250]


def test_a_reply_out_of_turn_is_a_bug_of_ours() -> None:
    machine = _machine()
    with pytest.raises(LocalProtocolError, match="nothing to reply to"):
        machine.send(replies.DONE)


def test_two_replies_where_one_is_due_are_a_bug_of_ours() -> None:
    machine = _machine(b"NOOP\r\n")
    machine.next_event()
    with pytest.raises(LocalProtocolError, match="1 replies are due, not 2"):
        machine.send([replies.DONE, replies.DONE])


@pytest.mark.parametrize("octets", [b"", b"NOOP\r\n", SMTP_START + b"DATA\r\nhalf a mess"])
def test_421_may_be_said_at_any_time_and_ends_the_session(octets: bytes) -> None:
    talk = converse(octets)
    assert talk.machine.send(replies.CLOSING) == b"421 4.3.2 shutting down\r\n"
    assert talk.machine.state == State.CLOSED
    assert talk.machine.next_event() is PAUSED


class TestMessages:
    def test_stuffed_dots_are_taken_away(self) -> None:
        talk = converse(SMTP_START + b"DATA\r\n..\r\n...x\r\n.y\r\n.\r\n")
        assert talk.messages == [b".\r\n..x\r\ny\r\n"]

    def test_an_empty_message(self) -> None:
        assert converse(SMTP_START + b"DATA\r\n.\r\n").messages == [b""]

    def test_two_messages_in_one_session(self) -> None:
        again = b"MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n2\r\n.\r\n"
        assert converse(SMTP_START + b"DATA\r\n1\r\n.\r\n" + again).messages == [b"1\r\n", b"2\r\n"]

    def test_a_message_of_exactly_the_limit_is_sound(self) -> None:
        limits = BodyLimits(message=4)
        assert converse(SMTP_START + b"DATA\r\n12\r\n.\r\n", limits=limits).messages == [b"12\r\n"]
        talk = converse(SMTP_START + b"DATA\r\n123\r\n.\r\n", limits=limits)
        assert talk.seen[-1] == BodyEnd(Verdict.TOO_BIG, 5)

    def test_nothing_more_is_given_of_a_message_that_is_too_big(self) -> None:
        machine = SmtpServer(Dialect.SMTP, BodyLimits(message=10))
        machine.send(GREETING)
        machine.feed(SMTP_START + b"DATA\r\n")
        for reply in (replies.DONE, replies.DONE, replies.DONE, replies.GO_ON):
            machine.next_event()
            machine.send(reply)
        machine.feed(b"12345\r\n")
        assert machine.next_event() == BodyChunk(b"12345\r\n")
        for _ in range(1000):
            machine.feed(b"x" * 1000 + b"\r\n")
            assert machine.next_event() is NEED_DATA
            assert len(machine.trailing_data) == 0
        machine.feed(b".\r\n")
        assert machine.next_event() == BodyEnd(Verdict.TOO_BIG, 7 + 1000 * 1002)

    def test_a_line_that_is_too_long(self) -> None:
        limits = BodyLimits(line=10)
        assert converse(SMTP_START + b"DATA\r\n" + b"x" * 10 + b"\r\n.\r\n", limits=limits).messages
        talk = converse(SMTP_START + b"DATA\r\n" + b"x" * 11 + b"\r\n.\r\nNOOP\r\n", limits=limits)
        assert talk.seen[-2:] == [BodyEnd(Verdict.LONG_LINE, 13), Noop()]

    @pytest.mark.parametrize("octet", [b"\0", b"\xff", b"\x7f", b"\x1a", b"\t"])
    def test_every_other_octet_is_taken(self, octet: bytes) -> None:
        assert converse(SMTP_START + b"DATA\r\n" + octet + b"\r\n.\r\n").messages == [octet + b"\r\n"]

    def test_bare_newlines_are_mended_where_they_are_to_be(self) -> None:
        talk = converse(SMTP_START + b"DATA\r\na\nb\rc\r\r\n\r\n.\r\n", limits=CONVERT)
        assert talk.messages == [b"a\r\nb\r\nc\r\n\r\n\r\n"]

    def test_a_bare_cr_at_the_very_end_of_a_bdat(self) -> None:
        talk = converse(SMTP_START + b"BDAT 2 LAST\r\na\r")
        assert talk.seen[-1] == BodyEnd(Verdict.BARE_NEWLINE, 2)
        mended = converse(SMTP_START + b"BDAT 2 LAST\r\na\r", limits=CONVERT)
        assert mended.messages == [b"a\r\n"]


# CVE-2023-51764, CVE-2023-51747, CVE-2024-27305: what other servers took for the end of a message.
LINE_ENDS = [b"\n", b"\r", b"\r\n", b"\r\r\n", b"\n\r", b"\r\n\0", b"\r\0\n"]
FAKE_ENDS = [b".".join(pair) for pair in itertools.product(LINE_ENDS, LINE_ENDS) if b"\r\n.\r\n" not in b".".join(pair)]
SMUGGLED = b"MAIL FROM:<ceo@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nsend money\r\n.\r\n"


@pytest.mark.parametrize("limits", [BodyLimits(), CONVERT], ids=["refuse", "convert"])
@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("fake", FAKE_ENDS, ids=repr)
def test_a_message_cannot_smuggle_another(fake: bytes, dialect: Dialect, limits: BodyLimits) -> None:
    start = SMTP_START if dialect is Dialect.SMTP else SMTP_START.replace(b"EHLO", b"LHLO")
    talk = converse(start + b"DATA\r\nhello" + fake + SMUGGLED + b"NOOP\r\n", dialect=dialect, limits=limits)
    assert [type(event) for event in talk.seen] == [type(talk.seen[0]), Mail, Rcpt, Data, BodyEnd, Noop]
    assert len(talk.messages) <= 1
    assert all(SMUGGLED.removesuffix(b".\r\n") in message for message in talk.messages)


def test_cr_before_the_real_end_is_a_bare_cr() -> None:
    talk = converse(SMTP_START + b"DATA\r\nhello\r\r\n.\r\nNOOP\r\n")
    assert talk.seen[-2:] == [BodyEnd(Verdict.BARE_NEWLINE, 8), Noop()]


class TestBdat:
    def test_chunks_are_joined_and_answered_one_by_one(self) -> None:
        talk = converse(SMTP_START + b"BDAT 3\r\nabcBDAT 0\r\nBDAT 4 LAST\r\n\r\n.\r")
        assert talk.seen[3:] == [
            Bdat(3, False), BdatEnd(Verdict.SOUND), Bdat(0, False), BdatEnd(Verdict.SOUND),
            Bdat(4, True), BodyEnd(Verdict.BARE_NEWLINE, 7),
        ]  # fmt: skip
        assert talk.codes[3:] == [250, 250, 250]

    def test_dots_mean_nothing(self) -> None:
        assert converse(SMTP_START + b"BDAT 7 LAST\r\n.\r\n..\r\n").messages == [b".\r\n..\r\n"]

    def test_an_empty_last_chunk(self) -> None:
        assert converse(SMTP_START + b"BDAT 3\r\na\r\nBDAT 0 LAST\r\n").messages == [b"a\r\n"]
        assert converse(SMTP_START + b"BDAT 0 LAST\r\n").messages == [b""]

    def test_too_big_over_several_chunks(self) -> None:
        talk = converse(SMTP_START + b"BDAT 3\r\nabcBDAT 3\r\ndefNOOP\r\n", limits=BodyLimits(message=5))
        assert talk.seen[4:] == [BdatEnd(Verdict.SOUND), Bdat(3, False), BdatEnd(Verdict.TOO_BIG), Noop()]

    def test_rset_forgets_the_chunks(self) -> None:
        again = b"MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nBDAT 1 LAST\r\nz"
        talk = converse(SMTP_START + b"BDAT 3\r\na\nbRSET\r\n" + again)
        assert talk.seen[-1] == BodyEnd(Verdict.SOUND, 1)
        assert talk.messages == [b"z"]

    def test_after_a_refusal_what_is_in_the_pipeline_is_dropped(self) -> None:
        octets = SMTP_START + b"BDAT 4\r\nabcdBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"
        talk = converse(octets, answers=answer_chunks(replies.STORE_FULL))
        assert talk.codes[3:] == [452, 503, 503, 250]
        assert talk.messages == []
        assert talk.machine.state == State.READY

    @pytest.mark.parametrize("line", [b"BDAT", b"BDAT -1", b"BDAT x LAST", b"BDAT 1 FIRST", b"BDAT " + b"9" * 21])
    def test_a_size_that_nobody_knows_ends_the_session(self, line: bytes) -> None:
        talk = converse(SMTP_START + line + b"\r\nQUIT\r\n")
        assert talk.seen[-1][2] is True  # type: ignore[index]
        assert talk.machine.state == State.CLOSED


class TestLmtp:
    START = b"LHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\n"

    def _at_end(self) -> SmtpServer:
        talk = Conversation(Dialect.LMTP)
        talk.feed(self.START + b"DATA\r\n")
        talk.machine.feed(b".\r\n")
        assert isinstance(talk.machine.next_event(), BodyEnd)
        return talk.machine

    def test_one_reply_for_each_recipient(self) -> None:
        said = self._at_end().send([replies.STORED, replies.MAILBOX_FULL])
        assert said == b"250 2.0.0 stored\r\n452 4.2.2 mailbox full\r\n"

    def test_one_reply_may_stand_for_all(self) -> None:
        assert self._at_end().send(replies.LOOPING).count(b"554 5.4.6 ") == 2

    def test_too_few_replies_are_a_bug_of_ours(self) -> None:
        with pytest.raises(LocalProtocolError, match="2 replies are due, not 0"):
            self._at_end().send([])

    def test_recipients_that_were_refused_get_no_reply(self) -> None:
        talk = Conversation(Dialect.LMTP, answers={Rcpt: replies.NO_SUCH_USER}).feed(self.START + b"DATA\r\n")
        assert talk.codes == [250, 250, 550, 550, 503]

    def test_recipients_are_counted_anew_for_each_message(self) -> None:
        again = b"MAIL FROM:<>\r\nRCPT TO:<b>\r\nDATA\r\n.\r\n"
        talk = Conversation(Dialect.LMTP).feed(self.START + b"RSET\r\n" + again + again)
        assert talk.codes == [250] * 5 + [250, 250, 354, 250] * 2

    def test_a_last_bdat_without_recipients_gets_no_reply(self) -> None:
        talk = Conversation(Dialect.LMTP).feed(b"LHLO x\r\nMAIL FROM:<>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
        assert talk.codes == [250, 250, 250]
        assert talk.seen[-1] == Noop()


class TestLines:
    def test_a_line_without_end_is_refused_once(self) -> None:
        talk = Conversation()
        for _ in range(100):
            talk.feed(b"x" * 10_000)
        talk.feed(b"\r\nNOOP\r\n")
        assert talk.codes == [500, 250]

    def test_a_line_over_the_limit_of_a_command(self) -> None:
        assert converse(b"NOOP " + b"x" * 2041 + b"\r\n").codes == [250]
        assert converse(b"NOOP " + b"x" * 2042 + b"\r\n").codes == [500]

    def test_auth_may_be_longer(self) -> None:
        """RFC 4954 s4 asks for 12288 octets; a token of 16 kB is 22 kB of base64."""
        assert converse(b"EHLO x\r\nAUTH XOAUTH2 " + b"x" * 22_000 + b"\r\n").codes == [250, 250]
        assert converse(b"EHLO x\r\nAUTH XOAUTH2\r\n" + b"x" * 22_000 + b"\r\n").codes == [250, 334, 250]
        assert converse(b"EHLO x\r\nAUTH XOAUTH2 " + b"x" * 65_536 + b"\r\nNOOP\r\n").codes == [250, 500, 250]


class TestAuth:
    """RFC 4954 s4."""

    def test_lines_are_responses_until_it_is_over(self) -> None:
        talk = converse(b"EHLO x\r\nAUTH LOGIN\r\nUVVJVA==\r\nNOOP\r\n")
        assert talk.seen[1:] == [Auth("LOGIN"), AuthResponse(b"QUIT"), Noop()]
        assert talk.said.endswith(b"334 YXNr\r\n250 2.0.0 done\r\n250 2.0.0 done\r\n")

    def test_a_client_may_cancel(self) -> None:
        talk = converse(b"EHLO x\r\nAUTH LOGIN\r\n*\r\nNOOP\r\n", answers={AuthResponse: replies.CANCELLED})
        assert talk.seen[2:] == [AuthResponse(None), Noop()]
        assert talk.machine.state is State.READY

    @pytest.mark.parametrize("junk", [b"not base64", b"AAA", b"\xff\xff\xff\xff", b"QQ==\n", b"A" * 70_000])
    def test_what_is_no_base64_ends_it(self, junk: bytes) -> None:
        talk = converse(b"EHLO x\r\nAUTH LOGIN\r\n" + junk + b"\r\nNOOP\r\n")
        assert talk.codes[:2] == [250, 334]
        assert talk.codes[2] in (500, 501)
        assert talk.seen[-1] == Noop()

    @pytest.mark.parametrize("before", [b"", SMTP_START, SMTP_START + b"BDAT 1\r\nx"])
    def test_not_before_hello_and_not_in_a_transaction(self, before: bytes) -> None:
        assert converse(before + b"AUTH LOGIN\r\n").codes[-1] == 503

    def test_a_challenge_answers_nothing_else(self) -> None:
        talk = converse(b"EHLO x\r\n")
        with pytest.raises(LocalProtocolError):
            talk.machine.send(replies.Challenge(b""))
        talk.machine.feed(b"NOOP\r\n")
        talk.machine.next_event()
        with pytest.raises(LocalProtocolError):
            talk.machine.send(replies.Challenge(b""))


@pytest.mark.parametrize("dialect", list(Dialect))
class TestStartTls:
    """RFC 3207 s4."""

    def start(self, dialect: Dialect, octets: bytes = b"STARTTLS\r\n") -> SmtpServer:
        machine = SmtpServer(dialect, BodyLimits())
        machine.send(GREETING)
        machine.feed(octets)
        assert machine.next_event() == StartTls()
        return machine

    def test_nothing_is_read_after_it(self, dialect: Dialect) -> None:
        machine = self.start(dialect)
        assert machine.send(replies.BEGIN_TLS).startswith(b"220 ")
        machine.feed(b"NOOP\r\n")
        assert machine.next_event() is PAUSED

    def test_octets_before_the_handshake_end_the_session(self, dialect: Dialect) -> None:
        machine = self.start(dialect, b"STARTTLS\r\nEHLO evil\r\n")
        with pytest.raises(SmtpError) as caught:
            machine.send(replies.BEGIN_TLS)
        assert caught.value.fault is Fault.EARLY_DATA
        assert caught.value.fatal
        assert machine.send(caught.value.reply).startswith(b"554 ")
        assert machine.state is State.CLOSED
        assert machine.next_event() is PAUSED

    def test_a_refusal_lets_the_next_command_in(self, dialect: Dialect) -> None:
        machine = self.start(dialect, b"STARTTLS\r\nNOOP\r\n")
        machine.send(replies.NOT_IMPLEMENTED)
        assert machine.next_event() == Noop()

    def test_what_takes_over_waits_for_hello(self, dialect: Dialect) -> None:
        machine = SmtpServer(dialect, BodyLimits(), is_greeted=True)
        assert machine.next_event() is NEED_DATA
        machine.feed(b"MAIL FROM:<a@example.com>\r\n")
        with pytest.raises(SmtpError, match="say hello first"):
            machine.next_event()
