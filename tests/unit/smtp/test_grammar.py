"""Command lines into values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.mail.address import Address
from postane.mail.envelope import BodyType, Envelope
from postane.smtp import grammar
from postane.smtp.commands import Auth, Bdat, Data, Ehlo, Expn, Helo, Help, Lhlo, Noop, Quit, Rset, StartTls, Verb, Vrfy
from postane.smtp.grammar import glance, parse_command, parse_mail, parse_rcpt, split_command
from postane.smtp.replies import SmtpError
from postane.wire.errors import Fault


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"HELO bar.com", Helo("bar.com")),
        (b"ehlo [192.0.2.1]", Ehlo("[192.0.2.1]")),
        (b"LHLO x y", Lhlo("x y")),
        (b"DATA", Data()),
        (b"Data  \t", Data()),
        (b"RSET", Rset()),
        (b"NOOP", Noop()),
        (b"NOOP \xff\xfe", Noop()),
        (b"HELP", Help("")),
        (b"HELP MAIL", Help("MAIL")),
        (b"VRFY jones", Vrfy("jones")),
        (b"VRFY jos\xc3\xa9 smtputf8", Vrfy("jos\u00e9")),
        (b"EXPN staff", Expn("staff")),
        (b"STARTTLS", StartTls()),
        (b"AUTH plain", Auth("PLAIN")),
        (b"AUTH PLAIN =", Auth("PLAIN", b"")),
        (b"BDAT 0", Bdat(0, False)),
        (b"bdat 12 last", Bdat(12, True)),
        (b"QUIT", Quit()),
    ],
)
def test_a_command_is_read(line: bytes, command: object) -> None:
    assert parse_command(*split_command(line)) == command


@pytest.mark.parametrize(
    ("line", "code", "fault"),
    [
        (b"", 500, Fault.UNKNOWN_COMMAND),
        (b"BODY", 500, Fault.UNKNOWN_COMMAND),
        (b"CONNECT", 500, Fault.UNKNOWN_COMMAND),
        (b" NOOP", 500, Fault.UNKNOWN_COMMAND),
        (b"NOOP\n", 500, Fault.SYNTAX),
        (b"\rNOOP", 500, Fault.SYNTAX),
        (b"NOOP\0", 500, Fault.SYNTAX),
        (b"DATA now", 501, Fault.BAD_ARGUMENT),
        (b"EHLO", 501, Fault.BAD_ARGUMENT),
        (b"EHLO " + b"x" * 256, 501, Fault.BAD_ARGUMENT),
        (b"EHLO a\tb", 501, Fault.BAD_ARGUMENT),
        (b"AUTH", 501, Fault.BAD_ARGUMENT),
        (b"AUTH \xff", 501, Fault.BAD_ARGUMENT),
        (b"AUTH PLAIN A", 501, Fault.BAD_ARGUMENT),
        (b"VRFY \xff SMTPUTF8", 501, Fault.BAD_ARGUMENT),
        (b"EXPN \xc3\xa9", 553, Fault.BAD_ARGUMENT),
    ],
)
def test_a_bad_line_is_refused(line: bytes, code: int, fault: Fault) -> None:
    with pytest.raises(SmtpError) as caught:
        parse_command(*split_command(line))
    assert (caught.value.reply.code, caught.value.fault, caught.value.fatal) == (code, fault, False)


def _mail(argument: bytes) -> Envelope:
    return parse_mail(argument, is_domain_optional=False).envelope


def test_mail_with_all_parameters() -> None:
    verb, argument = split_command(b"mail from:<a@example.com> size=5 Body=8bitMIME SMTPUTF8")
    assert verb is Verb.MAIL
    assert _mail(argument) == Envelope(Address("a", "example.com"), (), 5, BodyType.EIGHT_BIT, True)


def test_mail_without_parameters() -> None:
    assert _mail(b"FROM:<>") == Envelope(None, (), None, BodyType.SEVEN_BIT, False)


def test_space_before_the_path_is_forgiven() -> None:
    assert _mail(b"FROM:  <a@example.com>  SIZE=1") == Envelope(Address("a", "example.com"), (), 1)


def test_a_quoted_local_part_may_hold_what_ends_a_path() -> None:
    assert _mail(rb'FROM:<"a> SIZE=\"9"@example.com> SIZE=1') == Envelope(Address('a> SIZE="9', "example.com"), (), 1)


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        (b"FROM:<a@example.com> AUTH=", 501),
        (b"FROM:<a@example.com> BODY=BINARYMIME", 555),
        (b"FROM:<a@example.com> BODY", 501),
        (b"FROM:<a@example.com> SIZE", 501),
        (b"FROM:<a@example.com> SIZE=", 501),
        (b"FROM:<a@example.com> SIZE=-1", 501),
        (b"FROM:<a@example.com> SIZE=\xd9\xa1", 501),
        (b"FROM:<a@example.com> SIZE=" + b"1" * 21, 501),
        (b"FROM:<a@example.com> SMTPUTF8=yes", 501),
        (b"FROM:<a@example.com> SMTPUTF8 SMTPUTF8", 501),
    ],
)
def test_a_bad_parameter_is_refused(argument: bytes, code: int) -> None:
    with pytest.raises(SmtpError) as caught:
        _mail(argument)
    assert caught.value.reply.code == code


def test_a_domain_may_be_missing_in_lmtp_only() -> None:
    assert parse_rcpt(b"TO:<joe>", is_utf8=False, is_domain_optional=True).address == Address("joe")
    with pytest.raises(SmtpError, match="domain missing"):
        parse_rcpt(b"TO:<joe>", is_utf8=False, is_domain_optional=False)


def test_utf8_is_taken_after_smtputf8_only() -> None:
    argument = "TO:<jos\u00e9@example.com>".encode()
    assert parse_rcpt(argument, is_utf8=True, is_domain_optional=False).address == Address("jos\u00e9", "example.com")
    with pytest.raises(SmtpError, match="SMTPUTF8"):
        parse_rcpt(argument, is_utf8=False, is_domain_optional=False)


def _closer(line: bytes) -> object:
    """The same line as it is read piece by piece."""
    verb, argument = split_command(line)
    if verb is Verb.MAIL:
        return parse_mail(argument, is_domain_optional=True)
    return (
        parse_rcpt(argument, is_utf8=False, is_domain_optional=True)
        if verb is Verb.RCPT
        else parse_command(verb, argument)
    )


@pytest.mark.parametrize(
    ("line", "is_known"),
    [
        (b"DATA", True),
        (b"QUIT", True),
        (b"MAIL FROM:<a.b-c@x-1.example>", True),
        (b"MAIL FROM:<a@x> SIZE=12", True),
        (b"RCPT TO:<a@x>", True),
        (b"RCPT TO:<a@x> SIZE=12", False),
        (b"MAIL FROM:<a@x> SIZE=12 BODY=8BITMIME", False),
        (b"MAIL FROM:<>", False),
        (b"mail from:<a@x>", False),
        (b"MAIL FROM:<a..b@x>", False),
        (b"MAIL FROM:<a@x.>", False),
        (b"MAIL FROM:<a@-x>", False),
        (b"MAIL FROM:<a@x>\n", False),
        (b"RCPT TO:<a@" + b"x" * 300 + b">", False),
    ],
)
def test_what_is_known_at_a_glance(line: bytes, is_known: bool) -> None:
    assert (glance(line) is not None) == is_known


@given(
    verb=st.sampled_from([b"MAIL FROM:", b"RCPT TO:", b"MAIL ", b"RCPT TO: "]),
    path=st.text("aZ09_-.@<>+ \r\n", max_size=12).map(str.encode),
    rest=st.sampled_from([b"", b">", b"@x>", b"@x.y>", b"@x> SIZE=1", b"@x> SIZE=x", b"@x> SIZE=" + b"9" * 21]),
)
def test_a_glance_never_sees_what_a_closer_look_does_not(verb: bytes, path: bytes, rest: bytes) -> None:
    line = verb + b"<" + path + rest
    known = glance(line)
    assert known is None or known == _closer(line)


def test_no_long_line_is_remembered() -> None:
    """A thousand of them would be 64 MB, for whoever says them."""
    remembered = grammar._plain_line.cache_info().misses
    for start in (b"MAIL FROM:<", b"RCPT TO:<", b"MAIL "):
        assert glance(start + b"a" * 60_000 + b"@bar.com>") is None
    assert grammar._plain_line.cache_info().misses == remembered
