"""What a connection is offered, by what it is and by what the account store can verify."""

from dataclasses import replace

import pytest

from postane.accounts.memory import MemoryAccounts
from postane.net.memory import MemoryStream
from postane.net.stream import Peer, TlsFacts
from postane.pop3.capabilities import Offer
from postane.sasl.base import Means
from postane.sasl.registry import SERVER_MECHANISMS
from postane.server.offers import KINDS_KEPT, Kind, make_offers
from postane.server.office import PostOffice
from support.pop3 import make_office

FACTS = TlsFacts("TLSv1.3", "some", {"tls-exporter": b"exported"}, client="ada")
EVERY = frozenset(Means)
CLEAR = MemoryStream(Peer("192.0.2.1"))
LOOPBACK = MemoryStream(Peer("127.0.0.1"))
BOUND = {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"}


class Changing(MemoryAccounts):
    """Accounts whose means are another one at times."""

    means = EVERY


@pytest.fixture
def office() -> PostOffice:
    return make_office(accounts=Changing(), mechanisms=tuple(SERVER_MECHANISMS))


def secure(facts: TlsFacts = FACTS) -> MemoryStream:
    stream = MemoryStream(Peer("192.0.2.1"), is_encrypted=True)
    stream.tls = facts
    return stream


@pytest.mark.parametrize(
    ("stream", "missing"),
    [
        (CLEAR, {"PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2", "EXTERNAL"} | BOUND),
        (LOOPBACK, {"EXTERNAL"} | BOUND),
        (secure(), set()),
        (secure(replace(FACTS, bindings={})), BOUND),
        (secure(replace(FACTS, client=None)), {"EXTERNAL"}),
    ],
    ids=["clear", "loopback", "TLS", "TLS of a proxy", "TLS without a certificate"],
)
def test_what_can_succeed_depends_on_the_connection(
    office: PostOffice, stream: MemoryStream, missing: set[str]
) -> None:
    for _ in range(2):
        assert set(SERVER_MECHANISMS) - set(office.offers(stream).possible) == missing
    assert office.offers(stream).pop3.mechanisms == office.offers(stream).announced


def test_and_on_what_the_store_can_verify_at_this_moment(office: PostOffice) -> None:
    assert {"OAUTHBEARER", "XOAUTH2"} <= set(office.offers(secure()).possible)
    office.accounts.means = EVERY - {Means.TOKEN}  # type: ignore[misc]
    assert not {"OAUTHBEARER", "XOAUTH2"} & set(office.offers(secure()).possible)
    office.accounts.means = EVERY - {Means.PASSWORD}  # type: ignore[misc]
    assert not office.offers(secure()).pop3.is_login_possible
    office.accounts.means = EVERY  # type: ignore[misc]
    assert office.offers(secure()).pop3.is_login_possible


def test_a_shy_one_is_announced_where_no_password_may_cross(office: PostOffice) -> None:
    office = replace(office, shy=frozenset({"CRAM-MD5"}))
    assert "CRAM-MD5" in office.offers(CLEAR).announced
    assert "CRAM-MD5" not in office.offers(LOOPBACK).announced
    assert "CRAM-MD5" in office.offers(LOOPBACK).possible


def test_what_pop3_says_of_a_connection(office: PostOffice) -> None:
    stream = MemoryStream(Peer("192.0.2.1"), offers_tls=FACTS)
    clear, near = office.offers(stream).pop3, office.offers(LOOPBACK).pop3
    assert (clear.implementation, clear.is_login_possible, clear.is_stls_possible) == ("Postane-test", False, True)
    assert (near.is_login_possible, near.is_stls_possible) == (True, False)
    assert clear.is_lang_possible is bool(office.languages)


def test_it_is_made_once_for_each_kind_of_connections(office: PostOffice) -> None:
    made = [office.offers(MemoryStream(Peer(f"192.0.2.{number}"))) for number in range(5)]
    assert all(each is made[0] for each in made)
    assert office.offers(LOOPBACK) is not made[0]
    assert replace(office, shy=frozenset({"PLAIN"})).offers(CLEAR) is not made[0], "another office has another one's"


def test_kinds_are_bounded(office: PostOffice) -> None:
    for number in range(3 * KINDS_KEPT):
        office.accounts.means = frozenset({number})  # type: ignore[misc, assignment]
        office.offers(CLEAR)
        assert len(office._offers) <= KINDS_KEPT


def test_the_order_is_that_of_the_configuration() -> None:
    kind = Kind(EVERY, True, False, True, True)
    names = ("PLAIN", "SCRAM-SHA-1", "EXTERNAL")
    assert make_offers(kind, names, frozenset(), Offer("x")).announced == names
