"""Errors say whose fault it is."""

import pytest

from postane.wire.errors import Fault, LocalProtocolError, ProtocolError, RemoteProtocolError


def test_a_remote_error_carries_words_a_hint_and_whether_to_close():
    error = RemoteProtocolError("line too long", Fault.TOO_LONG, fatal=True)
    assert (error.text, error.fault, error.fatal, str(error)) == (
        "line too long",
        Fault.TOO_LONG,
        True,
        "line too long",
    )
    assert not RemoteProtocolError("no", Fault.SYNTAX).fatal


def test_a_local_error_is_not_the_peers():
    error = LocalProtocolError("nothing to answer")
    assert not isinstance(error, RemoteProtocolError)
    with pytest.raises(ProtocolError):
        raise error
