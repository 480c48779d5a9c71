"""The face of `poplib` against a running server: in clear, by STLS, by POP3S, by APOP; every octet of the corpus."""

import ssl
from collections.abc import Iterator

import pytest

import postane.client.compat as poplib
from support.certificates import Authority, Wish
from support.corpus import Way, by_way
from support.post import check_all, count, fill
from support.postoffice import Mailbox, PostOffice

pytestmark = pytest.mark.interop

SPECIMENS = by_way(Way.DATA)
PATIENCE = 20


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def house(authority: Authority) -> Iterator[PostOffice]:
    own = authority.issue("server", Wish(dns=["localhost"], addresses=["127.0.0.1"]))
    tls = {"certificate": str(own.chain), "key": str(own.key)}
    with PostOffice({"tls": tls, "pop3s": {"listen": ["127.0.0.1:0"]}}) as office:
        yield office


@pytest.fixture
def box(house: PostOffice) -> Mailbox:
    return house.fresh()


@pytest.fixture
def trust(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.path))


def _in_clear(house: PostOffice, trust: ssl.SSLContext) -> poplib.POP3:
    return poplib.POP3(*house.pop3, timeout=PATIENCE)


def _by_stls(house: PostOffice, trust: ssl.SSLContext) -> poplib.POP3:
    pop = poplib.POP3(*house.pop3, timeout=PATIENCE)
    assert pop.stls(trust).startswith(b"+OK")
    assert "STLS" not in pop.capa()
    return pop


def _by_pop3s(house: PostOffice, trust: ssl.SSLContext) -> poplib.POP3:
    return poplib.POP3_SSL(*house.address("pop3s"), timeout=PATIENCE, context=trust)


WAYS = pytest.mark.parametrize("connect", [_in_clear, _by_stls, _by_pop3s])


@WAYS
def test_every_octet_comes(house, box, trust, connect):
    fill(house, box, SPECIMENS)
    pop = connect(house, trust)
    pop.user(box.name)
    pop.pass_(box.password)
    got = [pop.retr(number) for number in range(1, pop.stat()[0] + 1)]
    check_all([b"".join(line + b"\r\n" for line in lines) for _, lines, _ in got], SPECIMENS)
    assert [int(line.split()[1]) for line in pop.list()[1]] == [octets for _, _, octets in got]
    assert len({line.split()[1] for line in pop.uidl()[1]}) == len(SPECIMENS)
    assert pop.top(1, 0)[1][-1] == b""
    pop.dele(1)
    assert pop.quit().startswith(b"+OK")
    assert count(house, box) == len(SPECIMENS) - 1


@WAYS
def test_apop(house, box, trust, connect):
    device = house.add_device(box)
    pop = connect(house, trust)
    assert pop.apop(device.name, device.password).startswith(b"+OK")
    pop.quit()


@WAYS
def test_a_refusal_has_the_words_of_the_server(house, box, trust, connect):
    pop = connect(house, trust)
    pop.user(box.name)
    with pytest.raises(poplib.error_proto, match=r"-ERR \[AUTH\]"):
        pop.pass_("wrong")
    pop.quit()


def test_a_server_that_is_not_to_be_believed_gets_no_password(house: PostOffice) -> None:
    strict = ssl.create_default_context(cafile=None)
    strict.load_default_certs()
    with pytest.raises(ssl.SSLCertVerificationError):
        poplib.POP3_SSL(*house.address("pop3s"), timeout=PATIENCE, context=strict)
    pop = poplib.POP3(*house.pop3, timeout=PATIENCE)
    with pytest.raises(ssl.SSLCertVerificationError):
        pop.stls(strict)
    with pytest.raises(poplib.error_proto, match="EOF"):
        pop.user("ayse")


def test_closed_without_quit_deletes_nothing(house: PostOffice, box: Mailbox) -> None:
    fill(house, box, SPECIMENS[:2])
    pop = poplib.POP3(*house.pop3, timeout=PATIENCE)
    pop.user(box.name)
    pop.pass_(box.password)
    pop.dele(1)
    pop.close()
    assert count(house, box) == 2
