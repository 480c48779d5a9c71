"""Which means a client logs in by, and what it never does."""

import asyncio
import base64

import pytest

from postane.client.errors import (
    ClearTextRefused,
    ConnectionLost,
    InUse,
    LoginDelayed,
    LoginRefused,
    Misbehaved,
    NotOffered,
    NotSecured,
    PopError,
    SysTemp,
)
from postane.client.login import MECHANISMS, LoginPolicy, Plaintext, log_in
from postane.client.pop3 import Pop3
from postane.client.session import Manner
from postane.credentials.base import Secret, SecretKind
from postane.net.stream import TlsFacts
from postane.sasl.base import Surroundings
from support.pop_links import FakeServer, MemoryLink

PASSWORD = Secret(SecretKind.PASSWORD, "secret")
TOKEN = Secret(SecretKind.TOKEN, "secret")
ALL = b"SASL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN OAUTHBEARER XOAUTH2"
BINDINGS = {"tls-exporter": b"exported"}
STAMPED = b"+OK ready <1.2@example.org>\r\n"


async def greeted(server: FakeServer, *, greeting=b"+OK ready\r\n", tls=None, **how) -> tuple[Pop3, MemoryLink]:
    link = MemoryLink(greeting, server, **how)
    link.tls = tls
    pop = Pop3(link)
    await pop.greet()
    return pop, link


def offering(*lines: bytes, **facts) -> FakeServer:
    return FakeServer([b"x"], offers=lines, **facts)


@pytest.mark.parametrize(
    ("offered", "secret", "means"),
    [
        (ALL, PASSWORD, "SCRAM-SHA-256"),
        (b"SASL PLAIN SCRAM-SHA-1", PASSWORD, "SCRAM-SHA-1"),
        (b"SASL PLAIN CRAM-MD5 LOGIN", PASSWORD, "CRAM-MD5"),
        (b"SASL LOGIN plain", PASSWORD, "PLAIN"),
        (b"SASL LOGIN", PASSWORD, "LOGIN"),
        (b"USER", PASSWORD, "USER"),
        (b"UIDL", PASSWORD, "USER"),  # it says of no way at all
        (ALL, TOKEN, "OAUTHBEARER"),
        (b"SASL PLAIN XOAUTH2", TOKEN, "XOAUTH2"),
        (b"SASL PLAIN", TOKEN, "XOAUTH2"),  # it is tried all the same
        (b"SASL EXTERNAL PLAIN", None, "EXTERNAL"),
    ],
)
async def test_the_strongest_of_what_is_offered(offered, secret, means):
    pop, link = await greeted(offering(offered))
    assert await log_in(pop, "mrose", secret) == means
    assert pop.is_logged_in
    assert (await pop.stat()).count == 1
    assert not any(b"secret" in line for line in link.lines) or means == "USER"


async def test_with_channel_binding_where_there_is_one():
    server = offering(ALL, surroundings=Surroundings(b"<7@fake>", "fakes", BINDINGS, True))
    pop, _ = await greeted(server, tls=TlsFacts("TLSv1.3", "x", BINDINGS))
    assert await log_in(pop, "mrose", PASSWORD) == "SCRAM-SHA-256-PLUS"


async def test_whoever_hid_the_offer_of_channel_binding_is_found_out():
    surroundings = Surroundings(b"<7@fake>", "fakes", BINDINGS, True)
    server = offering(b"SASL SCRAM-SHA-256", surroundings=surroundings)
    server.replies = {b"AUTH": b"-ERR [AUTH] no\r\n"}
    pop, link = await greeted(server, tls=TlsFacts("TLSv1.3", "x", BINDINGS))
    with pytest.raises(LoginRefused):
        await log_in(pop, "mrose", PASSWORD)
    heard = base64.b64decode(link.lines[-1].split()[-1])
    assert heard.startswith(b"y,,")


async def test_apop_where_the_greeting_has_a_stamp():
    for offers in ((b"USER",), None):
        pop, link = await greeted(FakeServer(offers=offers), greeting=STAMPED, is_private=False)
        assert await log_in(pop, "mrose", PASSWORD) == "APOP"
        assert link.lines[-1].startswith(b"APOP mrose ")


async def test_a_malformed_stamp_is_none():
    pop, _ = await greeted(FakeServer(offers=None), greeting=b"+OK <@> <a b@c> <1.2 example>\r\n")
    assert await log_in(pop, "mrose", PASSWORD) == "USER"


async def test_apop_refused_then_user_and_pass():
    """The founding document's fall-back; with AUTH too: the server may not know the secret itself."""
    pop, link = await greeted(FakeServer(offers=(b"USER",), is_apop=False), greeting=STAMPED)
    assert await log_in(pop, "mrose", PASSWORD) == "USER"
    assert [line.split()[0] for line in link.lines] == [b"CAPA", b"APOP", b"USER", b"PASS"]


