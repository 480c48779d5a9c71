"""Addresses, names, and what belongs to a domain."""

import pytest

from postane.discovery.base import DiscoveryError, is_within, parse_address, to_dns


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [
        ("mrose@example.org", "mrose", "example.org"),
        (" M.Rose@Example.ORG. ", "M.Rose", "example.org"),
        ('"a@b"@example.org', '"a@b"', "example.org"),
        ("ayşe@bücher.example", "ayşe", "xn--bcher-kva.example"),
        ("a+b@sub-domain.example.org", "a+b", "sub-domain.example.org"),
    ],
)
def test_an_address(text, local, domain):
    address = parse_address(text)
    assert (address.local, address.domain) == (local, domain)
    assert address.logins == (text.strip(), local)


@pytest.mark.parametrize(
    "text",
    [
        *("mrose", "@example.org", "mrose@", "mrose@localhost", "mrose@[192.0.2.1]", "mrose@192.0.2.1", "a@b..c", ""),
        *(
            "a\n@example.org",
            "a@exa mple.org",
            "a@-x.org",
            "a@x-.org",
            "a@" + "x." * 200 + "org",
            "a@x/y.org",
            "a@x:80.org",
        ),
        "a" * 400 + "@example.org",
    ],
)
def test_what_is_none(text):
    with pytest.raises(DiscoveryError, match=r"write you@example\.org"):
        parse_address(text)


@pytest.mark.parametrize(("name", "known"), [("A.b.", "a.b"), ("", None), (".", None), ("a/b", None), ("x" * 64, None)])
def test_names_as_dns_has_them(name, known):
    assert to_dns(name) == known


def test_what_belongs_to_a_domain():
    assert is_within("example.org", "example.org")
    assert is_within("a.b.example.org", "example.org")
    assert not is_within("badexample.org", "example.org")
    assert not is_within("example.org", "a.example.org")
