"""Signed tokens: the right ones, and every way to forge one that is known."""

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OctKey

from postane.accounts.base import AccountsUnavailable
from postane.accounts.claims import BadToken, Demands
from postane.accounts.https import Https
from postane.accounts.jwks import KINDS, RENEW_EVERY, FileKeys, UrlKeys
from postane.accounts.jwt import TOKEN_LIMIT, JwtChecker
from postane.net.http import HttpsClient
from support.authorization import (
    AUDIENCE,
    CLAIMS,
    ISSUER,
    NOW,
    Clock,
    encode,
    key_set,
    make_key,
    open_authorization,
    sign,
)

DEMANDS = Demands("email", ISSUER, AUDIENCE)
HOSTILE_KIDS = [
    "../../etc/passwd",
    "/dev/zero",
    "http://127.0.0.1:1/key",
    "file:///etc/passwd",
    "first' OR '1'='1",
    "first'; DROP TABLE key; --",
    "first\0",
    "\r\nGET / HTTP/1.1",
    "first ",
    "",
    "{first}",
    "%s",
    "\ud800",
    "x" * 9000,
]


@pytest.fixture(scope="module")
def ec():
    return make_key("P-256", "first")


@pytest.fixture(scope="module")
def rsa():
    return make_key("RSA", "rsa")


@pytest.fixture(scope="module")
def path(tmp_path_factory, ec, rsa):
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    path.write_bytes(key_set(ec, rsa))
    return path


@pytest.fixture(scope="module")
def checker(path):
    return JwtChecker(FileKeys(path), DEMANDS, ["RS256", "ES256"], lambda: NOW)


async def refused(checker: JwtChecker, token: str) -> str:
    with pytest.raises(BadToken) as caught:
        await checker.check(token)
    words = str(caught.value)
    parts = [part for part in token.split(".") if len(part) > 8]
    assert not any(part in words for part in parts), "a part of the token is told"
    assert len(words) < 300
    return words


async def test_a_token_that_one_of_the_keys_signed(checker, ec, rsa):
    assert await checker.check(sign(ec, CLAIMS)) == "mrose"
    assert await checker.check(sign(rsa, CLAIMS, "RS256")) == "mrose"
    assert await checker.check(sign(ec, CLAIMS, kid=None)) == "mrose"


@pytest.mark.parametrize("algorithm", list(KINDS))
async def test_every_algorithm(tmp_path, algorithm):
    kty, curves = KINDS[algorithm]
    key = make_key("RSA" if kty == "RSA" else sorted(curves)[0], "k")
    (tmp_path / "keys").write_bytes(key_set(key))
    checker = JwtChecker(FileKeys(tmp_path / "keys"), DEMANDS, [algorithm], lambda: NOW)
    model = jws.JWSRegistry.algorithms[algorithm]  # signed without the warning that goes with EdDSA
    signed = f"{encode({'alg': algorithm, 'kid': 'k'})}.{encode(CLAIMS)}"
    token = f"{signed}.{encode(model.sign(signed.encode(), key))}"
    assert await checker.check(token) == "mrose"
    await refused(checker, token[:-6] + "AAAAAA")
    others = JwtChecker(FileKeys(tmp_path / "keys"), DEMANDS, set(KINDS) - {algorithm}, lambda: NOW)
    assert "algorithms" in await refused(others, token)


@pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "jwt", None])
async def test_types_of_access_tokens(checker, ec, kind):
    assert await checker.check(sign(ec, CLAIMS, typ=kind)) == "mrose"


@pytest.mark.parametrize("kind", ["logout+jwt", "dpop+jwt", "secevent+jwt", "", "JOSE", 3, ["JWT"]])
async def test_other_types(checker, ec, kind):
    signed = f"{encode({'alg': 'ES256', 'kid': 'first', 'typ': kind})}.{encode(CLAIMS)}"
    token = f"{signed}.{encode(jws.JWSRegistry.algorithms['ES256'].sign(signed.encode(), ec))}"
    assert "typ" in await refused(checker, token)


