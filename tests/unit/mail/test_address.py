"""Addresses: what is one, what is not, and how they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.mail.address import (
    PATH_LIMIT,
    Address,
    BadAddress,
    format_mailbox,
    format_path,
    parse_mailbox,
    parse_path,
    split_detail,
    split_path,
)


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("<>", None),
        ("<a@example.com>", Address("a", "example.com")),
        ("<A.b-c+d@Example.COM>", Address("A.b-c+d", "Example.COM")),
        ("<!#$%&'*+-/=?^_`{|}~@x>", Address("!#$%&'*+-/=?^_`{|}~", "x")),
        ("<Postmaster>", Address("Postmaster")),
        ("<postMASTER>", Address("postMASTER")),
        ('<"a b"@x.y>', Address("a b", "x.y")),
        ('<""@x.y>', Address("", "x.y")),
        (r'<"a\"b\\c\d"@x.y>', Address('a"b\\cd', "x.y")),
        (r'<"Joe\,Smith"@x.y>', Address("Joe,Smith", "x.y")),
        ("<a@[192.0.2.1]>", Address("a", "[192.0.2.1]")),
        ("<a@[IPv6:2001:db8::1]>", Address("a", "[IPv6:2001:db8::1]")),
        ("<a@[x-tag:something]>", Address("a", "[x-tag:something]")),
        ("<@one.example,@two.example:joe@three.example>", Address("joe", "three.example")),
        ("<a@xn--rnek-5qa.com>", Address("a", "xn--rnek-5qa.com")),
        ("<a@127>", Address("a", "127")),
        ("<root@my_host>", Address("root", "my_host")),
    ],
)
def test_a_path_is_read(path: str, address: Address | None) -> None:
    assert parse_path(path) == address


@pytest.mark.parametrize(
    "path",
    [
        "", "a@b", "<a@b", "a@b>", "<a@>", "<@b>", "<a>", "<a@b@c>", "<.a@b>", "<a.@b>", "<a..b@c>", "<a@b.>", "<a@.b>",
        "<a@b..c>", "<a@-b>", "<a@b->", "<a b@c>", "<a@b c>", "<a,b@c>", "<a(b)@c>", '<"a@b>', '<"a"b@c>',
        '<a"b"@c>', '<"a\r"@b>', "<a@[1.2.3]>", "<a@[1.2.3.456]>", "<a@[IPv6:1]>", "<a@[IPv6:fe80::1%eth0]>", "<a@[]>",
        "<a@[x:]>", "<a@[x]y>", "<@a:>", "<@a,b:c@d>", "<a:b@c>", "<a@b\0>", "<a@b\r\n>", "<\x7f@b>", "<a@b\x1b>",
        "<" + "a" * PATH_LIMIT + "@b>", "<a@" + "b." * 130 + "c>",
    ],
)  # fmt: skip
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(BadAddress):
        parse_path(path)
    with pytest.raises(BadAddress):
        parse_path(path, utf8=True)


@pytest.mark.parametrize("text", ["jos\u00e9@example.com", "a@\u00f6rnek.com", '"\u00e9 \u00e9"@x', "\u7530@\u4f8b.jp"])
def test_utf8_is_an_address_only_where_it_may_be(text: str) -> None:
    assert str(parse_mailbox(text, utf8=True)) == text
    with pytest.raises(BadAddress) as caught:
        parse_mailbox(text)
    assert caught.value.needs_utf8


@pytest.mark.parametrize("letter", ["\x80", "\x9f", "\u2028", "\u2029"])
def test_a_control_character_outside_ascii_is_refused(letter: str) -> None:
    for text in (f"a{letter}@b", f'"{letter}"@b', f"a@b{letter}c"):
        with pytest.raises(BadAddress):
            parse_mailbox(text, utf8=True)


def test_a_bare_name_is_an_address_where_that_is_asked_for() -> None:
    assert parse_path("<joe>", is_domain_optional=True) == Address("joe")
    with pytest.raises(BadAddress, match="domain missing"):
        parse_path("<joe>")


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (Address("a.b", "x"), "a.b@x"),
        (Address("postmaster"), "postmaster"),
        (Address("a b", "x"), '"a b"@x'),
        (Address('q"\\', "x"), r'"q\"\\"@x'),
        (Address(".a", "x"), '".a"@x'),
        (Address("", "x"), '""@x'),
    ],
)
def test_an_address_is_written_with_least_quoting(address: Address, text: str) -> None:
    assert format_mailbox(address) == text
    assert format_path(address) == f"<{text}>"


def test_the_null_path() -> None:
    assert format_path(None) == "<>"


def test_a_path_is_cut_off_where_it_ends() -> None:
    assert split_path('<"a> b"@c> SIZE=1') == ('<"a> b"@c>', " SIZE=1")
    assert split_path("<>") == ("<>", "")


@pytest.mark.parametrize(
    ("local_part", "parts"),
    [
        ("joe", ("joe", None)),
        ("joe+lists", ("joe", "lists")),
        ("joe+a+b", ("joe", "a+b")),
        ("joe+", ("joe", "")),
        ("+joe", ("+joe", None)),
    ],
)
def test_the_detail_of_a_local_part(local_part: str, parts: tuple[str, str | None]) -> None:
    assert split_detail(local_part) == parts


@pytest.mark.parametrize("utf8", [False, True])
@given(text=st.text('aZ09_-.@+"\\ <>é', max_size=12), domain=st.text("aZ0_-.[]", max_size=8))
def test_a_plain_path_is_what_the_grammar_says_of_it(text, domain, utf8):
    """What is told by one look is told as piece by piece."""

    def outcome(parse, octets):
        try:
            return parse(octets, utf8=utf8)
        except BadAddress:
            return None

    mailbox = f"{text}@{domain}"
    if not mailbox.startswith("@") and "<" not in mailbox and ">" not in mailbox:
        assert outcome(parse_path, f"<{mailbox}>") == outcome(parse_mailbox, mailbox)
