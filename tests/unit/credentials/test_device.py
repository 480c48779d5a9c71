"""Somebody lets this program in with a code, over HTTP."""

import re
from dataclasses import replace

import pytest

from postane.credentials.base import NoSecret
from postane.credentials.device import DeviceCode, authorize
from postane.credentials.tokens import Tokens
from postane.net.base import Untrusted
from support.device_authorization_server import CLIENT, GRANT


@pytest.fixture
def shown():
    return []


async def refusal(http, provider, waiting):
    with pytest.raises(NoSecret) as caught:
        await authorize(http, provider, lambda code: None, waiting)
    assert "device 1" not in caught.value.text
    return caught.value


async def test_somebody_says_yes(server, http, provider, waiting, shown, clock):
    server.decide("authorization_pending", "authorization_pending", "yes")
    tokens = await authorize(http, provider, shown.append, waiting)
    assert tokens == Tokens("access-1", "refresh-1", clock.time + 3600)
    page = f"{server.url}/activate"
    assert shown == [DeviceCode("WDJB-MJHT", page, f"{page}?user_code=WDJB-MJHT", 600.0)]
    assert clock.slept == [5.0, 5.0, 5.0]
    assert server.asked[0] == ("/device", {"client_id": CLIENT, "scope": "mail offline"})
    poll = {"client_id": CLIENT, "grant_type": GRANT, "device_code": "device 1"}
    assert server.asked[1:] == [("/token", poll)] * 3
    assert "access-1" not in repr(tokens)
    assert "refresh-1" not in repr(tokens)


async def test_with_a_secret_of_the_client(server, http, provider, waiting):
    server.secret = "s3cr:t&+ü"
    server.decide("yes")
    known = replace(provider, client_secret=server.secret)
    assert "s3cr" not in repr(known)
    assert (await authorize(http, known, lambda code: None, waiting)).access == "access-1"


async def test_a_server_that_wants_it_slower(server, http, provider, waiting, clock):
    server.interval = 7
    server.decide("slow_down", "slow_down", "authorization_pending", "yes")
    await authorize(http, provider, lambda code: None, waiting)
    assert clock.slept == [7.0, 12.0, 17.0, 17.0]


@pytest.mark.parametrize("interval", [None, "5", -1, True])
async def test_an_interval_that_is_none(server, http, provider, waiting, clock, interval):
    server.interval = interval
    server.decide("yes")
    await authorize(http, provider, lambda code: None, waiting)
    assert clock.slept == [5.0]


async def test_a_poll_without_an_answer_is_asked_again_more_slowly(server, http, provider, waiting, clock):
    code = server._code()
    server.answers = [code, None, (503, b"busy"), (400, b'{"error": "authorization_pending"}')]
    server.decide("yes")
    await authorize(http, provider, lambda code: None, waiting)
    assert clock.slept == [5.0, 10.0, 20.0, 20.0]


async def test_nobody_does_anything(server, http, provider, waiting, clock):
    server.life = 42
    error = await refusal(http, provider, waiting)
    assert "nobody has let this program in at ours while the code was good" in error.text
    assert clock.slept == [5.0] * 8


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("expired_token", "nobody has let this program in"),
        ("access_denied", "somebody has said no at ours: log in again"),
        ("invalid_client", r"has refused \(invalid_client\): is client_id .* in \[oauth.ours\] right"),
        ("invalid_scope", "does not give this scope this way: give another scope"),
        ("something_new", r"ours has refused \(something_new\): log in again"),
    ],
)
async def test_a_refusal_ends_it(server, http, provider, waiting, clock, code, words):
    server.decide("authorization_pending", code, "yes")
    error = await refusal(http, provider, waiting)
    assert not error.may_pass
    assert re.search(words, error.text), error.text
    assert clock.slept == [5.0, 5.0]


async def test_who_is_not_known_gets_no_code(server, http, provider, waiting, shown):
    with pytest.raises(NoSecret, match=r"ours has refused \(invalid_client: who are you\?\): is client_id"):
        await authorize(http, replace(provider, client_id="nobody"), shown.append, waiting)
    assert shown == []


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"device_code": "d", "user_code": "u"}',
        b'{"device_code": "d", "user_code": "u", "verification_uri": "javascript:x"}',
        b'{"device_code": "d", "user_code": "u\\u001b[2J", "verification_uri": "https://x/"}',
        b'{"device_code": 1, "user_code": "u", "verification_uri": "https://x/"}',
    ],
)
async def test_an_answer_without_a_code(server, http, provider, waiting, body):
    server.answers = [(200, body)]
    assert not (await refusal(http, provider, waiting)).may_pass


async def test_the_name_that_google_has_for_the_page(server, http, provider, waiting, shown):
    server.answers = [
        (200, b'{"device_code": "device 1", "user_code": "u", "verification_url": "https://x/", "expires_in": 9}')
    ]
    server.decide("yes")
    await authorize(http, provider, shown.append, waiting)
    assert shown == [DeviceCode("u", "https://x/", None, 9.0)]


async def test_no_answer_at_all(server, http, provider, waiting):
    server.answers = [None]
    error = await refusal(http, provider, waiting)
    assert error.text.startswith("ours cannot be asked: ")
    assert error.may_pass


async def test_no_place_for_devices(http, provider, waiting):
    error = await refusal(http, replace(provider, device_endpoint=None), waiting)
    assert error.text == "ours has no device_endpoint: give one in [oauth.ours], or let it in by a browser"


async def test_a_place_that_others_can_listen_to(http, provider, waiting):
    error = await refusal(http, replace(provider, device_endpoint="http://login.example.org/device"), waiting)
    assert error.text.startswith("http://login.example.org/device: tokens are asked for by https alone")


class Unbelieved:
    """An Http that believes the server for so many questions."""

    def __init__(self, http, questions):
        self.http, self.questions = http, questions

    async def post(self, url, form):
        if not self.questions:
            raise Untrusted("its certificate is not believed")
        self.questions -= 1
        return await self.http.post(url, form)


@pytest.mark.parametrize("questions", [0, 1])
async def test_a_server_that_is_not_believed_needs_a_person(server, http, provider, waiting, questions):
    server.decide("yes")
    error = await refusal(Unbelieved(http, questions), provider, waiting)
    assert error.text == "ours cannot be asked: its certificate is not believed"
    assert not error.may_pass