async def test_a_token_of_16_kb(checker, ec):
    token = sign(ec, {**CLAIMS, "groups": ["staff"] * 1500})
    assert 16_384 < len(token) < TOKEN_LIMIT
    assert await checker.check(token) == "mrose"
    assert "longer" in await refused(checker, sign(ec, {**CLAIMS, "groups": ["staff"] * 4000}))


async def test_a_long_header(checker, ec):
    assert await checker.check(sign(ec, CLAIMS, x5c=["QUFB" * 2000])) == "mrose"


async def test_the_claims_are_looked_at(checker, ec):
    assert "expired" in await refused(checker, sign(ec, {**CLAIMS, "exp": 1}))
    assert "iss" in await refused(checker, sign(ec, {**CLAIMS, "iss": "https://evil.example"}))
    assert "aud" in await refused(checker, sign(ec, {**CLAIMS, "aud": "another"}))


async def test_the_clock_is_the_one_that_was_given(path, ec):
    checker = JwtChecker(FileKeys(path), DEMANDS, ["ES256"], time.time)
    assert await checker.check(sign(ec, {**CLAIMS, "exp": time.time() + 300})) == "mrose"
    assert "expired" in await refused(checker, sign(ec, CLAIMS))


@pytest.mark.parametrize("payload", [b"", b"[]", b"hunter2 hunter2", b'{"email": "a", "email": "b"}', b"\xff", b"null"])
async def test_what_was_signed_must_be_claims(checker, ec, payload):
    await refused(checker, sign(ec, payload))


# Forgeries (RFC 8725 s2)


async def test_none_is_no_signature(checker):
    for name in ("none", "None", "NONE", "nOnE"):
        for end in ("", encode(b"x" * 64)):
            await refused(checker, f"{encode({'alg': name, 'kid': 'first'})}.{encode(CLAIMS)}.{end}")


async def test_a_public_key_is_no_shared_secret(path, ec, rsa):
    """Whoever has the public key signs with it as with a secret, and says HS256."""
    secrets = [key.as_pem(private=False) for key in (ec, rsa)]
    secrets += [key.as_der(private=False) for key in (ec, rsa)]
    secrets += [json.dumps(key.as_dict(private=False)).encode() for key in (ec, rsa)]
    for allowed in (["RS256", "ES256"], ["HS256", "RS256", "ES256"]):  # not even where somebody should allow it
        checker = JwtChecker(FileKeys(path), DEMANDS, allowed, lambda: NOW)
        for secret in secrets:
            for kid in ("first", "rsa", None):
                header = {"alg": "HS256", **({} if kid is None else {"kid": kid})}
                signed = f"{encode(header)}.{encode(CLAIMS)}"
                signature = jws.JWSRegistry.algorithms["HS256"].sign(signed.encode(), OctKey(secret, secret))
                assert "algorithms" in await refused(checker, f"{signed}.{encode(signature)}")


async def test_the_algorithm_must_fit_the_key(checker, ec, rsa):
    wrong_for_ec = sign(rsa, CLAIMS, "RS256", kid="first")
    wrong_for_rsa = sign(ec, CLAIMS, kid="rsa")
    assert await refused(checker, wrong_for_ec) == await refused(checker, wrong_for_rsa)


async def test_a_key_of_somebody_elses(checker):
    mine = make_key("P-256", "first")
    await refused(checker, sign(mine, CLAIMS))
    await refused(checker, sign(mine, CLAIMS, kid=None))
    assert "not among ours" in await refused(checker, sign(mine, CLAIMS, kid="mine"))


async def test_keys_and_places_of_keys_that_a_token_brings_along_are_not_looked_at(ec):
    async with open_authorization() as evil:
        evil.keys = [mine := make_key("P-256", "mine")]
        brought = {
            "jwk": mine.as_dict(private=False),
            "jku": f"{evil.url}/jwks",
            "x5u": f"{evil.url}/jwks",
            "x5c": ["QUFB"],
            "x5t": "QUFB",
        }
        async with open_authorization() as server:
            server.keys = [ec]
            keys = UrlKeys(f"{server.url}/jwks", Https(HttpsClient(timeout=20)), Clock())
            checker = JwtChecker(keys, DEMANDS, ["ES256"], lambda: NOW)
            for kid in ("mine", "first", None):
                for name, value in brought.items():
                    await refused(checker, sign(mine, CLAIMS, kid=kid, **{name: value}))
            assert await checker.check(sign(ec, CLAIMS, **brought)) == "mrose"
            await checker.close()
        assert evil.asked == []


