"""What the log tells of a message."""

from postane.mail.address import Address
from postane.mail.envelope import Envelope
from postane.maildrop.base import QuotaExceeded, Receipt
from postane.server.postmark import postmark


def test_who_got_it_and_who_did_not() -> None:
    envelope = Envelope(Address("smith", "bar.com"))
    for name in ("joe", "ann"):
        envelope = envelope.with_recipient(Address(name, "foo.com"))
    outcomes = [Receipt("joe", 1, "u", 5), QuotaExceeded("mailbox full", "quota of 5 octets")]
    assert postmark(envelope, outcomes) == {
        "sender": "smith@bar.com",
        "stored": ["joe@foo.com"],
        "failed": {"ann@foo.com": "mailbox full"},
    }


def test_a_bounce_has_no_sender_and_success_no_failures() -> None:
    envelope = Envelope(None).with_recipient(Address("joe", "foo.com"))
    assert postmark(envelope, [Receipt("joe", 1, "u", 5)]) == {"sender": "", "stored": ["joe@foo.com"]}