async def test_apop_refused_and_no_password_in_clear_text():
    pop, link = await greeted(FakeServer(offers=(b"USER",), is_apop=False), greeting=STAMPED, is_private=False)
    with pytest.raises(LoginRefused, match="by APOP was refused") as caught:
        await log_in(pop, "mrose", PASSWORD)
    assert caught.value.mechanism == "APOP"
    assert len(link.lines) == 2


@pytest.mark.parametrize(
    ("offered", "said", "asked"),
    [
        (b"SASL SCRAM-SHA-256 PLAIN", b"-ERR [AUTH] no\r\n", 1),  # the password is wrong
        (b"SASL SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN", b"-ERR no\r\n", 2),
        (b"SASL CRAM-MD5 PLAIN LOGIN", b"-ERR [AUTH] no\r\n", 2),
        (b"SASL PLAIN LOGIN", b"-ERR no\r\n", 1),  # an account may be locked after a few
    ],
)
async def test_what_is_refused_is_tried_once_more_at_most(offered, said, asked):
    pop, link = await greeted(offering(offered, replies={b"AUTH": said}))
    with pytest.raises(LoginRefused):
        await log_in(pop, "mrose", PASSWORD)
    assert sum(line.startswith(b"AUTH ") for line in link.lines) == asked
    assert pop.is_usable


async def test_after_a_refusal_the_password_itself_is_tried_rather_than_a_digest():
    server = offering(b"SASL SCRAM-SHA-256 CRAM-MD5 PLAIN")
    pop, _ = await greeted(server)
    server.take_step = lambda side, step, take=server.take_step: (
        b"-ERR no keys\r\n" if type(step).__name__ == "KeysWanted" else take(side, step)
    )
    assert await log_in(pop, "mrose", PASSWORD) == "PLAIN"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"-ERR [IN-USE] locked\r\n", InUse),
        (b"-ERR maildrop already locked\r\n", InUse),
        (b"-ERR Mailbox is locked by POP server\r\n", InUse),
        (b"-ERR [LOGIN-DELAY] later\r\n", LoginDelayed),
        (b"-ERR [SYS/TEMP] later\r\n", SysTemp),
        (b"-ERR [SYS/TEMP/DISK] later\r\n", SysTemp),
    ],
)
async def test_what_is_not_about_the_password_is_not_tried_by_other_means(said, kind):
    pop, link = await greeted(offering(b"SASL CRAM-MD5 PLAIN", replies={b"AUTH": said}))
    with pytest.raises(kind) as caught:
        await log_in(pop, "mrose", PASSWORD)
    assert caught.value.may_pass
    assert len(link.lines) == 2


@pytest.mark.parametrize("offered", [b"USER", b"SASL PLAIN LOGIN", b"UIDL", b"SASL PLAIN OAUTHBEARER"])
@pytest.mark.parametrize("secret", [PASSWORD, TOKEN])
async def test_nothing_crosses_in_clear_text(offered, secret):
    pop, link = await greeted(offering(offered), is_private=False)
    with pytest.raises(ClearTextRefused, match="clear text"):
        await log_in(pop, "mrose", secret)
    assert link.lines == [b"CAPA"]


async def test_unless_told_to():
    for plaintext, is_private, is_done in (
        (Plaintext.ALWAYS, False, True),
        (Plaintext.LOOPBACK, True, True),
        (Plaintext.NEVER, True, False),
    ):
        pop, link = await greeted(offering(b"USER"), is_private=is_private)
        if is_done:
            await log_in(pop, "mrose", PASSWORD, LoginPolicy(plaintext))
        else:
            with pytest.raises(ClearTextRefused):
                await log_in(pop, "mrose", PASSWORD, LoginPolicy(plaintext))
        assert (b"PASS secret" in link.lines) == is_done


async def test_the_choice_can_be_narrowed():
    pop, _ = await greeted(offering(ALL, b"USER"), greeting=STAMPED)
    assert await log_in(pop, "mrose", PASSWORD, LoginPolicy(mechanisms=("USER", "PLAIN"))) == "USER"
    pop, _ = await greeted(offering(ALL, b"USER"), greeting=STAMPED)
    assert await log_in(pop, "mrose", PASSWORD, LoginPolicy(mechanisms=("APOP",))) == "APOP"
    pop, _ = await greeted(offering(b"SASL PLAIN"))
    with pytest.raises(NotOffered, match="offers PLAIN"):
        await log_in(pop, "mrose", PASSWORD, LoginPolicy(mechanisms=("CRAM-MD5",)))
    with pytest.raises(ValueError, match="PLIAN is no mechanism"):
        LoginPolicy(mechanisms=("PLIAN",))