@pytest.mark.parametrize("kid", HOSTILE_KIDS)
async def test_an_id_is_a_word_and_nothing_else(checker, ec, kid, monkeypatch):
    mine = make_key("P-256", None)
    await checker.check(sign(ec, CLAIMS))  # the file has been read
    token = sign(mine, CLAIMS, kid=kid)
    opened: list[str] = []
    monkeypatch.setattr("postane.accounts.jwks.open", spy(opened), raising=False)
    words = await refused(checker, token)
    assert "not among ours" in words
    assert set(opened) == {"keys.json"}


def spy(opened: list[str]):
    """`open`, which notes what is opened."""

    def look(path, mode):
        opened.append(path.name)
        return path.open(mode)

    return look


@pytest.mark.parametrize("kid", [3, None, ["first"], {"first": 1}, True])
async def test_an_id_that_is_no_text(checker, ec, kid):
    signed = f"{encode({'alg': 'ES256', 'kid': kid})}.{encode(CLAIMS)}"
    token = f"{signed}.{encode(jws.JWSRegistry.algorithms['ES256'].sign(signed.encode(), ec))}"
    assert "kid" in await refused(checker, token)


@pytest.mark.parametrize(
    "header", [{"crit": ["exp"], "exp": 1}, {"crit": []}, {"crit": ["b64"], "b64": False}, {"b64": True}]
)
async def test_nothing_critical_is_understood(checker, ec, header):
    signed = f"{encode({'alg': 'ES256', 'kid': 'first', **header})}.{encode(CLAIMS)}"
    token = f"{signed}.{encode(jws.JWSRegistry.algorithms['ES256'].sign(signed.encode(), ec))}"
    assert "crit" in await refused(checker, token)


async def test_two_headers_in_one(checker, ec):
    header = b'{"alg": "none", "alg": "ES256", "kid": "first"}'
    signed = f"{encode(header)}.{encode(CLAIMS)}"
    token = f"{signed}.{encode(jws.JWSRegistry.algorithms['ES256'].sign(signed.encode(), ec))}"
    assert "header" in await refused(checker, token)


async def test_an_encrypted_token(checker, ec, rsa):
    token = jwe.encrypt_compact({"alg": "RSA-OAEP", "enc": "A256GCM"}, json.dumps(CLAIMS).encode(), rsa)
    assert "encrypted" in await refused(checker, token)


async def test_an_empty_and_a_zero_signature(checker, ec):
    """r = s = 0 was taken by a well-known library for anything at all."""
    signed = sign(ec, CLAIMS).rpartition(".")[0]
    for signature in (b"", b"\0", bytes(64), bytes(63), bytes(65), b"\xff" * 64, bytes(5000)):
        await refused(checker, f"{signed}.{encode(signature)}")


async def test_a_signature_in_another_form(checker, ec):
    token = sign(ec, CLAIMS)
    head, _, signature = token.rpartition(".")
    for other in (
        signature + "=",
        signature + "==",
        signature + "\n",
        " " + signature,
        signature + ".",
        signature + "A",
    ):
        await refused(checker, f"{head}.{other}")


async def test_a_signature_over_something_else(checker, ec):
    header, claims, signature = sign(ec, CLAIMS).split(".")
    await refused(checker, f"{header}.{encode({**CLAIMS, 'email': 'root'})}.{signature}")
    await refused(checker, f"{encode({'alg': 'ES256', 'kid': 'first'})}.{claims}.{signature}")


