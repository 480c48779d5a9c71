"""What must be said of a token."""

import json

import pytest

from postane.accounts.claims import LEEWAY, BadToken, Demands, parse_object, read_time
from support.authorization import AUDIENCE, CLAIMS, ISSUER, NOW

DEMANDS = Demands("email", ISSUER, AUDIENCE, "mail")


def refused(claims: dict, demands: Demands = DEMANDS) -> str:
    with pytest.raises(BadToken) as caught:
        demands.check(claims, NOW)
    return str(caught.value)


@pytest.mark.parametrize("name", ["Anna@Example.ORG", "şükrü@posta.example", "用户", "caf\u00e9", "\ud800"])
def test_any_name_that_nobody_can_write_otherwise(name):
    assert DEMANDS.check({**CLAIMS, "email": name}, NOW) == name


def test_the_claim_gives_the_name():
    assert DEMANDS.check(CLAIMS, NOW) == "mrose"
    assert Demands("sub").check({"sub": "x", "exp": NOW + 1}, NOW) == "x"


@pytest.mark.parametrize(
    "change",
    [
        {"aud": ["other", AUDIENCE]},
        {"scope": "mail"},
        {"scope": ["openid", "mail"]},
        {"scope": None, "scp": "openid mail"},
        {"exp": NOW - LEEWAY + 1},
        {"exp": NOW + 0.5},
        {"nbf": NOW + LEEWAY},
        {"iat": NOW + LEEWAY},
        {"email_verified": True},
        {"email_verified": "true"},
        {"sub": 3},
    ],
)
def test_what_is_taken(change):
    claims = {name: value for name, value in {**CLAIMS, **change}.items() if value is not None}
    assert DEMANDS.check(claims, NOW) == "mrose"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"iss": "https://evil.example"}, 'its iss is "https://evil.example"'),
        ({"iss": ISSUER.rstrip("/")}, "its iss"),
        ({"iss": [ISSUER]}, "its iss"),
        ({"iss": None}, "its iss is not there"),
        ({"aud": "other"}, 'its aud is "other"'),
        ({"aud": ["other", "another"]}, "its aud"),
        ({"aud": AUDIENCE + " other"}, "its aud"),
        ({"aud": {AUDIENCE: 1}}, "its aud"),
        ({"aud": [[AUDIENCE]]}, "its aud"),
        ({"aud": None}, "its aud is not there"),
        ({"scope": "openid"}, "scope mail"),
        ({"scope": "mailbox xmail"}, "scope mail"),
        ({"scope": None}, "scope mail"),
        ({"scope": {"mail": 1}}, "scope mail"),
        ({"exp": None}, "no exp"),
        ({"exp": NOW - LEEWAY}, "expired"),
        ({"exp": 0}, "expired"),
        ({"exp": str(NOW + 9)}, "its exp is not a time"),
        ({"exp": True}, "its exp is not a time"),
        ({"exp": float("inf")}, "its exp is not a time"),
        ({"exp": 10**400}, "its exp is not a time"),
        ({"nbf": NOW + LEEWAY + 1}, "its nbf is in the future"),
        ({"nbf": "soon"}, "its nbf is not a time"),
        ({"iat": NOW + LEEWAY + 1}, "its iat is in the future"),
        ({"email": None}, "no email"),
        ({"email": ""}, "no email"),
        ({"email": ["mrose"]}, "no email"),
        ({"email": 3}, "no email"),
        ({"email_verified": False}, "not been seen"),
        ({"email_verified": "false"}, "not been seen"),
        ({"email": "\u212aate@example.org"}, "would become others"),
        ({"email": "\uff4bate@example.org"}, "would become others"),
        ({"email": "\u212bsa"}, "would become others"),
        ({"email": "cafe\u0301"}, "would become others"),
        ({"cnf": {"jkt": "x"}}, "bound to a key"),
    ],
)
def test_what_is_not(change, words):
    claims = {name: value for name, value in {**CLAIMS, **change}.items() if value is not None}
    assert words in refused(claims)


def test_all_words_of_a_scope_are_needed():
    demands = Demands("email", scope="mail openid")
    assert demands.check(CLAIMS, NOW) == "mrose"
    refused({**CLAIMS, "scope": "mail"}, demands)


def test_only_where_it_is_said_does_a_token_need_no_end():
    endless = {name: value for name, value in CLAIMS.items() if name != "exp"}
    assert Demands("email", must_end=False).check(endless, NOW) == "mrose"
    refused({**endless, "exp": NOW - LEEWAY}, Demands("email", must_end=False))


def test_what_a_stranger_wrote_is_made_harmless():
    assert "\r" not in refused({**CLAIMS, "iss": "a\r\nlogin: mrose\x1b[2J" + "x" * 9000})
    assert len(refused({**CLAIMS, "aud": ["x" * 9000]})) < 200


def test_objects():
    assert parse_object(b'{"a": [1, "\xc3\xbc", null]}') == {"a": [1, "ü", None]}


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"[]",
        b"3",
        b"null",
        b'"hunter2"',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b"\xff",
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        "{}".encode("utf-16"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b"{} hunter2",
    ],
)
def test_what_is_no_object(octets):
    with pytest.raises(ValueError, match=r"^is not (a )?JSON") as caught:
        parse_object(octets)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_times():
    assert read_time(3) == 3.0
    assert read_time(json.loads("1e999")) is None
    assert [read_time(value) for value in (None, "3", True, [], float("nan"))] == [None] * 5