@pytest.mark.parametrize("name", [name for name in MECHANISMS if not name.endswith("PLUS") and name != "EXTERNAL"])
async def test_each_one_says_that_it_was_refused(name):
    wrong = Secret(SecretKind.TOKEN if "OAUTH" in name else SecretKind.PASSWORD, "wrong")
    pop, _ = await greeted(offering(ALL, b"USER"), greeting=STAMPED)
    with pytest.raises(LoginRefused) as caught:
        await log_in(pop, "mrose", wrong, LoginPolicy(mechanisms=(name,)))
    assert (caught.value.mechanism, caught.value.code, caught.value.may_pass) == (name, "AUTH", False)
    assert pop.is_usable
    assert await log_in(pop, "mrose", Secret(wrong.kind, "secret"), LoginPolicy(mechanisms=(name,))) == name


async def test_a_long_token_goes_on_a_line_of_its_own():
    long = Secret(SecretKind.TOKEN, "t" * 2000)
    pop, link = await greeted(offering(b"SASL XOAUTH2", password=b"t" * 2000))
    assert await log_in(pop, "mrose", long) == "XOAUTH2"
    assert link.lines[1] == b"AUTH XOAUTH2"
    assert len(link.lines) == 3


@pytest.mark.parametrize("offers", [(b"USER",), None])
async def test_who_does_not_speak_of_sasl_gets_no_initial_response(offers):
    """RFC 5034 s3."""
    pop, link = await greeted(FakeServer(offers=offers))
    assert await log_in(pop, "mrose", TOKEN) == "XOAUTH2"
    assert link.lines[1] == b"AUTH XOAUTH2"


async def test_two_lines_where_the_server_refuses_one():
    class Office(FakeServer):
        def auth(self, mechanism, initial=None):
            return b"-ERR Protocol error.\r\n" if initial else super().auth(mechanism)

    pop, link = await greeted(Office(offers=(b"SASL PLAIN XOAUTH2",)))
    assert await log_in(pop, "mrose", TOKEN) == "XOAUTH2"
    assert [line.split()[0] for line in link.lines[1:3]] == [b"AUTH", b"AUTH"]


async def test_after_the_login_the_capabilities_are_asked_for_anew():
    server = offering(b"USER", b"STLS")
    pop, link = await greeted(server)
    await log_in(pop, "mrose", PASSWORD)
    server.offers = (b"UIDL",)
    assert (await pop.capabilities()).has("UIDL")
    assert link.lines.count(b"CAPA") == 2


async def test_user_and_pass_go_in_one_piece_where_the_server_bears_it():
    pop, link = await greeted(offering(b"USER", b"PIPELINING"))
    await log_in(pop, "mrose", PASSWORD)
    assert link.writes[-1] == b"USER mrose\r\nPASS secret\r\n"
    pop, link = await greeted(offering(b"USER", b"PIPELINING", replies={b"USER": b"-ERR no\r\n", b"PASS": b"-ERR\r\n"}))
    with pytest.raises(LoginRefused, match="no"):
        await log_in(pop, "mrose", PASSWORD)
    assert pop.is_idle


@pytest.mark.parametrize(("name", "secret"), [("", "x"), ("a\r\nDELE 1", "x"), ("mrose", "a\nb")])
@pytest.mark.parametrize("offered", [b"USER", b"SASL PLAIN"])
async def test_what_cannot_be_said_is_not_said(name, secret, offered):
    pop, link = await greeted(offering(offered))
    if offered != b"USER" and "\n" in secret:
        return  # PLAIN can say it
    with pytest.raises(LoginRefused, match="cannot have"):
        await log_in(pop, name, Secret(SecretKind.PASSWORD, secret))
    assert link.lines == [b"CAPA"]


async def test_a_server_that_only_pretends_to_know_the_account():
    pop, link = await greeted(offering(b"SASL SCRAM-SHA-256", replies={b"AUTH": b"+OK welcome\r\n"}))
    with pytest.raises(NotSecured, match="not proven"):
        await log_in(pop, "mrose", PASSWORD)
    assert link.is_aborted


async def test_a_server_that_spoils_an_exchange():
    first = b"+ " + base64.b64encode(b"r=somebodyelse,s=c2FsdA==,i=4096") + b"\r\n"
    pop, link = await greeted(offering(b"SASL SCRAM-SHA-256", replies={b"AUTH": first, b"*": b"-ERR\r\n"}))
    with pytest.raises(NotSecured, match="broken off: the server's nonce"):
        await log_in(pop, "mrose", PASSWORD)
    assert link.lines[-1] == b"*"


