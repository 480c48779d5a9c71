"""What every table is made of."""

import pytest
from pydantic import ValidationError

from postane.config.section import Count, Listener, Network, Section, Size, parse_network


class Tried(Section):
    """A table for these tests."""

    count: Count = 1
    size: Size = 1
    networks: tuple[Network, ...] = ()


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.7", "192.0.2.7/32"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::1", "::1/128"),
    ],
)
def test_a_network_has_one_form(text, network):
    assert parse_network(text) == network == parse_network(network)


@pytest.mark.parametrize("text", ["", "localhost", "192.0.2.1/24", "192.0.2.0/33", "*", "192.0.2.0-192.0.2.9"])
def test_what_is_no_network_is_told_with_what_would_be(text):
    with pytest.raises(ValueError, match=r'write "192\.0\.2\.0/24"'):
        parse_network(text)


@pytest.mark.parametrize("values", [{"count": True}, {"count": "3"}, {"size": True}, {"networks": [3]}, {"other": 1}])
def test_nothing_is_guessed(values):
    with pytest.raises(ValidationError):
        Tried.model_validate(values)


def test_a_table_does_not_change():
    with pytest.raises(ValidationError):
        Tried().count = 2  # type: ignore[misc]


def test_a_listener_says_nothing_until_it_does():
    assert Listener().listen is None
    assert Listener.model_validate({"listen": []}).listen == ()
    assert [str(each) for each in Listener.model_validate({"listen": ["[::1]:110"]}).listen or ()] == ["[::1]:110"]
