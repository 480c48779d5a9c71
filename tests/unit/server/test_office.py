"""What the post office allows."""

import pytest

from postane.net.memory import MemoryStream
from postane.net.stream import Peer
from support.pop3 import make_office


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "unix", "192.0.2.1", "2001:db8::1"])
@pytest.mark.parametrize("is_encrypted", [False, True])
@pytest.mark.parametrize(("on_loopback", "elsewhere"), [(False, False), (True, False), (True, True)])
def test_where_a_password_may_cross(host: str, is_encrypted: bool, on_loopback: bool, elsewhere: bool) -> None:
    office = make_office(plaintext_on_loopback=on_loopback, plaintext_elsewhere=elsewhere)
    stream = MemoryStream(Peer(host), is_encrypted=is_encrypted)
    is_near = not host.startswith(("192", "2001"))
    assert office.allows_password(stream) is (is_encrypted or (on_loopback if is_near else elsewhere))
