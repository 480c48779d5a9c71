"""LANG (RFC 6856 s3): every reply in the language that the client chose."""

import pytest

from postane.accounts.memory import MemoryAccounts
from postane.languages.catalogues import load_tongues
from postane.maildrop.memory import memory_store
from postane.pop3.grammar import REPLY_LIMIT, format_reply
from postane.pop3.languages import Languages
from postane.pop3.replies import err
from postane.server.office import PostOffice
from postane.wire.phrases import Tongue
from support.pop3 import HOST, Pop3Session, make_office, put, sized

TONGUES = load_tongues()


@pytest.fixture
async def office() -> PostOffice:
    accounts = MemoryAccounts()
    accounts.add("mrose", password="tanstaaf")
    office = make_office(memory_store(), accounts, languages=Languages(TONGUES, TONGUES[-1]))
    await put(office.maildrops, "mrose", sized(120), sized(200))
    return office


async def test_a_session_in_turkish(office: PostOffice) -> None:
    session = Pop3Session(office)
    assert (await session.settle()).startswith(f"+OK {HOST} POP3 server ready <".encode())
    for said, answer in (
        ("LANG tr", "+OK tr bundan sonra Türkçe"),
        ("HULLO", "-ERR bilinmeyen komut"),
        ("STAT", "-ERR STAT şu anda kullanılamaz: önce oturum açın"),
        ("USER mrose", "+OK PASS gönderin"),
        ("PASS x", "-ERR [AUTH] kullanıcı adı ya da parola yanlış"),
        ("USER mrose", "+OK PASS gönderin"),
        ("PASS tanstaaf", "+OK mrose posta kutusunda 2 ileti var (320 sekizli)"),
        ("STAT", "+OK 2 320"),
        ("LIST 2", "+OK 2 200"),
        ("RETR 3", "-ERR böyle bir ileti yok, posta kutusunda yalnızca 2 ileti var"),
        ("DELE 1", "+OK 1 numaralı ileti silindi"),
        ("RETR 1", "-ERR 1 numaralı ileti silinmiş"),
        ("LANG xx", "-ERR bu dil burada konuşulmuyor"),
        ("LANG en-GB", "+OK en this language from now on"),
        ("RETR 1", "-ERR message 1 is deleted"),
        ("LANG *", "+OK tr bundan sonra Türkçe"),
        ("QUIT", f"+OK {HOST} POP3 sunucusu oturumu kapatıyor (1 ileti kaldı)"),
    ):
        assert (await session.say(said.encode())).decode() == f"{answer}\r\n"
    await session.task


async def test_the_lines_of_a_body_are_not_translated(office: PostOffice) -> None:
    said = []
    for words in ([], [b"LANG ja"]):
        session = Pop3Session(office)
        await session.settle()
        await session.say(*words)
        await session.log_in()
        said.append((await session.say(b"RETR 1", b"TOP 1 0", b"LIST", b"UIDL", b"CAPA")).split(b"\r\n"))
        await session.end()
    english, japanese = said
    assert "+OK 120 オクテット".encode() in japanese
    assert [line for line in english if not line.startswith(b"+OK")] == [
        line for line in japanese if not line.startswith(b"+OK")
    ]
    assert b"LANG" in english


async def test_without_a_choice_lang_is_not_offered() -> None:
    session = Pop3Session(make_office())
    await session.settle()
    assert await session.say(b"LANG") == await session.say(b"LANG tr") == b"-ERR LANG is not offered here\r\n"
    assert b"LANG" not in await session.say(b"CAPA")
    await session.end()


@pytest.mark.parametrize("shift", range(4))
def test_a_long_reply_is_cut_between_characters(shift: int) -> None:
    tongue = Tongue("ja", "日本語", lambda one, many, count: "x" * shift + "語" * 300)
    line = format_reply(err("text"), tongue)
    assert REPLY_LIMIT - 3 < len(line) <= REPLY_LIMIT
    assert line.decode().endswith("語\r\n")
