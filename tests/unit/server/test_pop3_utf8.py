"""UTF8 (RFC 6856 s2): messages as they are or their surrogates, and names and passwords in the form of SASLprep."""

import hashlib

import pytest

from postane.accounts.memory import MemoryAccounts
from postane.mail.downgrade import downgrade_header
from postane.maildrop.memory import memory_store
from postane.server.office import PostOffice
from postane.wire.dots import stuff
from support.pop3 import HOST, NOW, TOKEN, Pop3Session, make_office, put, sized

HEAD = "From: Gül <gül@örnek.example>\r\nSubject: Öğle yemeği\r\n\r\n".encode()
SMALL = HEAD + "Afiyet olsun, Gül\r\n.\r\n".encode()
LARGE = HEAD + b"x" * 70 + b"\r\n" + b".y\r\n" * 100_000
MESSAGES = (sized(120), SMALL, LARGE)


def plain(message: bytes) -> bytes:
    head, end, body = message.partition(b"\r\n\r\n")
    return downgrade_header(head + end) + body


@pytest.fixture
async def office() -> PostOffice:
    accounts = MemoryAccounts()
    accounts.add("mrose", password="tanstaaf")
    office = make_office(memory_store(inline=1000), accounts)
    await put(office.maildrops, "mrose", *MESSAGES)
    return office


@pytest.mark.parametrize("is_utf8", [True, False])
async def test_what_is_sent_is_what_was_listed(office: PostOffice, is_utf8: bool) -> None:
    session = Pop3Session(office)
    await session.settle()
    if is_utf8:
        assert await session.say(b"UTF8") == b"+OK UTF-8 from now on\r\n"
    greeted = await session.log_in()
    wanted = MESSAGES if is_utf8 else tuple(map(plain, MESSAGES))
    total = sum(map(len, wanted))
    assert f"3 messages ({total} octets)".encode() in greeted
    assert await session.say(b"STAT") == f"+OK 3 {total}\r\n".encode()
    sizes = "".join(f"{number} {len(message)}\r\n" for number, message in enumerate(wanted, 1))
    assert (await session.say(b"LIST")).partition(b"\r\n")[2] == f"{sizes}.\r\n".encode()
    for number, message in enumerate(wanted, 1):
        assert await session.say(b"LIST %d" % number) == f"+OK {number} {len(message)}\r\n".encode()
        first, _, sent = (await session.say(b"RETR %d" % number)).partition(b"\r\n")
        assert first == f"+OK {len(message)} octets".encode()
        assert sent == stuff(message)
        assert is_utf8 or sent.partition(b"\r\n\r\n")[0].isascii()
    assert session.record.octets == total
    await session.say(b"DELE 2")
    assert await session.say(b"STAT") == f"+OK 2 {total - len(wanted[1])}\r\n".encode()
    await session.say(b"RSET")
    assert await session.say(b"STAT") == f"+OK 3 {total}\r\n".encode()
    await session.end()


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("lines", [0, 1])
async def test_top_counts_the_lines_of_what_is_sent(office: PostOffice, number: int, lines: int) -> None:
    session = Pop3Session(office)
    await session.log_in()
    head, end, body = plain(MESSAGES[number - 1]).partition(b"\r\n\r\n")
    shown = head + end + b"".join(body.splitlines(keepends=True)[:lines])
    assert (await session.say(b"TOP %d %d" % (number, lines))).partition(b"\r\n")[2] == stuff(shown)
    await session.end()


async def test_unique_ids_are_the_same_in_both(office: PostOffice) -> None:
    said = set()
    for words in ([b"UTF8"], []):
        session = Pop3Session(office)
        await session.settle()
        await session.say(*words)
        await session.log_in()
        said.add(await session.say(b"UIDL"))
        await session.say(b"QUIT")
    assert len(said) == 1


async def test_utf8_is_for_before_login(office: PostOffice) -> None:
    session = Pop3Session(office)
    await session.log_in()
    assert (await session.say(b"UTF8")).startswith(b"-ERR UTF8 is not possible now")
    assert await session.say(b"UTF8 please") == (await session.say(b"UTF8"))
    await session.end()


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("gül", "şifre Ⅸ"),
        ("gu\u0308l", "şifre Ⅸ"),  # the same letter in two
        ("gül", "şifre IX"),  # NFKC: RFC 4013 s2.2
        ("gü\u00adl", "şi\u00adfre\u00a0Ⅸ"),  # RFC 4013 s2.1
    ],
)
async def test_names_and_passwords_are_compared_in_one_form(name: str, password: str) -> None:
    accounts = MemoryAccounts()
    accounts.add("gül", password="şifre IX")
    accounts.add_device("gül", "laptop", "şifre IX")
    office = make_office(memory_store(), accounts)
    session = Pop3Session(office)
    assert (await session.log_in(name.encode(), password.encode())).count(b"+OK") == 2
    await session.end()
    session = Pop3Session(office)
    await session.settle()
    digest = hashlib.md5(f"<{TOKEN}.{int(NOW)}@{HOST}>şifre IX".encode()).hexdigest()
    assert (await session.say(f"APOP {name} {digest}".encode())).startswith(b"+OK ")
    await session.end()


async def test_what_was_set_in_another_form_still_opens() -> None:
    accounts = MemoryAccounts()
    accounts.add("ⅸ", password="şifre Ⅸ")
    session = Pop3Session(make_office(memory_store(), accounts))
    assert (await session.log_in("ⅸ".encode(), "şifre Ⅸ".encode())).count(b"+OK") == 2
    await session.end()


@pytest.mark.parametrize(
    "password", [b"tanstaaf\xff", b"tanstaaf\x07", "tanstaaf\u200e".encode(), b"tanstaaf\xed\xa0\x80"]
)
async def test_what_is_no_utf_8_or_forbidden_is_refused(password: bytes) -> None:
    accounts = MemoryAccounts()
    accounts.add("mrose", password=password.decode("utf-8", "surrogateescape"))
    session = Pop3Session(make_office(memory_store(), accounts))
    assert (await session.log_in(b"mrose", password)).endswith(b"-ERR [AUTH] invalid user name or password\r\n")
    await session.end()
