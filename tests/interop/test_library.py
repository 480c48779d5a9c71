"""The library against real servers: our own and Dovecot, in clear, by STLS and by POP3S, by every way to log in."""

from collections.abc import Iterator

import pytest

from postane.client import LoginRefused, NotSecured, Refused, connect
from postane.net.tls import Certificate
from support.certificates import Authority, Wish
from support.corpus import Way, by_way, plain
from support.dovecot import MECHANISMS, PASSWORD, Dovecot, dovecot
from support.pop_links import made_messages
from support.post import check_all, count, fill
from support.postoffice import Mailbox, PostOffice

pytestmark = pytest.mark.interop

SPECIMENS = by_way(Way.DATA)
WAYS = pytest.mark.parametrize(("scheme", "tls"), [("pop3", "none"), ("pop3", "required"), ("pop3s", "implicit")])
DOTS = [message.replace(b"a\nb", b"ab").replace(b"a\n.\nb", b"a.b") for message in made_messages(150)]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def own(authority: Authority) -> Certificate:
    return authority.issue("server", Wish(dns=["localhost"], addresses=["127.0.0.1"]))


@pytest.fixture(scope="module")
def house(own: Certificate) -> Iterator[PostOffice]:
    tls = {"certificate": str(own.chain), "key": str(own.key)}
    with PostOffice({"tls": tls, "pop3s": {"listen": ["127.0.0.1:0"]}}) as office:
        yield office


@pytest.fixture(scope="module")
def dove(own: Certificate) -> Iterator[Dovecot]:
    with dovecot(own) as server:
        yield server


def url(house: PostOffice, scheme: str, box: Mailbox) -> str:
    return f"{scheme}://{box.name}@127.0.0.1:{house.address(scheme)[1]}"


@WAYS
async def test_every_octet_comes_from_our_own(house, authority, scheme, tls):
    box = house.fresh()
    fill(house, box, SPECIMENS)
    how = {"password": box.password, "tls": tls, "tls_ca": str(authority.path)}
    async with connect(url(house, scheme, box), **how) as maildrop:
        messages = [message async for message in maildrop.messages()]
        got = [fetched.raw async for fetched in maildrop.fetch_many(messages)]
        check_all(got, SPECIMENS)
        assert [message.octets for message in messages] == [len(each) for each in got]
        assert len({message.uidl for message in messages}) == len(SPECIMENS)
        for message in messages:
            assert await message.headers()
        await messages[0].delete()
    assert count(house, box) == len(SPECIMENS) - 1


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "PLAIN", "USER"])
@pytest.mark.parametrize("scheme", ["pop3", "pop3s"])
async def test_our_own_lets_in_by(house, authority, mechanism, scheme):
    box = house.fresh()
    how = {"tls_ca": str(authority.path), "mechanisms": [mechanism]}
    async with connect(url(house, scheme, box), password=box.password, **how) as maildrop:
        assert (await maildrop.stat()).count == 0
    with pytest.raises(LoginRefused) as caught:
        await connect(url(house, scheme, box), password="wrong", **how)
    assert (caught.value.mechanism, caught.value.code) == (mechanism, "AUTH")


async def test_a_device_is_let_in_by_what_hides_its_secret(house, authority):
    device = house.add_device(house.fresh())
    how = {"tls_ca": str(authority.path), "mechanisms": ["APOP"]}
    async with connect(url(house, "pop3", device), password=device.password, **how) as maildrop:
        assert maildrop.pop.is_logged_in


async def test_the_strongest_way_is_taken(house, authority):
    box, lines = house.fresh(), []
    how = {"tls_ca": str(authority.path), "log": lines.append}
    async with connect(url(house, "pop3s", box), password=box.password, **how):
        pass
    assert any(line.startswith("C: AUTH SCRAM-SHA-256-PLUS") for line in lines)


async def test_who_is_not_believed_gets_nothing(house):
    box = house.fresh()
    for scheme, tls in (("pop3", "required"), ("pop3s", "implicit")):  # what is only offered is taken here
        with pytest.raises(NotSecured, match="tls_ca"):
            await connect(url(house, scheme, box), password=box.password, tls=tls)


async def test_an_exception_leaves_all_as_it_was(house, authority):
    box = house.fresh()
    fill(house, box, plain())

    async def work() -> None:
        async with connect(url(house, "pop3s", box), password=box.password, tls_ca=str(authority.path)) as maildrop:
            async for message in maildrop.messages():
                await message.delete()
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await work()
    assert count(house, box) == len(plain())


@WAYS
@pytest.mark.parametrize("window", [1, 100])
async def test_every_octet_comes_from_dovecot(dove: Dovecot, authority, scheme, tls, window):
    name = f"{scheme}-{tls}-{window}"
    dove.put(name, DOTS)
    port = dove.pop3 if scheme == "pop3" else dove.pop3s
    how = {"password": PASSWORD, "tls": tls, "tls_ca": str(authority.path), "window": window}
    async with connect(f"{scheme}://{name}@127.0.0.1:{port}", **how) as maildrop:
        messages = [message async for message in maildrop.messages()]
        assert [fetched.raw async for fetched in maildrop.fetch_many(messages)] == DOTS
        assert all(message.uidl for message in messages)
        assert (await messages[6].headers())["subject"] == "7"
        fetched = [each async for each in maildrop.fetch_many([1, 999, 2])]
        assert [type(each.error) for each in fetched] == [type(None), Refused, type(None)]
        await maildrop.delete(messages[:10])
    assert dove.left(name) == len(DOTS) - 10


@pytest.mark.parametrize("mechanism", [*MECHANISMS, "APOP", "USER"])
async def test_dovecot_lets_in_by(dove: Dovecot, mechanism):
    dove.put(mechanism.lower(), [])
    address = f"pop3://{mechanism.lower()}@127.0.0.1:{dove.pop3}"
    async with connect(address, password=PASSWORD, tls="none", mechanisms=[mechanism]) as maildrop:
        assert (await maildrop.stat()).count == 0
    with pytest.raises(LoginRefused) as caught:
        await connect(address, password="wrong", tls="none", mechanisms=[mechanism])
    assert (caught.value.mechanism, caught.value.code) == (mechanism, "AUTH")


@pytest.mark.parametrize("window", [1, 100])
@pytest.mark.parametrize("is_underway", [False, True])
async def test_an_exception_leaves_all_as_it_was_at_dovecot(dove: Dovecot, window, is_underway):
    name = f"rolled-{window}-{is_underway:d}"
    dove.put(name, DOTS)
    lines: list[str] = []

    async def work() -> None:
        address = f"pop3://{name}@127.0.0.1:{dove.pop3}"
        async with connect(address, password=PASSWORD, tls="none", window=window, log=lines.append) as maildrop:
            await maildrop.delete([1, 2, 3])
            if is_underway:
                await anext(maildrop.fetch_many(range(4, 100)))
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await work()
    assert "C: DELE 3" in lines
    assert lines.count("C: QUIT") == lines.count("C: RSET")  # cut off, or taken back first
    assert dove.left(name) == len(DOTS)
