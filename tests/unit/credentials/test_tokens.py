"""Where tokens are kept: safely, and one who renews them at a time."""

import asyncio
import stat
import subprocess
import sys

import pytest

from postane.credentials.base import NoSecret
from postane.credentials.keyrings import Keyring
from postane.credentials.tokens import FileTokens, KeyringTokens, Tokens, format_tokens, parse_tokens

TOKENS = Tokens("an access token", "a refresh token", 1_700_000_000.5)
OTHERS = Tokens("another one")


class FakeKeyring(Keyring):
    """A keyring that is a dict."""

    def __init__(self):
        super().__init__("postane fetch")
        self.kept = {}

    async def get(self, user):
        return self.kept.get(user)

    async def put(self, user, text):
        self.kept[user] = text

    async def remove(self, user):
        self.kept.pop(user, None)


@pytest.fixture
def warned():
    return []


@pytest.fixture(params=["file", "keyring"])
def store(request, tmp_path, warned):
    if request.param == "file":
        return FileTokens(tmp_path / "tokens", "work", warned.append)
    return KeyringTokens(FakeKeyring(), "work")


@pytest.fixture
def files(tmp_path, warned):
    return FileTokens(tmp_path / "new" / "tokens", "ours:../mrose", warned.append)


def the_file(tmp_path):
    (path,) = (tmp_path / "new" / "tokens").glob("*.json")
    return path


@pytest.mark.parametrize("tokens", [TOKENS, OTHERS, Tokens("ü\n", "", 0)])
def test_parse_is_the_inverse_of_format(tokens):
    assert parse_tokens(format_tokens(tokens)) == tokens


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"access": 1, "refresh": null, "expires": null}', b"\xff", "null"])
def test_what_are_no_tokens(text):
    with pytest.raises(ValueError, match="no tokens"):
        parse_tokens(text)


async def test_they_are_kept(store):
    assert await store.load() is None
    for tokens in (TOKENS, OTHERS):
        await store.save(tokens)
        assert await store.load() == tokens
    await store.remove()
    await store.remove()
    assert await store.load() is None


async def test_one_at_a_time(store):
    said = []

    async def renew(name):
        async with store.exclusive():
            said.append(f"{name} begins")
            await asyncio.sleep(0)
            said.append(f"{name} ends")

    await asyncio.gather(renew("one"), renew("two"))
    assert said == ["one begins", "one ends", "two begins", "two ends"]


async def test_the_file_is_its_owners_alone(files, tmp_path, warned):
    await files.save(TOKENS)
    assert stat.S_IMODE(the_file(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(the_file(tmp_path).parent.stat().st_mode) == 0o700
    assert [path.name for path in the_file(tmp_path).parent.iterdir()] == [the_file(tmp_path).name]
    assert warned == []


async def test_a_file_that_others_can_read_is_told_and_mended_by_the_next_tokens(files, tmp_path, warned):
    await files.save(TOKENS)
    the_file(tmp_path).chmod(0o644)
    assert await files.load() == TOKENS
    assert len(warned) == 1
    await files.save(OTHERS)
    assert await files.load() == OTHERS
    assert len(warned) == 1


async def test_a_damaged_file_is_told(files, tmp_path):
    await files.save(TOKENS)
    the_file(tmp_path).write_text('{"access": "a secr')
    with pytest.raises(NoSecret, match=r"\(tokens of ours:../mrose\): these are no tokens; remove it") as caught:
        await files.load()
    assert "secr" not in caught.value.text


async def test_damage_in_the_keyring_is_told():
    keyring = FakeKeyring()
    keyring.kept["work"] = "{}"
    with pytest.raises(NoSecret, match="the keyring's entry of work for postane fetch: these are no tokens"):
        await KeyringTokens(keyring, "work").load()


async def test_a_place_where_none_can_be_kept(tmp_path, warned):
    (tmp_path / "file").touch()
    files = FileTokens(tmp_path / "file" / "tokens", "work", warned.append)
    with pytest.raises(NoSecret, match="cannot be written") as caught:
        await files.save(TOKENS)
    assert caught.value.may_pass
    with pytest.raises(NoSecret, match="cannot be locked"):
        async with files.exclusive():
            pass


HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


async def test_another_process_that_renews_them_is_waited_for(files, tmp_path):
    async with files.exclusive():
        (lock,) = (tmp_path / "new" / "tokens").glob("*.lock")
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDER, str(lock)), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    await child.stdout.readline()
    entered = asyncio.Event()

    async def renew():
        async with files.exclusive():
            entered.set()

    renewing = asyncio.ensure_future(renew())
    await asyncio.sleep(0.3)
    assert not entered.is_set()
    child.stdin.close()
    await renewing
    await child.wait()
