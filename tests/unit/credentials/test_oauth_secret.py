"""An access token as a secret: renewed in time, and what is renewed is kept before it is used."""

import asyncio
from dataclasses import replace

import pytest

from postane.credentials.base import NoSecret, Secret, SecretKind
from postane.credentials.oauth_secret import OauthSecret
from postane.credentials.tokens import FileTokens, Tokens
from postane.net.base import Untrusted

ADVICE = "run: postane fetch login work"


@pytest.fixture
def store(tmp_path):
    return FileTokens(tmp_path, "work", [].append)


@pytest.fixture
def source(provider, store, http, clock):
    return OauthSecret(provider, store, http, clock, ADVICE)


@pytest.fixture
async def kept(server, store, clock):
    """Tokens that live an hour from now."""
    server.refresh_tokens = {"refresh-0"}
    tokens = Tokens("access-0", "refresh-0", clock.time + 3600)
    await store.save(tokens)
    return tokens


async def refusal(source):
    with pytest.raises(NoSecret) as caught:
        await source.get()
    assert "refresh-" not in caught.value.text
    assert "access-" not in caught.value.text
    return caught.value


async def test_a_good_token_is_given_without_a_question(server, source, kept, clock):
    clock.time += 3539
    assert await source.get() == Secret(SecretKind.TOKEN, "access-0")
    assert server.asked == []


async def test_it_is_renewed_a_minute_before_its_end(server, source, store, kept, clock):
    clock.time += 3540
    assert await source.get() == Secret(SecretKind.TOKEN, "access-1")
    assert await store.load() == Tokens("access-1", "refresh-1", clock.time + 3600)
    assert (await source.get()).text == "access-1"
    assert len(server.asked) == 1


async def test_one_without_an_end_is_good_until_it_is_refused(server, source, store, kept, clock):
    await store.save(replace(kept, expires=None))
    clock.time += 10**8
    assert (await source.get()).text == "access-0"
    await source.refuse()
    assert (await source.get()).text == "access-1"


async def test_a_refused_one_is_renewed(server, source, kept):
    assert (await source.get()).text == "access-0"
    await source.refuse()
    assert (await source.get()).text == "access-1"
    assert (await source.get()).text == "access-1"
    await source.refuse()
    assert (await source.get()).text == "access-2", "and its refresh token is the one that came with it"


async def test_refusing_what_was_never_given_changes_nothing(server, source, kept):
    await source.refuse()
    assert (await source.get()).text == "access-0"


async def test_a_refresh_token_that_is_not_renewed_stays(server, source, store, kept, clock):
    server.does_rotate = False
    for number in (1, 2):
        clock.time += 3600
        assert (await source.get()).text == f"access-{number}"
        assert (await store.load()).refresh == "refresh-0"


async def test_what_is_renewed_is_kept_before_it_is_used(server, source, store, kept, clock, monkeypatch):
    def full(octets):
        raise OSError(28, "No space left on device")

    clock.time += 3600
    with monkeypatch.context() as changed:
        changed.setattr(store, "_save", full)
        for _ in range(2):
            error = await refusal(source)
            assert "No space left on device" in error.text
            assert error.may_pass
    assert server.given == 1
    assert (await source.get()).text == "access-1"
    assert (await store.load()).refresh == "refresh-1"
    assert server.given == 1, "the tokens that could not be kept are not lost while the process lives"


async def test_several_at_once_renew_once(server, provider, tmp_path, http, clock, kept):
    clock.time += 3600
    sources = [OauthSecret(provider, FileTokens(tmp_path, "work", [].append), http, clock, ADVICE) for _ in range(4)]
    assert {secret.text for secret in await asyncio.gather(*(each.get() for each in sources))} == {"access-1"}
    assert server.given == 1


async def test_what_another_process_has_renewed_is_used(server, source, store, kept, clock):
    assert (await source.get()).text == "access-0"
    await source.refuse()
    await store.save(Tokens("access-9", "refresh-9", clock.time + 3600))
    assert (await source.get()).text == "access-9"
    assert server.asked == []


async def test_nobody_has_let_it_in(source):
    error = await refusal(source)
    assert error.text == f"ours has not let this program in yet: {ADVICE}"
    assert not error.may_pass


async def test_nothing_to_renew_it_with(source, store, kept, clock):
    await store.save(replace(kept, refresh=None))
    assert (await source.get()).text == "access-0"
    clock.time += 3600
    assert (await refusal(source)).text == f"the token of ours is not good any more: {ADVICE}"


@pytest.mark.parametrize(
    ("answer", "words", "may_pass"),
    [
        (
            (400, b'{"error": "invalid_grant"}'),
            f"does not let this program in any more (invalid_grant): {ADVICE}",
            False,
        ),
        ((401, b'{"error": "invalid_client"}'), "does not know this program (invalid_client): is client_id", False),
        ((400, b'{"error": "temporarily_unavailable"}'), "gives no new token now", True),
        ((500, b"oh"), "/token answered 500", True),
        ((200, b'{"access_token": 7}'), "gave no access token", False),
        (None, "ours cannot be asked for a new token: ", True),
    ],
)
async def test_no_new_token(server, source, store, kept, clock, answer, words, may_pass):
    clock.time += 3600
    server.answers = [answer]
    error = await refusal(source)
    assert words in error.text
    assert error.may_pass is may_pass
    assert await store.load() == kept, "what is kept stays"
    assert (await source.get()).text == "access-1"


class Unbelieved:
    """An Http to a server whose certificate is not believed."""

    async def post(self, url, form):
        raise Untrusted("its certificate is not believed")


async def test_a_server_that_is_not_believed_needs_a_person(provider, store, kept, clock):
    clock.time += 3600
    error = await refusal(OauthSecret(provider, store, Unbelieved(), clock, ADVICE))
    assert "not believed" in error.text
    assert not error.may_pass
