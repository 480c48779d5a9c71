"""SMTP's machine: any octets give events or RemoteProtocolError, and how they are split makes no difference."""

from ipaddress import ip_address

from hypothesis import example, given
from hypothesis import strategies as st

from postane.mail.address import Address, BadAddress, format_mailbox, format_path, parse_mailbox, parse_path
from postane.mail.measure import Measure, measure
from postane.smtp.body import BareNewlines, BodyLimits
from postane.smtp.commands import BodyChunk
from postane.smtp.replies import Reply, SmtpError, format_reply
from postane.smtp.states import Dialect
from postane.smtp.xclient import parse_xclient
from postane.wire.dots import stuff
from support.smtp import SMTP_START, Conversation

SMALL = BodyLimits(message=60, line=20)
MENDING = BodyLimits(message=60, line=20, bare_newlines=BareNewlines.CONVERT)

_PLAIN = (
    "EHLO x",
    "HELO x",
    "LHLO x",
    "RSET",
    "NOOP",
    "QUIT",
    "DATA",
    "VRFY a",
    "HELP",
    "STARTTLS",
    "BDAT x",
    "XCLIENT",
)
_WORDS = [
    *((verb + end).encode() for verb in (*_PLAIN, "XCLIENT") for end in ("\r\n", "\n", " ")),
    b"MAIL FROM:<a@example.com>\r\n",
    b"MAIL FROM:<> SIZE=5 BODY=8BITMIME\r\n",
    b"MAIL FROM:<\xc3\xa9@x.y> SMTPUTF8\r\n",
    b"RCPT TO:<b@example.org>\r\n",
    b"RCPT TO:<b>\r\n",
    b"RCPT TO:<\xc3\xa9@x.y>\r\n",
    b"AUTH PLAIN AGEAYg==\r\n",
    *(b"XCLIENT ADDR=1.2.3.4\r\n", b"XCLIENT NAME=x PORT=+31\r\n", b"XCLIENT ADDR=\r\n", b"XCLIENT LOGIN=+41\r\n"),
    *(b"BDAT 3\r\n", b"BDAT 3 LAST\r\n", b"BDAT 0 LAST\r\n", b"abc", b"a\r\n"),
    *(b".\r\n", b"\r\n.\r\n", b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r", b"\n", b".", b".."),
    *(b"x" * 25, b"\0", b"\xff", b"x" * 2100 + b"\r\n"),
]
_SESSIONS = st.lists(st.one_of(st.sampled_from(_WORDS), st.binary(max_size=8)), max_size=25).map(b"".join)
_STARTS = st.sampled_from([b"", SMTP_START, SMTP_START + b"DATA\r\n", SMTP_START.replace(b"EHLO", b"LHLO")])


@st.composite
def _splits(draw: st.DrawFn, octets: bytes) -> list[bytes]:
    cuts = sorted(draw(st.sets(st.integers(0, len(octets)), max_size=12)))
    return [octets[a:b] for a, b in zip([0, *cuts], [*cuts, len(octets)], strict=True)]


@given(_STARTS, _SESSIONS, st.sampled_from(Dialect), st.sampled_from([SMALL, MENDING]), st.data())
def test_any_split_gives_the_same_events(
    start: bytes, session: bytes, dialect: Dialect, limits: BodyLimits, data: st.DataObject
) -> None:
    octets = start + session
    whole = Conversation(dialect, limits).feed(octets)
    pieces = Conversation(dialect, limits)
    for piece in data.draw(_splits(octets)):
        pieces.feed(piece)
    assert pieces.seen == whole.seen
    assert pieces.messages == whole.messages
    assert pieces.said == whole.said
    assert pieces.machine.state == whole.machine.state


@given(_STARTS, _SESSIONS, st.sampled_from(Dialect), st.sampled_from([SMALL, MENDING]))
def test_octet_by_octet_gives_the_same_events(
    start: bytes, session: bytes, dialect: Dialect, limits: BodyLimits
) -> None:
    octets = start + session
    whole = Conversation(dialect, limits).feed(octets)
    single = Conversation(dialect, limits)
    for octet in octets:
        single.feed(bytes([octet]))
    assert (single.seen, single.messages, single.said) == (whole.seen, whole.messages, whole.said)


@given(st.binary(max_size=400), st.sampled_from(Dialect))
def test_any_octets_give_events_or_remote_protocol_errors(octets: bytes, dialect: Dialect) -> None:
    talk = Conversation(dialect, SMALL).feed(octets)
    assert all(line[:3].isdigit() for line in talk.said.split(b"\r\n")[:-1])


def _mended_lines(body: bytes) -> bytes:
    return body.replace(b"\r", b"").replace(b"\n", b"\r\n")


@given(
    st.lists(st.sampled_from([b"a", b".", b"\n", b"..", b"\0", b"\xff", b"Subject: x\n"]), max_size=30).map(b"".join)
)
def test_a_sound_message_arrives_octet_for_octet(body: bytes) -> None:
    body = _mended_lines(body)
    limits = BodyLimits()
    by_data = Conversation(limits=limits).feed(SMTP_START + b"DATA\r\n" + stuff(body))
    ended = body if not body or body.endswith(b"\r\n") else body + b"\r\n"
    assert by_data.messages == [ended]
    by_bdat = Conversation(limits=limits).feed(SMTP_START + b"BDAT %d LAST\r\n" % len(body) + body)
    assert by_bdat.messages == [body]


@given(st.lists(st.sampled_from([b"a", b".", b"\r", b"\n", b"\r\n", b"\r\n."]), max_size=12).map(b"".join))
@example(b"x\n.\nMAIL FROM:<evil@example.com>\n")
@example(b"x\r.\r")
@example(b"x\r\n.\n")
def test_nothing_but_crlf_dot_crlf_ends_a_message(body: bytes) -> None:
    """Whatever a message holds, after the line that ends it there is one message or one refusal, and then commands."""
    body = body.replace(b"\r\n.\r\n", b"\r\n")
    while b"\r\n.\r\n" in body:
        body = body.replace(b"\r\n.\r\n", b"\r\n")
    body = b"x" + body
    if (body + b"\r\n.\r\n").find(b"\r\n.\r\n") != len(body):
        return
    for limits in (BodyLimits(), BodyLimits(bare_newlines=BareNewlines.CONVERT)):
        talk = Conversation(limits=limits).feed(SMTP_START + b"DATA\r\n" + body + b"\r\n.\r\nNOOP\r\n")
        assert talk.codes == [250, 250, 250, 354, 250, 250]
        assert [str(getattr(event, "verb", "body")) for event in talk.seen][3:] == ["DATA", "body", "NOOP"]
        is_bare = b"\r" in body.replace(b"\r\n", b"") or b"\n" in body.replace(b"\r\n", b"")
        is_kept = limits.bare_newlines is BareNewlines.CONVERT or not is_bare
        assert len(talk.messages) == is_kept


@given(
    st.lists(st.sampled_from([b"a", b".", b"\r", b"\n", b"\r\n", b"\r\n.", b"\r\n.."]), max_size=12).map(b"".join),
    st.integers(1, 8),
    st.sampled_from([BodyLimits(), BodyLimits(bare_newlines=BareNewlines.CONVERT)]),
)
@example(b"x\n.y", 100, BodyLimits(bare_newlines=BareNewlines.CONVERT))
def test_what_is_told_of_dotted_lines_is_so(body: bytes, step: int, limits: BodyLimits) -> None:
    sent = SMTP_START + b"DATA\r\n" + body + b"\r\n.\r\n"
    talk, measured, message = Conversation(limits=limits), Measure(), b""
    for at in range(0, len(sent), step):
        seen = len(talk.seen)
        talk.feed(sent[at : at + step])
        for event in talk.seen[seen:]:
            if isinstance(event, BodyChunk):
                measured.feed(event.octets, is_undotted=event.is_undotted)
                message += event.octets
    assert measured.facts() == measure(message)


_HOSTS = st.ip_addresses().map(str)


@given(_HOSTS, st.integers(0, 65535), st.sampled_from(["", "NAME=a.example ", "NAME=[UNAVAILABLE] "]), st.booleans())
def test_what_a_mail_server_says_of_its_client_is_read(host: str, port: int, name: str, is_quoted: bool) -> None:
    literal = f"IPV6:{host}" if ":" in host else host
    if is_quoted:
        literal = "".join(f"+{ord(char):02X}" for char in literal)
    said = parse_xclient(f"{name}ADDR={literal} PORT={port}".encode())
    mapped = getattr(ip_address(host), "ipv4_mapped", None)
    assert (said.address, said.port) == (str(mapped or host), port)


@given(st.one_of(st.binary(max_size=60), st.binary(max_size=40).map(b"ADDR=".__add__)))
def test_any_argument_of_xclient_is_read_or_refused(argument: bytes) -> None:
    try:
        said = parse_xclient(argument)
    except SmtpError as error:
        assert error.reply.code == 501
        return
    if said.address:
        assert str(ip_address(said.address)) == said.address


_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20)


