"""What is known of a peer."""

import pytest

from postane.net.stream import Peer


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("unix", True),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.127", False),
        ("2001:db8::1", False),
        ("", False),
    ],
)
def test_whether_octets_leave_the_machine(host, is_loopback):
    assert Peer(host, 1110).is_loopback is is_loopback
    assert str(Peer(host, 1110)) == host
