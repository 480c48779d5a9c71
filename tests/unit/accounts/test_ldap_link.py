"""One connection to a directory: addresses, TLS, and answers that no directory should give."""

import asyncio
import ssl

import pytest
from sansldap import (
    BindRequest,
    ExtendedRequest,
    LDAPMessage,
    LDAPResultCode,
    LDAPServer,
    PartialAttribute,
    SearchRequest,
)

from postane.accounts.filters import parse_filter
from postane.accounts.ldap_link import ANSWER_LIMIT, Address, DirectoryError, Entry, Link, Search, parse_addresses
from support import engines
from support.false_directory import open_false_directory, serving

EVERYBODY = parse_filter("(objectClass=*)", ()).about("")


@pytest.fixture(scope="module")
def slapd():
    return engines.slapd()


@pytest.fixture(scope="module")
def tls(slapd):
    return ssl.create_default_context(cafile=slapd.ca)


def address_of(url: str) -> Address:
    return parse_addresses(url)[0]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ldap://ldap.example.org", Address("ldap", "ldap.example.org", 389)),
        ("ldaps://ldap.example.org/", Address("ldaps", "ldap.example.org", 636)),
        ("ldap://[::1]:3389", Address("ldap", "::1", 3389)),
        ("ldapi://%2Frun%2Fslapd%2Fldapi", Address("ldapi", "", 0, "/run/slapd/ldapi")),
    ],
)
def test_an_address(url, address):
    assert parse_addresses(url) == [address]


def test_several_addresses():
    assert [each.host for each in parse_addresses("ldaps://a.example ldaps://b.example")] == ["a.example", "b.example"]


