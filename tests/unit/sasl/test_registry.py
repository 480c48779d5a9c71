"""Which mechanisms there are."""

from postane.sasl.registry import CLEAR_TEXT, SERVER_MECHANISMS


def test_every_exchange_is_a_new_one():
    for begin in SERVER_MECHANISMS.values():
        assert begin() is not begin()


def test_mechanisms_have_registered_names():
    for name in SERVER_MECHANISMS:
        assert name == name.upper()
        assert 1 <= len(name) <= 20  # RFC 4422 s3.1


def test_those_that_send_the_password_are_known():
    assert set(SERVER_MECHANISMS) >= CLEAR_TEXT >= {"PLAIN", "LOGIN"}