async def test_the_proof_refused_inside_the_exchange():
    class Strict(FakeServer):
        def judge(self, is_right):
            return super().judge(is_right) if is_right else self.challenge(b"e=invalid-proof", lambda _: b"-ERR\r\n")

    pop, _ = await greeted(Strict(offers=(b"SASL SCRAM-SHA-256 PLAIN",)))
    with pytest.raises(LoginRefused) as caught:
        await log_in(pop, "mrose", Secret(SecretKind.PASSWORD, "wrong"))
    assert caught.value.code == "AUTH"


async def test_a_server_that_asks_and_asks():
    class Asks(FakeServer):
        def auth(self, mechanism, initial=None):
            return self.challenge(b"{}", lambda _: self.auth(mechanism))

    pop, link = await greeted(Asks(offers=(b"SASL XOAUTH2",)))
    with pytest.raises(Misbehaved, match="asks and asks"):
        await log_in(pop, "mrose", TOKEN)
    assert link.is_aborted


async def test_a_server_that_closes_after_a_refusal_has_refused():
    server = offering(b"SASL CRAM-MD5 PLAIN")
    pop, link = await greeted(server)
    answer = iter([b"-ERR no\r\n", b""])
    server.auth = lambda *words: (link.end(), next(answer))[1]
    with pytest.raises(LoginRefused, match="CRAM-MD5"):
        await log_in(pop, "mrose", PASSWORD)


async def test_a_server_that_closes_before_an_answer():
    pop, link = await greeted(offering(b"SASL CRAM-MD5", replies={b"AUTH": b""}))
    link.end()
    with pytest.raises(ConnectionLost):
        await log_in(pop, "mrose", PASSWORD)


async def test_cancelled_inside_an_exchange_the_session_is_over():
    pop, link = await greeted(offering(b"SASL CRAM-MD5", replies={b"AUTH": b""}))
    task = asyncio.create_task(log_in(pop, "mrose", PASSWORD))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(link.lines) == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert link.is_aborted


async def test_no_secret_is_in_the_log():
    lines: list[str] = []
    for name in ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "APOP", "USER", "XOAUTH2"):
        link = MemoryLink(STAMPED, offering(ALL, b"USER"))
        pop = Pop3(link, Manner(log=lines.append))
        await pop.greet()
        kind = SecretKind.TOKEN if "OAUTH" in name else SecretKind.PASSWORD
        await log_in(pop, "mrose", Secret(kind, "secret"), LoginPolicy(mechanisms=(name,)))
        for said in link.lines:
            word = (said.split() or [b""])[-1]
            if said[:4] not in (b"CAPA", b"USER") and word not in (name.encode(), b""):
                assert not any(word.decode() in line for line in lines)
    assert "C: PASS ****" in lines
    assert "C: AUTH PLAIN ****" in lines
    assert not any("secret" in line or base64.b64encode(b"secret").decode() in line for line in lines)


@pytest.mark.parametrize("means", ["USER", "APOP", "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2", "CRAM-MD5"])
async def test_a_server_that_repeats_the_secret_tells_it_to_nobody(means):
    """What it says is in errors and in logs, and some servers say what they did not understand."""

    def answer(line):
        said.append(line)
        if line == b"CAPA":
            return b"+OK\r\nSASL %b\r\nUSER\r\n.\r\n" % means.encode()
        if line.startswith((b"USER", b"AUTH")) and len(line.split()) == 2:
            return b"+OK\r\n" if line.startswith(b"USER") else b"+ PDFAeD4=\r\n" if means == "CRAM-MD5" else b"+ \r\n"
        if means == "LOGIN" and said[-2] == b"AUTH LOGIN":
            return b"+ UGFzc3dvcmQ6\r\n"
        decoded = b"" if line.startswith((b"PASS", b"APOP")) else base64.b64decode(line.split()[-1] + b"==")
        words = decoded.decode("utf-8", "replace").replace("\0", "|").replace("\1", "|").encode()
        return b"-ERR I know no %b (%b)\r\n" % (line, words)

    said: list[bytes] = []
    lines: list[str] = []
    link = MemoryLink(b"+OK ready <1.2@example.org>\r\n", answer)
    pop = Pop3(link, Manner(log=lines.append))
    await pop.greet()
    kind = SecretKind.TOKEN if means in ("OAUTHBEARER", "XOAUTH2") else SecretKind.PASSWORD
    with pytest.raises(PopError) as caught:
        await log_in(pop, "mrose", Secret(kind, "tanstaaf"), LoginPolicy(mechanisms=(means,)))
    proofs = [line.split()[-1].decode() for line in said if not line.startswith((b"CAPA", b"USER", b"QUIT"))]
    told = "\n".join([str(caught.value), caught.value.reply, *lines])
    assert "I know no" in told
    for secret in ("tanstaaf", *(proof for proof in proofs if len(proof) > 15)):
        assert secret not in told