@pytest.mark.parametrize(
    "url", ["", "http://h", "ldap.example.org", "ldap://", "ldap://u:p@h", "ldap://h/dc=x", "ldapi://"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ValueError, match="is none of ldap://HOST"):
        parse_addresses(url)


@pytest.mark.parametrize("which", ["url", "ldaps", "ldapi"])
async def test_a_directory_is_asked_over_each_kind_of_connection(slapd, tls, which):
    link = await Link.open(address_of(getattr(slapd, which)), tls, start_tls=True)
    found = await link.search(Search(slapd.base, EVERYBODY, ("ou",)))
    assert found[0] == Entry(slapd.base, {"ou": [b"people"]})
    assert (await link.bind(slapd.admin, slapd.password)).result_code is LDAPResultCode.SUCCESS
    assert (await link.bind(slapd.admin, "x")).result_code is LDAPResultCode.INVALID_CREDENTIALS
    assert link.is_open
    link.close()
    assert not link.is_open


@pytest.mark.parametrize("which", ["url", "ldaps"])
async def test_a_certificate_that_nobody_trusts_is_refused(slapd, which):
    with pytest.raises(ssl.SSLCertVerificationError):
        await Link.open(address_of(getattr(slapd, which)), ssl.create_default_context(), start_tls=True)


@pytest.mark.parametrize("which", ["url", "ldaps"])
async def test_a_certificate_for_another_name_is_refused(slapd, tls, which):
    url = getattr(slapd, which).replace("127.0.0.1", "localhost")
    with pytest.raises(ssl.SSLCertVerificationError, match="localhost"):
        await Link.open(address_of(url), tls, start_tls=True)


@pytest.mark.parametrize(("name", "password"), [("cn=admin,dc=example,dc=org", ""), ("", "secret"), ("", "")])
async def test_a_bind_that_proves_nothing_is_not_made(slapd, tls, name, password):
    """RFC 4513 s5.1.1, s5.1.2: such binds succeed."""
    link = await Link.open(address_of(slapd.ldapi), tls, start_tls=True)
    with pytest.raises(DirectoryError, match="proves nothing"):
        await link.bind(name, password)
    link.close()


def well(session: LDAPServer, message: LDAPMessage) -> bytes | None:
    """A directory with one entry, in which every password is right."""
    if isinstance(message, BindRequest):
        session.bind_response(message.message_id)
    elif isinstance(message, SearchRequest):
        session.search_result_entry(message.message_id, "uid=mrose", [PartialAttribute("UID", [b"mrose"])])
        session.search_result_reference(message.message_id, ["ldap://elsewhere.example/"])
        session.search_result_done(message.message_id)
    elif isinstance(message, ExtendedRequest):
        session.extended_response(message.message_id, result_code=LDAPResultCode.UNAVAILABLE, diagnostics_message="no")
    return b""


async def test_start_tls_that_is_refused_ends_the_connection(tls):
    async with open_false_directory(well) as false:
        with pytest.raises(DirectoryError, match=r'refuses StartTLS: UNAVAILABLE: "no"'):
            await Link.open(address_of(false.url), tls, start_tls=True)
        assert [type(message) for message in false.heard] == [ExtendedRequest], "no bind in clear text"


FORGED = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"
"""A bind that succeeds."""


async def open_injected(slapd: engines.Slapd, tls: ssl.SSLContext, injected: bytes) -> LDAPResultCode:
    """What a bind says to a directory in which no password is right, where somebody between has put in octets."""
    inner = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    inner.load_cert_chain(slapd.folder / "server.pem", slapd.folder / "server.key")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = LDAPServer()
        session.extended_response(session.receive(await reader.read(65536))[0].message_id)
        writer.write(session.data_to_send() + injected)
        await writer.start_tls(inner)
        session = LDAPServer()
        for message in session.receive(await reader.read(65536)):
            session.bind_response(message.message_id, result_code=LDAPResultCode.INVALID_CREDENTIALS)
        writer.write(session.data_to_send())
        await reader.read()

    async with serving(serve) as port:
        link = await Link.open(Address("ldap", "127.0.0.1", port), tls, start_tls=True)
        try:
            return (await link.bind("uid=mrose", "x")).result_code
        finally:
            link.close()


async def test_an_answer_before_the_handshake_ends_the_connection(slapd, tls):
    with pytest.raises((DirectoryError, OSError)):
        await open_injected(slapd, tls, FORGED)


@pytest.mark.parametrize("count", [0, 1, 5, len(FORGED) - 1])
async def test_half_an_answer_before_the_handshake_is_forgotten(slapd, tls, count):
    assert await open_injected(slapd, tls, FORGED[:count]) is LDAPResultCode.INVALID_CREDENTIALS


async def test_referrals_are_not_followed(tls):
    async with open_false_directory(well) as false:
        link = await Link.open(address_of(false.url), tls, start_tls=False)
        found = await link.search(Search("dc=example", EVERYBODY, ("uid",)))
        assert found == [Entry("uid=mrose", {"uid": [b"mrose"]})]
        link.close()


async def test_an_answer_may_come_octet_by_octet(tls):
    answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def hold_back(session: LDAPServer, message: LDAPMessage) -> bytes | None:
        well(session, message)
        answered.set_result(session.data_to_send())
        return b""

    async with open_false_directory(hold_back) as false:
        link = await Link.open(address_of(false.url), tls, start_tls=False)
        asking = asyncio.ensure_future(link.search(Search("dc=example", EVERYBODY, ("uid",))))
        for octet in await answered:
            assert not asking.done()
            link.data_received(bytes([octet]))
        assert await asking == [Entry("uid=mrose", {"uid": [b"mrose"]})]
        link.close()


@pytest.mark.parametrize(
    "nonsense",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\0" * 40,
        b"\x30\x0c\x02\x01\x63\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
        None,
    ],
    ids=["another protocol", "zeroes", "an answer to nothing", "the end"],
)
async def test_nonsense_ends_the_connection(tls, nonsense):
    async with open_false_directory(lambda session, message: nonsense) as false:
        link = await Link.open(address_of(false.url), tls, start_tls=False)
        with pytest.raises(ConnectionError):
            await link.search(Search("dc=example", EVERYBODY, ("uid",)))
        assert not link.is_open
        with pytest.raises(ConnectionError):
            await link.bind("uid=mrose", "secret")


async def test_an_endless_answer_is_given_up(tls):
    endless = b"\x30\x84\x7f\xff\xff\xff" + b"\x02\x01\x01" + b"\x64" * (2 * ANSWER_LIMIT)
    async with open_false_directory(lambda session, message: endless) as false:
        link = await Link.open(address_of(false.url), tls, start_tls=False)
        with pytest.raises(ConnectionError, match="too long"):
            await link.search(Search("dc=example", EVERYBODY, ("uid",)))


async def test_the_wrong_kind_of_answer_is_refused(tls):
    def confuse(session: LDAPServer, message: LDAPMessage) -> bytes | None:
        session.search_result_entry(message.message_id, "uid=mrose", [])
        session.extended_response(message.message_id)
        return b""

    async with open_false_directory(confuse) as false:
        link = await Link.open(address_of(false.url), tls, start_tls=False)
        with pytest.raises(DirectoryError, match="what it was not asked"):
            await link.search(Search("dc=example", EVERYBODY, ("uid",)))
        link.close()
