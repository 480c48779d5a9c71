"""CAPA replies, as they are and as they should be."""

from hypothesis import given
from hypothesis import strategies as st

from postane.client.capabilities import parse_capabilities
from postane.pop3.capabilities import Bound, Offer, format_capabilities


def test_what_our_own_server_says():
    offer = Offer("Postane-1", mechanisms=("PLAIN", "SCRAM-SHA-256"), expire=Bound(30, True), login_delay=Bound(60))
    found = parse_capabilities(format_capabilities(offer))
    assert found.mechanisms == ("PLAIN", "SCRAM-SHA-256")
    assert (found.expire, found.login_delay, found.implementation) == (Bound(30, True), Bound(60), "Postane-1")
    assert found.has("pipelining")
    assert not found.has("STLS")
    assert found.arguments("UTF8") == ("USER",)
    assert found.arguments("NOTHING") == ()
    assert str(parse_capabilities(b"SASL PLAIN\r\nUSER\r\n")) == "SASL PLAIN, USER"


def test_what_servers_say():
    found = parse_capabilities(b"sasl plain\r\nSASL  login\r\n\r\nEXPIRE NEVER\r\nLOGIN-DELAY many\r\n")
    assert found.mechanisms == ("PLAIN", "LOGIN")
    assert (found.expire, found.login_delay, found.implementation) == (Bound(None), None, None)
    assert parse_capabilities(b"EXPIRE\r\nLOGIN-DELAY NEVER\r\n").expire is None
    assert parse_capabilities(b"LOGIN-DELAY NEVER\r\n").login_delay is None
    assert parse_capabilities(b"EXPIRE 99999999999999\r\n").expire is None


@given(st.binary(max_size=200))
def test_anything_is_read(octets):
    found = parse_capabilities(octets)
    assert str(found).isprintable()
    assert found.mechanisms is not None
    _ = found.expire, found.login_delay, found.implementation
