"""Envelopes are values."""

from postane.mail.address import Address
from postane.mail.envelope import Envelope

JOE, ANN = Address("joe", "example.org"), Address("ann", "example.org")


def test_recipients_are_added_in_their_order() -> None:
    empty = Envelope(None, size=5, is_utf8=True)
    full = empty.with_recipient(JOE).with_recipient(ANN)
    assert full == Envelope(None, (JOE, ANN), 5, is_utf8=True)
    assert empty.recipients == ()
