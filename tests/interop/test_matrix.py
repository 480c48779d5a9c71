"""Every row of the matrix of clients, mechanisms and TLS modes: what `make matrix` prints is as it is expected.

Also what each server announces, to whoever asks it by hand.
"""

from collections.abc import Iterator

import pytest

from support.certificates import client_context
from support.matrix import House, Protocol, Tls, complaint
from support.matrix_cases import cases
from support.matrix_houses import CLIENTS, SERVICES, Houses, version_of
from support.programs import missing
from support.talk import Talk
from support.tls import POP3S, STARTTLS, STLS, TlsTalk

pytestmark = pytest.mark.interop

NAMES = tuple(CLIENTS)
EVERYWHERE = {"SCRAM-SHA-256", "SCRAM-SHA-1"}
PASSWORDS = {"PLAIN", "LOGIN"}
BOUND = {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"}
TOKENS = {"OAUTHBEARER", "XOAUTH2"}


@pytest.fixture(scope="module")
def houses() -> Iterator[Houses]:
    with Houses(NAMES) as houses:
        yield houses


@pytest.mark.parametrize("name", NAMES)
def test_every_row_of_a_client(houses: Houses, name: str) -> None:
    if version_of(CLIENTS[name]) is None:
        missing(f"{name} is not installed")
    rows = houses.run([case for case in cases() if case.client == name], lambda case, result: None)
    assert rows
    assert not {str(case): words for case, result in rows if (words := complaint(case, result))}
    if name != "mutt":  # which misreads the server's answers, and says that it was refused where it was let in
        assert houses.logins(name) == sum(result.is_in for _, result in rows)


@pytest.mark.parametrize("protocol", Protocol)
@pytest.mark.parametrize("tls", Tls)
@pytest.mark.parametrize("house", House)
def test_what_is_announced(houses: Houses, protocol: Protocol, tls: Tls, house: House) -> None:
    """What would be refused is not announced; CRAM-MD5, which few passwords can answer, only where no password may
    cross."""
    may_cross = tls is not Tls.NONE or house is not House.NEVER
    wanted = set(EVERYWHERE)
    wanted |= PASSWORDS if may_cross else {"CRAM-MD5"}
    wanted |= BOUND if tls is not Tls.NONE else set()
    wanted |= TOKENS if house is House.TOKENS else set()
    with _connect(houses, protocol, tls, house) as talk:
        if protocol is Protocol.POP3:
            assert talk.ask(b"CAPA").startswith(b"+OK")
            lines = talk.body().decode().splitlines()
            assert ("USER" in lines) is may_cross
            (said,) = [line.removeprefix("SASL ") for line in lines if line.startswith("SASL ")]
        else:
            talk.send(b"EHLO client.test\r\n")
            (said,) = [line[9:].decode() for line in talk.reply() if line[4:].startswith(b"AUTH ")]
    assert set(said.split()) == wanted


def _connect(houses: Houses, protocol: Protocol, tls: Tls, house: House) -> Talk:
    address = houses.office(house).address(SERVICES[protocol, tls is Tls.DIRECT])
    if tls is Tls.NONE:
        return Talk(address)
    begin = {Tls.DIRECT: POP3S, Tls.START: STLS if protocol is Protocol.POP3 else STARTTLS}[tls]
    return TlsTalk(address, client_context(houses.authority), begin)
