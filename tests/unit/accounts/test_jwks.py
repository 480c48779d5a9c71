"""Keys of a file and of a URL."""

import asyncio
import json
import os

import pytest

from postane.accounts.base import AccountsUnavailable
from postane.accounts.https import Https
from postane.accounts.jwks import KEYS_LIMIT, KINDS, RENEW_AFTER, RENEW_EVERY, FileKeys, UrlKeys, parse_keys
from postane.net.base import ANSWER_LIMIT
from postane.net.http import HttpsClient
from support.authorization import Clock, key_set, make_key, open_authorization


@pytest.fixture(scope="module")
def rsa():
    return make_key("RSA", "rsa")


@pytest.fixture(scope="module")
def ec():
    return make_key("P-256", "ec")


def described(*keys: dict) -> bytes:
    return json.dumps({"keys": keys}).encode()


# Sets


def test_a_key_is_found_by_its_id(rsa, ec):
    ring = parse_keys(key_set(rsa, ec))
    assert [key.public_key for key in ring.fitting("RS256", "rsa")] == [rsa.public_key]
    assert [key.public_key for key in ring.fitting("ES256", "ec")] == [ec.public_key]
    assert ring.fitting("RS256", "another") == []
    assert ring.knows("rsa")
    assert not ring.knows("another")
    assert not ring.knows(None)


def test_without_an_id_any_that_fits_may_be_it(rsa, ec):
    ring = parse_keys(key_set(rsa, ec, make_key("P-256", None)))
    assert len(ring.fitting("ES256", None)) == 2
    assert len(ring.fitting("RS256", None)) == 1


def test_a_key_without_an_id_may_be_that_of_any_token(ec):
    public = {name: value for name, value in ec.as_dict(private=False).items() if name != "kid"}
    ring = parse_keys(described(public))
    assert len(ring.fitting("ES256", "anything")) == 1
    assert not ring.knows("anything")


@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521", "Ed25519", "Ed448"])
def test_an_algorithm_fits_its_kind_of_key_alone(kind):
    ring = parse_keys(key_set(make_key(kind, "k")))
    wanted = {
        "RSA": {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"},
        "P-256": {"ES256"},
        "P-384": {"ES384"},
        "P-521": {"ES512"},
        "Ed25519": {"EdDSA", "Ed25519"},
        "Ed448": {"EdDSA"},
    }[kind]
    assert {algorithm for algorithm in KINDS if ring.fitting(algorithm, "k")} == wanted


def test_a_key_for_one_algorithm_is_for_no_other(rsa):
    ring = parse_keys(described({**rsa.as_dict(private=False), "alg": "PS256"}))
    assert {algorithm for algorithm in KINDS if ring.fitting(algorithm, "rsa")} == {"PS256"}


def test_no_algorithm_has_a_shared_secret():
    assert not [name for name in KINDS if name == "none" or name.startswith(("HS", "dir", "A"))]


def test_a_private_key_that_is_shown_is_kept_as_a_public_one(ec):
    ring = parse_keys(described(ec.as_dict(private=True)))
    assert not ring.fitting("ES256", "ec")[0].is_private


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "AKP"},
        {"kty": None},
        {"kty": ["EC"]},
        {"use": "enc"},
        {"use": ["sig"]},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"kid": 3},
        {"alg": ["ES256"]},
        {"crv": "P-257"},
        {"crv": "secp256k1"},
        {"crv": "Ed25519"},
        {"crv": 3},
        {"crv": ["P-256"]},
        {"x": ""},
        {"x": 3},
        {"x": "!"},
        {"x": "\u00e9"},
        {"x": None},
        {"x": "AAAA", "y": "AAAA"},
    ],
)
def test_a_key_that_cannot_be_used_is_left_out(rsa, ec, change):
    """RFC 7517 s5."""
    odd = {**ec.as_dict(private=False), **change}
    ring = parse_keys(described(odd, *json.loads(key_set(rsa))["keys"]))
    assert not any(ring.fitting(algorithm, "ec") for algorithm in KINDS if algorithm.startswith(("E", "H")))
    assert ring.fitting("RS256", "rsa")
    with pytest.raises(ValueError, match="no key that can be used"):
        parse_keys(described(odd))


@pytest.mark.parametrize(
    "n", ["", "AQAB", "AAAA" * 86 + "_" * 160, "_" * 340, "_" * 2000, "!" * 342, "\u00e9", 3, None]
)
def test_rsa_keys_that_are_too_short_or_too_long(rsa, n):
    with pytest.raises(ValueError, match="no key that can be used"):
        parse_keys(described({**rsa.as_dict(private=False), "n": n}))


@pytest.mark.parametrize(
    "octets", [b"", b"<html>", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [3, null, []]}', b"\xff"]
)
def test_what_is_no_set_of_keys(octets):
    with pytest.raises(ValueError, match=r"JSON|no key"):
        parse_keys(octets)


