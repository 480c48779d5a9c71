"""Which mechanisms there are."""

import pytest

from postane.sasl.base import Challenge, Identity, Means, Surroundings
from postane.sasl.registry import CLEAR_TEXT, CLIENT_MECHANISMS, SERVER_MECHANISMS

SURROUNDINGS = Surroundings(b"<1@h>", "nonce", {"tls-exporter": b"x"})


def test_every_exchange_is_a_new_one():
    for mechanism in SERVER_MECHANISMS.values():
        assert mechanism.make(SURROUNDINGS) is not mechanism.make(SURROUNDINGS)


@pytest.mark.parametrize("name", SERVER_MECHANISMS)
def test_every_exchange_begins_without_an_initial_response(name: str):
    first = {"CRAM-MD5": b"<1@h>", "LOGIN": b"Username:"}.get(name, b"")
    assert SERVER_MECHANISMS[name].make(SURROUNDINGS).start(None) == Challenge(first)


def test_both_sides_have_the_same_mechanisms():
    assert list(CLIENT_MECHANISMS) == list(SERVER_MECHANISMS)
    identity = Identity("tim", "secret", "nonce")
    for make in CLIENT_MECHANISMS.values():
        assert make(identity) is not make(identity)


def test_mechanisms_have_registered_names():
    for name in SERVER_MECHANISMS:
        assert name == name.upper()
        assert 1 <= len(name) <= 20  # RFC 4422 s3.1


def test_those_with_channel_binding_need_one_and_come_first():
    names = list(SERVER_MECHANISMS)
    bound = [name for name in names if SERVER_MECHANISMS[name].needs_binding]
    assert bound == names[:2] == [name for name in names if name.endswith("-PLUS")]


def test_what_a_listener_could_use_again_is_known():
    clear = {name for name, mechanism in SERVER_MECHANISMS.items() if mechanism.means in CLEAR_TEXT}
    assert clear == {"PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"}


def test_every_means_has_a_mechanism():
    assert {mechanism.means for mechanism in SERVER_MECHANISMS.values()} == set(Means)
