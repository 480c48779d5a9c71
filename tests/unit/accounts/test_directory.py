"""A directory that is slow, stopped, started again, or says no."""

import asyncio
import os

import pytest
import uvloop
from sansldap import BindRequest, LDAPMessage, LDAPResultCode, LDAPServer

from postane.accounts.base import AccountsUnavailable
from postane.accounts.directory import CONNECTIONS, REFUSALS, Directory, Links
from postane.accounts.filters import parse_filter
from postane.accounts.ldap_link import Search
from support import engines
from support.false_directory import open_false_directory

TOP = Search("ou=people,dc=example,dc=org", parse_filter("(ou=people)", ()).about(""), ("ou",))


@pytest.fixture(scope="module")
def disturbed():
    engine = engines.Slapd()
    engine.start()
    engine.prepare()
    yield engine
    engine.remove()


@pytest.fixture
async def open_links():
    opened = []

    def open_(directory: Directory) -> Links:
        opened.append(Links(directory))
        return opened[-1]

    yield open_
    for links in opened:
        links.close()
    await asyncio.sleep(0)  # for asyncio to close the sockets


async def unavailable(links: Links) -> str:
    with pytest.raises(AccountsUnavailable) as caught:
        await links.search(TOP)
    with pytest.raises(AccountsUnavailable) as again:
        await links.proves("uid=mrose,ou=people,dc=example,dc=org", "hunter2")
    assert {caught.value.text, again.value.text} == {"accounts are not available now"}
    assert "hunter2" not in caught.value.log + again.value.log
    return caught.value.log


async def answers(links: Links, engine: engines.Slapd) -> None:
    assert [entry.dn for entry in await links.search(TOP)] == [engine.base]
    assert await links.proves(engine.admin, engine.password)
    assert not await links.proves(engine.admin, "hunter2")


async def test_many_ask_at_once_on_few_connections(open_links):
    engine = engines.slapd()
    links = open_links(Directory(engine.url, ca=engine.ca))
    await asyncio.gather(*(answers(links, engine) for _ in range(5 * CONNECTIONS)))
    ours = [line for line in _established() if line[2] == f"{_port(engine.url):04X}"]
    assert len(ours) <= 2 * CONNECTIONS


def _established() -> list[list[str]]:
    """The connections of this process: from /proc, local and remote port."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            link = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if link.startswith("socket:"):
            found.append(link[8:-1])
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return [[row[9], row[1][-4:], row[2][-4:]] for row in rows if row[9] in found]


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


async def test_a_restart_is_survived(disturbed, open_links):
    links = open_links(Directory(disturbed.url, ca=disturbed.ca))
    await asyncio.gather(*(answers(links, disturbed) for _ in range(4)))
    disturbed.stop()
    try:
        assert "cannot be reached" in await unavailable(links)
    finally:
        disturbed.start()
    await answers(links, disturbed)


async def test_a_restart_that_was_not_noticed_is_survived(disturbed, open_links):
    links = open_links(Directory(disturbed.url, ca=disturbed.ca))
    await answers(links, disturbed)
    disturbed.stop()
    disturbed.start()  # all while the event loop sees nothing
    await answers(links, disturbed)


async def test_silence_is_no_answer(disturbed, open_links):
    links = open_links(Directory(disturbed.url, ca=disturbed.ca, timeout=0.2))
    await links.search(TOP)
    disturbed.pause()
    try:
        assert await unavailable(links) == "the directory has not answered in 0.2 s"
        assert await unavailable(links) == "the directory has not answered in 0.2 s", "nor to a new connection"
    finally:
        disturbed.resume()
    await answers(open_links(Directory(disturbed.url, ca=disturbed.ca)), disturbed)


async def test_the_next_server_is_asked_where_one_is_away(disturbed, open_links):
    away = f"ldap://127.0.0.1:{engines.free_port()}"
    await answers(open_links(Directory(f"{away} {disturbed.ldaps}", ca=disturbed.ca)), disturbed)


async def test_a_server_that_nobody_trusts_is_unavailable(open_links):
    assert "certificate verify failed" in await unavailable(open_links(Directory(engines.slapd().url)))


async def test_no_password_crosses_where_tls_is_refused(open_links):
    def refuse(session: LDAPServer, message: LDAPMessage) -> bytes | None:
        session.extended_response(message.message_id, result_code=LDAPResultCode.PROTOCOL_ERROR)
        return b""

    async with open_false_directory(refuse) as false:
        assert "refuses StartTLS" in await unavailable(open_links(Directory(false.url)))
        assert not [message for message in false.heard if isinstance(message, BindRequest)]


@pytest.fixture
def secret_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text(f"{engines.Slapd.password}\n")
    file.chmod(0o600)
    return file


async def test_who_searches_may_have_to_say_who_it_is(open_links, secret_file):
    engine = engines.slapd()
    directory = Directory(engine.url, engine.admin, secret_file, engine.ca)
    await answers(open_links(directory), engine)
    secret_file.write_text("hunter2\n")
    links = open_links(directory)
    with pytest.raises(
        AccountsUnavailable, match="refuses the bind as cn=admin,dc=example,dc=org: INVALID_CREDENTIALS"
    ):
        await links.search(TOP)
    assert await links.proves(engine.admin, engine.password), "who proves a password needs nobody else's"
    secret_file.chmod(0o644)
    with pytest.raises(AccountsUnavailable, match="chmod 600"):
        await open_links(directory).search(TOP)


async def test_who_searches_needs_a_password(open_links):
    engine = engines.slapd()
    with pytest.raises(AccountsUnavailable, match="bind_dn needs password_file"):
        await open_links(Directory(engine.url, engine.admin, None, engine.ca)).search(TOP)


@pytest.mark.parametrize("code", [code for code in LDAPResultCode if code is not LDAPResultCode.SASL_BIND_IN_PROGRESS])
async def test_what_results_of_a_bind_mean(open_links, code):
    def answer(session: LDAPServer, message: LDAPMessage) -> bytes | None:
        session.bind_response(message.message_id, result_code=code, diagnostics_message="80090308: \x1b[2J")
        return b""

    async with open_false_directory(answer) as false:
        links = open_links(Directory(false.url, start_tls=False))
        if code is LDAPResultCode.SUCCESS or code in REFUSALS:
            assert await links.proves("uid=mrose", "secret") is (code is LDAPResultCode.SUCCESS)
        else:
            with pytest.raises(AccountsUnavailable) as caught:
                await links.proves("uid=mrose", "secret")
            assert code.name in caught.value.log
            assert "\x1b" not in caught.value.log
        links.close()


async def test_a_search_below_nothing_is_told(open_links):
    engine = engines.slapd()
    links = open_links(Directory(engine.url, ca=engine.ca))
    with pytest.raises(AccountsUnavailable, match="refuses the search: NO_SUCH_OBJECT"):
        await links.search(Search("ou=nowhere,dc=example,dc=org", TOP.filter, ("ou",)))


def test_uvloop_serves_as_well():
    engine = engines.slapd()

    async def ask(url: str) -> None:
        links = Links(Directory(url, ca=engine.ca))
        await answers(links, engine)
        links.close()
        await asyncio.sleep(0.01)

    for url in (engine.url, engine.ldaps, engine.ldapi):
        uvloop.run(ask(url))


def test_a_url_that_is_none_is_refused():
    with pytest.raises(ValueError, match="is none of"):
        Links(Directory("ldap.example.org"))