def test_a_set_has_a_limit(ec):
    public = ec.as_dict(private=False)
    many = described(*({**public, "kid": str(number)} for number in range(KEYS_LIMIT + 1)))
    assert len(parse_keys(many).fitting("ES256", None)) == KEYS_LIMIT
    with pytest.raises(ValueError, match=f"more than {ANSWER_LIMIT}"):
        parse_keys(key_set(ec) + b" " * ANSWER_LIMIT)


# Files


async def test_a_file_is_read_again_when_it_has_changed(tmp_path, rsa, ec):
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(rsa))
    keys = FileKeys(path)
    first = await keys.current()
    assert first.knows("rsa")
    assert await keys.current() is first
    path.write_bytes(key_set(ec))
    assert not (await keys.renewed()).knows("rsa")
    (tmp_path / "new").write_bytes(key_set(rsa))
    os.replace(tmp_path / "new", path)
    assert (await keys.current()).knows("rsa")
    await keys.close()


@pytest.mark.parametrize("octets", [None, b"", b"{}", b'{"keys": ["hunter2"]}'])
async def test_a_file_without_keys(tmp_path, ec, octets):
    path = tmp_path / "keys.json"
    keys = FileKeys(path)
    if octets is not None:
        path.write_bytes(octets)
    with pytest.raises(AccountsUnavailable, match=r"keys\.json") as caught:
        await keys.current()
    assert "hunter2" not in caught.value.log
    path.write_bytes(key_set(ec))
    assert (await keys.current()).knows("ec")


async def test_keys_that_were_taken_out_are_out_at_once(tmp_path, ec):
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(ec))
    keys = FileKeys(path)
    await keys.current()
    path.unlink()
    with pytest.raises(AccountsUnavailable):
        await keys.current()


# URLs


@pytest.fixture
async def server():
    async with open_authorization() as server:
        yield server


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def keys(server, clock):
    keys = UrlKeys(f"{server.url}/jwks", Https(HttpsClient(timeout=20)), clock)
    yield keys
    await keys.close()


async def test_nothing_is_asked_before_it_is_needed_and_then_once(server, keys):
    assert server.asked == []
    for _ in range(5):
        assert (await keys.current()).knows("first")
    assert server.asked == ["/jwks"]


async def test_many_who_wait_make_one_question(server, keys):
    server.go_on.clear()
    waiting = [asyncio.create_task(keys.current()) for _ in range(20)]
    await server.came.wait()
    server.go_on.set()
    assert all(ring.knows("first") for ring in await asyncio.gather(*waiting))
    assert server.asked == ["/jwks"]


async def test_who_hangs_up_does_not_take_the_keys_from_others(server, keys):
    server.go_on.clear()
    gone = asyncio.create_task(keys.current())
    await server.came.wait()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    server.go_on.set()
    assert (await keys.current()).knows("first")
    assert server.asked == ["/jwks"]


async def test_new_keys_are_asked_for_at_most_every_so_often(server, keys, clock):
    await keys.current()
    server.keys = [make_key("P-256", "second")]
    for _ in range(100):
        assert not (await keys.renewed()).knows("second")
    clock.now += RENEW_EVERY
    assert (await keys.renewed()).knows("second")
    assert not (await keys.current()).knows("first")
    assert server.asked == ["/jwks"] * 2


async def test_after_long_they_are_asked_for_anyway(server, keys, clock):
    await keys.current()
    server.keys = [make_key("P-256", "second")]
    clock.now += RENEW_AFTER
    assert (await keys.current()).knows("second")
    await keys.current()
    assert len(server.asked) == 2


@pytest.mark.parametrize("trouble", [{"is_away": True}, {"status": 500}, {"body": b"<html>"}, {"body": b'{"keys":[]}'}])
async def test_while_the_server_is_away_old_keys_are_used(server, keys, clock, trouble):
    await keys.current()
    for name, value in trouble.items():
        setattr(server, name, value)
    clock.now += RENEW_AFTER
    for _ in range(3):
        assert (await keys.current()).knows("first")
    assert len(server.asked) == 2
    with pytest.raises(AccountsUnavailable, match="/jwks"):  # whether there are new ones nobody can say
        await keys.renewed()
    assert len(server.asked) == 2
    server.is_away, server.status, server.body = False, 200, None
    clock.now += RENEW_EVERY
    assert (await keys.renewed()).knows("first")


async def test_without_any_keys_nobody_can_say(server, keys, clock):
    server.is_away = True
    for _ in range(3):
        with pytest.raises(AccountsUnavailable, match="/jwks"):
            await keys.current()
    assert len(server.asked) == 1
    server.is_away = False
    clock.now += RENEW_EVERY
    assert (await keys.current()).knows("first")


async def test_a_clock_that_is_set_back_stops_nothing(server, keys, clock):
    await keys.current()
    clock.now -= 1_000_000
    server.keys = [make_key("P-256", "second")]
    assert (await keys.renewed()).knows("second")


async def test_closing_while_it_asks(server, keys):
    server.go_on.clear()
    waiting = asyncio.create_task(keys.current())
    await server.came.wait()
    await keys.close()
    assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], asyncio.CancelledError)
