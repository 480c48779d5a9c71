"""What a server shows to somebody who looks before fetching from it."""

from types import SimpleNamespace

import pytest

from postane.config.fetching import Account, FetchConfig
from postane.config.problems import ConfigError
from postane.fetch.errors import FetchError, Trouble
from postane.fetching import sight
from postane.fetching.sight import Sight, look
from postane.imap.errors import ImapError
from postane.testing.faults import BadQuit, Listed, Missing, QuitHow, Refuse
from postane.testing.hostile import hostile_server
from support.dialogue import DialogueLink

MESSAGES = [b"Subject: one\r\n\r\n1\r\n", b"Subject: two\r\n\r\n2\r\n"]


async def seen(url: str, password: str | None = "tanstaaf"):
    table = Account.model_validate({"name": "work", "url": url, "password": password, "deliver": [{"mbox": "x"}]})
    return await look(FetchConfig(), table, lambda _: None)


async def test_what_it_offers_and_what_it_has():
    faults = [Listed("EXPIRE 30"), Listed("LOGIN-DELAY 120")]
    async with hostile_server(MESSAGES, faults) as server:
        sight = await seen(server.url)
        assert (sight.protocol, sight.tls, sight.certificate) == ("pop3", None, None)
        assert (sight.expire, sight.login_delay, (sight.implementation or "").split()[0]) == ("30", "120", "hostile")
        assert (sight.messages, sight.octets, sight.has_uidl) == (2, sum(map(len, MESSAGES)), True)
        assert "EXPIRE 30" in sight.capabilities
        assert not any(line.startswith(("RETR", "DELE", "TOP")) for line in server.commands), "nothing is read"
        assert server.commands[-1] == "QUIT"


async def test_a_server_that_tells_little():
    async with hostile_server(MESSAGES, [Missing("CAPA"), Missing("UIDL")]) as server:
        sight = await seen(server.url)
        assert (sight.capabilities, sight.expire, sight.has_uidl, sight.messages) == ((), None, False, 2)


async def test_of_nothing_nobody_knows_whether_it_has_unique_ids():
    async with hostile_server([]) as server:
        assert (await seen(server.url)).has_uidl is None


async def test_a_bad_end_spoils_nothing():
    async with hostile_server(MESSAGES, [BadQuit(QuitHow.SILENT)]) as server:
        assert (await seen(server.url)).messages == 2


async def test_a_refused_login_is_told():
    async with hostile_server(MESSAGES) as server:
        with pytest.raises(FetchError) as raised:
            await seen(server.url, "wrong")
        assert raised.value.trouble is Trouble.LOGIN


async def test_what_is_refused_after_the_login_is_told():
    async with hostile_server(MESSAGES, [Refuse("STAT")]) as server:
        with pytest.raises(FetchError, match="not now") as raised:
            await seen(server.url)
        assert raised.value.trouble is Trouble.TEMPORARY


async def test_a_bad_url_is_told():
    table = Account(name="work", url="pop3s://h", deliver=({"mbox": "x"},))
    with pytest.raises(ConfigError, match="whose mail is it"):
        await look(FetchConfig(), table, lambda _: None)


async def test_an_old_protocol_shows_that_it_lets_in(monkeypatch):
    link = DialogueLink(b"+ POP2 h\r\n", (b"HELO you x\r\n", b"#2\r\n"))

    async def dial(_):
        return link

    monkeypatch.setattr("postane.fetching.origins.dial", dial)
    sight = await seen("pop2://you:x@h", None)
    assert (sight.protocol, sight.messages) == ("pop2", None)
    assert link.is_aborted
    assert link.said == [b"HELO you x\r\n"]


@pytest.mark.parametrize("fault", [{"is_answer": True}, {"is_nonsense": True}])
def test_a_server_that_does_not_list_its_folders_lets_in_all_the_same(fault):
    def names():
        raise ImapError("LIST is refused", **fault)

    session = SimpleNamespace(secured=None, folders=SimpleNamespace(names=names), count=2, capabilities=lambda: ("X",))
    assert sight._seen(session) == Sight("imap", capabilities=("X",), messages=2)


def test_a_connection_that_breaks_amid_it_is_told():
    def names():
        raise ImapError("the server took too long")

    session = SimpleNamespace(secured=None, folders=SimpleNamespace(names=names), count=2, capabilities=lambda: ("X",))
    with pytest.raises(ImapError, match="too long"):
        sight._seen(session)
