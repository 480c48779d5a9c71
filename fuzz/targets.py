"""What is fuzzed: one function for each machine, which returns where its promise was kept and raises where it was not.

The promise: any octets give events or RemoteProtocolError (for mail: what the docstring names) and nothing else, any
split of them gives the same, and no more than a bound is held.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from config_target import fuzz_config as fuzz_config
from drive import Case, assert_small, converse, read_case
from postane.mail import mboxrd
from postane.mail.address import Address, BadAddress, format_mailbox, format_path, parse_mailbox, parse_path, split_path
from postane.mail.downgrade import Downgrader, downgrade_header
from postane.mail.envelope import Envelope
from postane.mail.measure import Measure
from postane.pop1 import commands as pop1
from postane.pop1 import replies as pop1_replies
from postane.pop1.client import Pop1Client
from postane.pop1.server import Pop1Server
from postane.pop2 import commands as pop2
from postane.pop2 import replies as pop2_replies
from postane.pop2.client import Pop2Client
from postane.pop2.server import Pop2Server
from postane.pop3 import commands as pop3
from postane.pop3 import replies as pop3_replies
from postane.pop3.client import Pop3Client
from postane.pop3.server import Pop3Server
from postane.smtp import commands as smtp
from postane.smtp.body import BareNewlines, BodyLimits
from postane.smtp.client import EndOfBody, SmtpClient
from postane.smtp.states import Dialect, State
from postane.wire.errors import LocalProtocolError, RemoteProtocolError
from proxy_target import fuzz_proxy_protocol as fuzz_proxy_protocol
from sasl_target import sasl_targets
from support.smtp import Conversation
from tls_target import tls_targets
from token_target import fuzz_jwks as fuzz_jwks
from token_target import fuzz_token as fuzz_token

Target = Callable[[bytes], None]

_BODY = b".a\r\n-ERR b"
_LINE_END = b"\r\n"


def fuzz_pop3_server(data: bytes) -> None:
    """Every answer that a desk might give; a TLS handshake only where the split is not looked at."""
    case = read_case(data)
    is_handshake = case.variant >= 0xF0

    def run(pieces: list[bytes]) -> list[object]:
        machine, dice = Pop3Server(), random.Random(case.variant)
        machine.send(pop3_replies.ok("ready <1@h>"))

        def react(event: object) -> bytes:
            said = b"".join(machine.send(value) for value in _pop3_values(event, dice, is_handshake))
            assert said.startswith((b"+OK", b"-ERR", b"+ ")), said
            assert said.endswith(_LINE_END), said
            return said

        return converse(machine, pieces, react)

    if is_handshake:
        run(case.pieces)
    else:
        case.check(run)


def _pop3_values(event: object, dice: random.Random, is_handshake: bool) -> Sequence[pop3_replies.Value]:
    kind = dice.randrange(4)
    match event:
        case RemoteProtocolError():
            return [pop3_replies.err(event.text)]
        case pop3.Stls():
            return [pop3_replies.ok() if is_handshake else pop3_replies.err("not now")]
        case pop3.Auth(str()) | pop3.AuthResponse() if kind < 2:
            return [pop3_replies.Challenge(_BODY)]
        case pop3.Retr() | pop3.Top() if kind < 2:
            return [pop3_replies.Message(len(_BODY), _BODY)]
        case pop3.Retr() | pop3.Top() if kind == 2:
            return [pop3_replies.Opening("x"), pop3_replies.Chunk(_BODY), pop3_replies.Closing()]
        case pop3.List(None) | pop3.Uidl(None) | pop3.Capa() if kind < 3:
            return [pop3_replies.Listing("x", b"1 2\r\n")]
    return [pop3_replies.ok() if kind else pop3_replies.err("no", "IN-USE")]


def fuzz_pop2_server(data: bytes) -> None:
    """Every command is answered kindly."""
    answers: dict[type, pop2_replies.Value] = {
        pop2.Helo: pop2_replies.Count(2),
        pop2.Fold: pop2_replies.Count(1),
        pop2.Retr: pop2_replies.Data(_BODY),
        pop2.Quit: pop2_replies.Ok("bye"),
    }

    def run(pieces: list[bytes]) -> list[object]:
        machine = Pop2Server()
        machine.send(pop2_replies.Greeting("h"))

        def react(event: object) -> bytes:
            return machine.send(answers.get(type(event), pop2_replies.Length(len(_BODY))))

        return converse(machine, pieces, react)

    read_case(data).check(run)


def fuzz_pop1_server(data: bytes) -> None:
    """Every command is answered kindly."""

    def run(pieces: list[bytes]) -> list[object]:
        machine = Pop1Server()
        machine.send(pop1_replies.ok("ready"))

        def react(event: object) -> bytes:
            match event:
                case RemoteProtocolError():
                    return machine.send(pop1_replies.err(event.text))
                case pop1.Retr() | pop1.Rdel():
                    return machine.send(pop1_replies.Length(len(_BODY)))
                case pop1.Rcev():
                    return machine.send(pop1_replies.Data(_BODY))
            return machine.send(pop1_replies.ok())

        return converse(machine, pieces, react)

    read_case(data).check(run)


_POP3_SCRIPT = [
    *(pop3.Stat(), pop3.List(), pop3.List(1), pop3.Retr(1), pop3.Top(1, 0), pop3.Uidl(), pop3.Capa(), pop3.Dele(1)),
    *(pop3.Auth(), pop3.Auth("PLAIN"), pop3.AuthResponse(b"x"), pop3.Lang(), pop3.User("u"), pop3.Pass("p")),
    *(pop3.Quit(), pop3.Utf8(), pop3.Noop(), pop3.Rset()),
]
_POP2_SCRIPT = [
    *(pop2.Helo("a", "b"), pop2.Read(), pop2.Retr(), pop2.Acks(), pop2.Ackd(), pop2.Nack(), pop2.Fold("f")),
    *(pop2.Read(2), pop2.Quit()),
]
_POP1_SCRIPT = [
    *(pop1.User("a"), pop1.Pass("b"), pop1.Retr(None), pop1.Rdel(None), pop1.Rcev(), pop1.Rcvd(), pop1.Rset()),
    *(pop1.Noop(), pop1.Quit()),
]


def _fuzz_client(make: Callable[[], Any], script: Sequence[object], pipelined: int, data: bytes) -> None:
    """A client that says what it may of a script: one command an event, and up to `pipelined` before the first."""
    case = read_case(data)

    def run(pieces: list[bytes]) -> list[object]:
        machine, dice = make(), random.Random(case.variant)
        words = iter(dice.choices(script, k=60) if case.variant % 4 else list(script))

        def say(event: object) -> bytes:
            return b"" if isinstance(event, RemoteProtocolError) else _say(machine, words)

        for _ in range(dice.randint(0, pipelined)):
            _say(machine, words)
        return converse(machine, [*pieces, b""], say)

    case.check(run)


def _say(machine: Any, words: Iterable[object]) -> bytes:
    for word in words:
        try:
            octets: bytes = machine.send(word)
        except LocalProtocolError:
            continue  # not now
        return octets
    return b""


def fuzz_pop3_client(data: bytes) -> None:
    """Any server, some commands sent before its first word."""
    _fuzz_client(Pop3Client, _POP3_SCRIPT, 6, data)


def fuzz_pop2_client(data: bytes) -> None:
    """Any server."""
    _fuzz_client(Pop2Client, _POP2_SCRIPT, 0, data)


def fuzz_pop1_client(data: bytes) -> None:
    """Any server."""
    _fuzz_client(Pop1Client, _POP1_SCRIPT, 0, data)


_LIMITS = (
    BodyLimits(message=60, line=20),
    BodyLimits(message=60, line=20, bare_newlines=BareNewlines.CONVERT),
    BodyLimits(bare_newlines=BareNewlines.CONVERT),
    BodyLimits(),
)


def _fuzz_smtp(dialect: Dialect, data: bytes) -> None:
    case = read_case(data)

    def run(pieces: list[bytes]) -> tuple[object, ...]:
        talk = Conversation(dialect, _LIMITS[case.variant % len(_LIMITS)])
        for piece in pieces:
            talk.feed(piece)
            if talk.machine.state is State.CLOSED:
                break
            assert_small(talk.machine, piece)
        assert all(line[:3].isdigit() for line in talk.said.split(_LINE_END)[:-1]), talk.said
        return talk.seen, talk.messages, talk.said, talk.machine.state

    case.check(run)


def fuzz_smtp_server(data: bytes) -> None:
    """The dialect of the net."""
    _fuzz_smtp(Dialect.SMTP, data)


def fuzz_lmtp_server(data: bytes) -> None:
    """The dialect of one post office."""
    _fuzz_smtp(Dialect.LMTP, data)


_SMTP_SCRIPT = [
    *(smtp.Ehlo("x"), smtp.Mail(Envelope(None)), smtp.Rcpt(Address("a", "b.c")), smtp.Rcpt(Address("d", "e.f"))),
    *(smtp.Data(), smtp.BodyChunk(_BODY), EndOfBody(), smtp.Auth("PLAIN"), smtp.AuthResponse(b"x"), smtp.Rset()),
    *(smtp.Noop(), smtp.Quit()),
]


def fuzz_smtp_client(data: bytes) -> None:
    """Any server."""
    _fuzz_client(SmtpClient, _SMTP_SCRIPT, 0, data)


def fuzz_lmtp_client(data: bytes) -> None:
    """Any server."""
    _fuzz_client(partial(SmtpClient, Dialect.LMTP), _SMTP_SCRIPT, 0, data)


def fuzz_downgrade(data: bytes) -> None:
    """A surrogate is ASCII, stays as it is, and has the size that was promised."""
    case = read_case(data)

    def run(pieces: list[bytes]) -> tuple[object, ...]:
        measure = Measure()
        for piece in pieces:
            measure.feed(piece)
        facts = measure.facts()
        downgrader, made = Downgrader(facts.header_octets), []
        for piece in pieces:
            made.append(downgrader.feed(piece))
            assert_small(downgrader, piece)
        surrogate = b"".join(made)
        assert len(surrogate) == facts.octets + (facts.excess or 0)
        return facts, surrogate

    case.check(run)
    made = downgrade_header(case.octets)
    assert made.isascii()
    assert downgrade_header(made) == made


def fuzz_mboxrd(data: bytes) -> None:
    """Any octets are parted or no mailbox; any octets as a message come back."""
    case = read_case(data)
    case.check(_parted)
    case.check(_quoted)
    mark = mboxrd.format_postmark("a", 0.0)
    body = case.octets if case.octets.endswith(b"\n") or not case.octets else case.octets + _LINE_END
    wanted = [mboxrd.Postmark("a", 0.0), *([mboxrd.Piece(body)] if body else []), mboxrd.MessageEnd()]
    assert _parted([mark, _quoted(case.pieces)] * 2) == wanted * 2


def _quoted(pieces: list[bytes]) -> bytes:
    quoter = mboxrd.Quoter()
    made = []
    for piece in pieces:
        made.append(quoter.feed(piece))
        assert_small(quoter, piece, mboxrd.POSTMARK_LIMIT + 100)
    return b"".join(made) + quoter.finish()


def _parted(pieces: list[bytes]) -> list[object]:
    splitter = mboxrd.Splitter()
    seen: list[object] = []

    def take(parts: list[mboxrd.Part]) -> None:
        for part in parts:
            if isinstance(part, mboxrd.Piece) and seen and isinstance(last := seen[-1], mboxrd.Piece):
                seen[-1] = mboxrd.Piece(last.octets + part.octets)
            else:
                seen.append(part)

    try:
        for piece in pieces:
            take(splitter.feed(piece))
            assert_small(splitter, piece, mboxrd.POSTMARK_LIMIT + 100)
        take(splitter.finish())
    except mboxrd.BadMailbox as error:
        return [str(error)]  # how many parts came before it depends on the split
    return seen


def fuzz_address(data: bytes) -> None:
    """Any text is an address, which can be written and read again, or a bad one."""
    case: Case = read_case(data)
    text = case.octets.decode("utf-8", ("replace", "surrogateescape", "ignore")[case.variant % 3])
    for utf8 in (False, True):
        for is_domain_optional in (False, True):
            how = {"utf8": utf8, "is_domain_optional": is_domain_optional}
            _there_and_back(partial(parse_mailbox, **how), format_mailbox, text)
            _there_and_back(partial(parse_path, **how), format_path, text)
            _there_and_back(partial(parse_path, **how), format_path, f"<{text}>")
    try:
        path, rest = split_path(text)
    except BadAddress:
        return
    assert path + rest == text


def _there_and_back(parse: Callable[[str], Any], write: Callable[[Any], str], text: str) -> None:
    try:
        value = parse(text)
    except BadAddress:
        return
    assert parse(write(value)) == value, write(value)


def targets() -> dict[str, Target]:
    """All of them by their names."""
    own = {name.removeprefix("fuzz_"): each for name, each in globals().items() if name.startswith("fuzz_")}
    return own | sasl_targets() | tls_targets()