@given(_TEXT, st.sampled_from([None, "example.org", "[192.0.2.1]", "[IPv6:2001:db8::1]", "b\u00fccher.example"]))
def test_an_address_can_be_written_and_read_again(local_part: str, domain: str | None) -> None:
    address = Address(local_part, domain)
    assert parse_mailbox(format_mailbox(address), utf8=True, is_domain_optional=True) == address
    assert parse_path(format_path(address), utf8=True, is_domain_optional=True) == address


@given(st.text(max_size=40), st.booleans())
def test_any_text_is_an_address_or_a_bad_one(text: str, utf8: bool) -> None:
    try:
        address = parse_path(f"<{text}>", utf8=utf8)
    except BadAddress:
        return
    assert parse_path(format_path(address), utf8=utf8) == address


@given(st.integers(200, 599), st.lists(st.text(max_size=600), min_size=1, max_size=4))
def test_any_text_makes_a_reply_of_harmless_lines(code: int, lines: list[str]) -> None:
    octets = format_reply(Reply(code, "2.0.0", tuple(lines)))
    written = octets.split(b"\r\n")
    assert written.pop() == b""
    assert len(written) == len(lines)
    assert [line[3:4] for line in written] == [b"-"] * (len(lines) - 1) + [b" "]
    assert all(len(line) <= 510 and all(32 <= octet < 127 for octet in line) for line in written)
