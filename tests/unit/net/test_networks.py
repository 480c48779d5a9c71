"""Who is in a network."""

import pytest

from postane.net.networks import Networks, parse_networks


@pytest.mark.parametrize(
    ("host", "is_in"),
    [
        ("192.0.2.0", True),
        ("192.0.2.255", True),
        ("192.0.3.0", False),
        ("::ffff:192.0.2.9", True),
        ("::ffff:192.0.3.9", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("127.0.0.1", True),
        ("127.0.0.2", False),
        ("::1", False),
        ("fe80::1%eth0", True),
        ("unix", False),
        ("unknown", False),
        ("", False),
        ("192.0.2.1, 192.0.2.2", False),
    ],
)
def test_who_is_in_one_of_several(host: str, is_in: bool) -> None:
    assert (host in parse_networks(["192.0.2.0/24", "2001:db8::/32", "127.0.0.1", "fe80::/10"])) is is_in


def test_without_a_network_nobody_is_in_one() -> None:
    assert not Networks()
    assert "127.0.0.1" not in Networks()
    assert parse_networks(["0.0.0.0/0"])


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="host bits"):
        parse_networks(["192.0.2.1/24"])