@pytest.mark.parametrize(
    "token",
    [
        *("", ".", "..", "...", "a", "a.b", "a.b.c", "a.b.c.d", "a.b.c.d.e", "e30.e30.e30", "e30.e30.", ".e30.e30"),
        *("\0", "\ud800", "é.é.é", "a.b.c\n", "٣.٣.٣", "Bearer a.b.c", "a b c", "." * 40_000, "A" * 40_000),
        f"{encode([1])}.e30.AAAA",
        f"{encode({'alg': ['ES256']})}.e30.AAAA",
        f"{encode({'alg': {'ES256': 1}})}.e30.AAAA",
        f"{encode({'alg': None})}.e30.AAAA",
        f"{encode(b'[' * 20_000)}.e30.AAAA",
        f"{encode({'alg': 'ES256', 'kid': 'first', 'jku': 3})}.e30.AAAA",
        f"{encode({'alg': 'ES256', 'kid': 'first'})}.e30.{'A' * 30_000}",
        f"{encode({'alg': 'ES256', 'kid': 'first'})}.A.AAAA",
    ],
)
async def test_garbage(checker, token):
    await refused(checker, token)


parts = st.one_of(
    st.binary(max_size=80).map(encode),
    st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "jku", "b64", "zip"]),
        st.one_of(st.none(), st.booleans(), st.sampled_from(["ES256", "RS256", "none", "first", "JWT"]), st.text()),
    ).map(encode),
    st.text(max_size=20),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.one_of(st.text(), st.lists(parts, min_size=1, max_size=6).map(".".join)))
async def test_any_text_is_refused_and_nothing_else(checker, token):
    with pytest.raises(BadToken):
        await checker.check(token)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
async def test_a_token_with_any_letter_changed_is_refused(checker, ec, data):
    token = sign(ec, CLAIMS)
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters().filter(lambda letter: letter != token[at]))
    with pytest.raises(BadToken):
        await checker.check(token[:at] + letter + token[at + 1 :])


# Keys that change


@pytest.fixture
async def server():
    async with open_authorization() as server:
        yield server


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def by_url(server, clock):
    checker = JwtChecker(
        UrlKeys(f"{server.url}/jwks", Https(HttpsClient(timeout=20)), clock), DEMANDS, ["ES256"], clock
    )
    yield checker
    await checker.close()


async def test_garbage_asks_for_no_keys(server, by_url):
    for token in ("", "a.b.c", f"{encode({'alg': 'none'})}.e30.AAAA"):
        await refused(by_url, token)
    assert server.asked == []


async def test_a_new_key_is_asked_for_and_an_old_one_goes(server, by_url, clock):
    old = server.token()
    assert await by_url.check(old) == "mrose"
    server.keys = [make_key("P-256", "second")]
    clock.now += RENEW_EVERY
    assert await by_url.check(server.token()) == "mrose"
    assert "not among ours" in await refused(by_url, old)
    assert len(server.asked) == 2


async def test_so_is_one_without_an_id(server, by_url, clock):
    server.keys = [make_key("P-256", None)]
    assert await by_url.check(server.token()) == "mrose"
    server.keys = [make_key("P-256", None)]
    clock.now += RENEW_EVERY
    assert await by_url.check(server.token()) == "mrose"


async def test_many_unknown_ids_make_few_questions(server, by_url, clock):
    await by_url.check(server.token())
    clock.now += RENEW_EVERY
    mine = make_key("P-256", None)
    for number in range(50):
        await refused(by_url, sign(mine, CLAIMS, kid=f"x{number}"))
    assert len(server.asked) == 2


async def test_a_wrong_signature_makes_no_question(server, by_url, clock):
    await by_url.check(server.token())
    clock.now += RENEW_EVERY
    await refused(by_url, sign(make_key("P-256", "first"), CLAIMS))
    assert len(server.asked) == 1


async def test_while_the_server_is_away(server, by_url, clock):
    token = server.token()
    await by_url.check(token)
    server.is_away = True
    clock.now += RENEW_EVERY
    assert await by_url.check(token) == "mrose"
    with pytest.raises(AccountsUnavailable):  # it may be a new key's: nobody can say
        await by_url.check(sign(make_key("P-256", "second"), CLAIMS))
    with pytest.raises(BadToken):  # and this is certain
        await by_url.check(sign(make_key("P-256", "first"), CLAIMS))


def test_the_checker_shows_nothing_of_keys(checker, ec):
    assert isinstance(ec, ECKey)
    assert ec.as_dict(private=True)["d"] not in repr(checker) + repr(vars(checker))
