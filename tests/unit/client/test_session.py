"""What there is to say before a login, and at any time."""

import pytest

from postane.client.errors import Misbehaved, NotSecured, Refused, SysTemp
from postane.client.pop3 import Pop3
from postane.client.session import Manner
from postane.net.base import Untrusted
from support.pop_links import CAPA, FakeServer, MemoryLink


async def greeted(server, **how):
    link = MemoryLink(b"+OK ready\r\n", server, **how)
    pop = Pop3(link)
    assert await pop.greet() == pop.greeting == "ready"
    return pop, link


async def test_capabilities_are_asked_for_once():
    for offers in (CAPA, None):
        pop, link = await greeted(FakeServer(offers=offers))
        first = await pop.capabilities()
        assert await pop.capabilities() is first
        assert (first is None) == (offers is None)
        assert link.lines == [b"CAPA"]


@pytest.mark.parametrize("cuts", [(), (100,)])
async def test_capabilities_without_an_end_are_given_up(cuts):
    pop, link = await greeted(FakeServer(replies={b"CAPA": b"+OK\r\n" + b"X\r\n" * 100_000}), cuts=cuts)
    with pytest.raises(Misbehaved, match="no end"):
        await pop.capabilities()
    assert link.is_aborted


async def test_a_first_word_that_refuses_is_the_end():
    link = MemoryLink(b"-ERR [SYS/TEMP] later\r\n", FakeServer())
    pop = Pop3(link)
    with pytest.raises(SysTemp):
        await pop.greet()
    assert link.is_aborted
    with pytest.raises(SysTemp):
        await pop.capabilities()


async def test_a_first_word_that_is_no_pop():
    link = MemoryLink(b"220 smtp.example.org ESMTP\r\n", FakeServer())
    with pytest.raises(Misbehaved, match="begins with"):
        await Pop3(link).greet()


async def test_after_tls_nothing_is_remembered():
    pop, link = await greeted(FakeServer(offers=(*CAPA, b"STLS")))
    before = await pop.capabilities()
    await pop.start_tls()
    assert link.tls is not None
    assert await pop.capabilities() is not before
    assert link.lines == [b"CAPA", b"STLS", b"CAPA"]


async def test_tls_that_does_not_stand():
    pop, link = await greeted(FakeServer())
    link.offers_tls = Untrusted("self-signed certificate")
    with pytest.raises(NotSecured, match="self-signed"):
        await pop.start_tls()
    assert not pop.is_usable


async def test_languages():
    replies = {
        b"LANG": b"+OK\r\ntr T\xc3\xbcrk\xc3\xa7e\r\nen English\r\n\r\n.\r\n",
        b"LANG tr": b"+OK tr Merhaba\r\n",
        b"LANG xx": b"-ERR no\r\n",
        b"UTF8": b"+OK\r\n",
    }
    pop, _ = await greeted(FakeServer(replies=replies))
    assert await pop.languages() == {"tr": "Türkçe", "en": "English"}
    assert await pop.lang("tr") == "tr Merhaba"
    with pytest.raises(Refused):
        await pop.lang("xx")
    await pop.utf8()
    assert pop.is_idle
    assert not pop.is_logged_in


async def test_a_window_is_told_or_asked_for():
    for offers, told, wanted, window in (
        (CAPA, None, None, 50),
        (CAPA, None, 7, 7),
        ((), None, 7, 1),
        (None, None, None, 1),
        ((), True, 9, 9),
        (CAPA, False, 9, 1),
    ):
        link = MemoryLink(b"+OK\r\n", FakeServer(offers=offers))
        pop = Pop3(link, Manner(is_pipelining=told))
        await pop.greet()
        assert await pop.window(wanted) == window
    with pytest.raises(ValueError, match="from 1 to 100"):
        await pop.window(101)
    with pytest.raises(ValueError, match="from 1 to 100"):
        Manner(window=0)


async def test_quit_closes_whatever_is_said():
    for said in (b"+OK\r\n", b"-ERR no\r\n", b"what\r\n"):
        pop, link = await greeted(FakeServer(replies={b"QUIT": said}))
        await pop.quit()
        assert link.is_closed
        assert not pop.is_usable
