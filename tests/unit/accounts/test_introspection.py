"""Tokens that an authorization server is asked about (RFC 7662)."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postane.accounts.base import AccountsUnavailable
from postane.accounts.claims import BadToken, Demands
from postane.accounts.https import Https
from postane.accounts.introspection import Answers, Introspector, Server
from postane.accounts.jwt import TOKEN_LIMIT
from postane.net.http import HttpsClient
from support.authorization import AUDIENCE, CLIENT, NOW, Clock, open_authorization

DEMANDS = Demands("username", audience=AUDIENCE, scope="mail", must_end=False)
TOKEN = "2YotnFZFEjr1zCsicMWpAA"
ANSWER = {"username": "mrose", "aud": AUDIENCE, "scope": "mail openid", "exp": NOW + 30}


@pytest.fixture
async def server():
    async with open_authorization() as server:
        server.tokens[TOKEN] = ANSWER
        yield server


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def place(server, tmp_path):
    (tmp_path / "secret").write_text(CLIENT[1] + "\n")
    (tmp_path / "secret").chmod(0o600)
    return Server(f"{server.url}/introspect", CLIENT[0], tmp_path / "secret")


@pytest.fixture
async def checker(place, clock):
    checker = Introspector(place, Https(HttpsClient(timeout=20)), DEMANDS, clock, 60)
    yield checker
    await checker.close()


async def unavailable(checker: Introspector, token: str = TOKEN) -> str:
    with pytest.raises(AccountsUnavailable) as caught:
        await checker.check(token)
    told = f"{caught.value.text} {caught.value.log} {caught.value!r} {caught.value.__cause__!r}"
    assert token not in told
    assert CLIENT[1] not in told
    return caught.value.log


async def refused(checker: Introspector, token: str = TOKEN) -> str:
    with pytest.raises(BadToken) as caught:
        await checker.check(token)
    assert len(token) < 4 or token not in str(caught.value)
    return str(caught.value)


async def test_an_active_token(checker):
    assert await checker.check(TOKEN) == "mrose"


async def test_any_other_is_refused(checker, server):
    assert "not active" in await refused(checker, TOKEN + "x")
    server.tokens[TOKEN] = {**ANSWER, "active": False}
    assert "not active" in await refused(checker)


@pytest.mark.parametrize("active", [1, "true", None, [True], {"": True}])
async def test_active_is_true_and_nothing_like_it(checker, server, active):
    server.tokens[TOKEN] = {**ANSWER, "active": active}
    assert "not active" in await refused(checker)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exp": NOW - 600}, "expired"),
        ({"exp": "soon"}, "exp"),
        ({"nbf": NOW + 600}, "nbf"),
        ({"aud": "another"}, "aud"),
        ({"scope": "openid"}, "scope"),
        ({"username": None}, "username"),
        ({"cnf": {"jkt": "x"}}, "bound"),
    ],
)
async def test_what_is_told_is_looked_at(checker, server, change, words):
    server.tokens[TOKEN] = {**ANSWER, **change}
    assert words in await refused(checker)
    server.tokens[TOKEN] = ANSWER
    assert await checker.check(TOKEN) == "mrose"


async def test_a_yes_is_remembered_for_a_while(checker, server, clock):
    server.tokens[TOKEN] = {**ANSWER, "exp": NOW + 600}
    for _ in range(5):
        assert await checker.check(TOKEN) == "mrose"
    assert len(server.asked) == 1
    server.tokens.clear()
    clock.now += 59.9
    assert await checker.check(TOKEN) == "mrose"
    clock.now += 0.1
    await refused(checker)


async def test_and_no_longer_than_the_token_lives(checker, server, clock):
    await checker.check(TOKEN)
    server.tokens.clear()
    clock.now += 29.9
    assert await checker.check(TOKEN) == "mrose"
    clock.now += 0.1
    await refused(checker)


async def test_a_no_is_not_remembered(checker, server):
    await refused(checker, "soon")
    server.tokens["soon"] = ANSWER
    assert await checker.check("soon") == "mrose"


async def test_nothing_is_remembered_where_nothing_should_be(place, server, clock):
    checker = Introspector(place, Https(HttpsClient(timeout=20)), DEMANDS, clock, 0)
    for _ in range(2):
        assert await checker.check(TOKEN) == "mrose"
    server.tokens.clear()
    await refused(checker)
    await checker.close()


async def test_an_answer_is_that_of_its_token_alone(checker, server):
    tokens = {f"token{number}": {**ANSWER, "username": f"user{number}"} for number in range(40)}
    server.tokens |= tokens
    for _ in range(2):
        names = await asyncio.gather(*(checker.check(token) for token in tokens))
        assert names == [claims["username"] for claims in tokens.values()]
    for other in ("token1 ", "Token1", "token", "token1=", "token01"):
        await refused(checker, other)


async def test_the_server_is_not_asked_about_what_is_no_token(checker, server):
    for token in ("", " ", "a b", "a&token=b", "a\r\nb", "é", "\ud800", "a=b", "=", "x" * (TOKEN_LIMIT + 1), "a\0"):
        await refused(checker, token)
    assert server.asked == []


async def test_a_token_of_16_kb(checker, server):
    token = "ab-._~+/0" * 1900
    server.tokens[token] = ANSWER
    assert await checker.check(token) == "mrose"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.text())
async def test_any_text_is_refused_and_nothing_else(checker, token):
    with pytest.raises(BadToken):
        await checker.check(token)


@pytest.mark.parametrize(
    "trouble",
    [
        {"is_away": True},
        {"status": 500},
        {"status": 302, "location": "http://127.0.0.1:1/"},
        {"body": b""},
        {"body": b"<html>"},
        {"body": b"[]"},
        {"body": b'{"active": true, "active": false}'},
        {"body": b'{"active": true' + b" " * 300_000 + b"}"},
        {"body": f'"{TOKEN}"'.encode()},
    ],
)
async def test_a_server_that_cannot_be_asked(checker, server, trouble):
    for name, value in trouble.items():
        setattr(server, name, value)
    assert server.url in await unavailable(checker)
    server.is_away, server.status, server.body = False, 200, None
    assert await checker.check(TOKEN) == "mrose"


async def test_what_was_remembered_holds_while_it_is_away(checker, server):
    await checker.check(TOKEN)
    server.is_away = True
    assert await checker.check(TOKEN) == "mrose"
    await unavailable(checker, "another")


async def test_wrong_credentials(checker, place):
    place.secret_file.write_text("wrong")
    assert "client_secret_file" in await unavailable(checker)
    place.secret_file.write_text(CLIENT[1])
    assert await checker.check(TOKEN) == "mrose"


async def test_a_secret_that_others_can_read(checker, place, server):
    place.secret_file.chmod(0o640)
    assert "chmod 600" in await unavailable(checker)
    place.secret_file.unlink()
    assert "No such file" in await unavailable(checker)
    assert server.asked == []


async def test_without_credentials_the_server_decides(place, clock):
    checker = Introspector(
        replace(place, client_id=None, secret_file=None), Https(HttpsClient(timeout=20)), DEMANDS, clock, 60
    )
    assert "401" in await unavailable(checker)
    await checker.close()


def test_what_is_remembered_has_a_limit(clock):
    answers = Answers(60, clock, limit=3)
    for number in range(5):
        answers.remember(f"token{number}", f"user{number}", None)
    assert len(answers) == 3
    assert [answers.find(f"token{number}") for number in range(5)] == [None, None, "user2", "user3", "user4"]


def test_nothing_that_is_remembered_has_a_token_in_it(clock):
    answers = Answers(60, clock)
    answers.remember(TOKEN, "mrose", None)
    assert TOKEN not in repr(vars(answers))
    assert Answers(60, clock)._digest(TOKEN) != answers._digest(TOKEN)


def test_a_clock_that_is_set_back_prolongs_nothing(clock):
    answers = Answers(60, clock)
    answers.remember(TOKEN, "mrose", None)
    clock.now -= 1
    assert answers.find(TOKEN) is None
