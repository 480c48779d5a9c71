"""Passwords from a variable, a file, and the configuration."""

import pytest

from postane.credentials.base import NoSecret, Secret, SecretKind
from postane.credentials.sources import LIMIT, EnvironmentSecret, FileSecret, LiteralSecret


@pytest.fixture
def warned():
    return []


async def refusal(source):
    with pytest.raises(NoSecret) as caught:
        await source.get()
    assert not caught.value.may_pass
    return caught.value.text


async def test_a_literal():
    source = LiteralSecret("tanstaaf")
    await source.refuse()
    assert await source.get() == Secret(SecretKind.PASSWORD, "tanstaaf")
    assert "tanstaaf" not in repr(await source.get())


async def test_a_variable():
    environment = {"PW": "tanstaaf"}
    source = EnvironmentSecret("PW", environment)
    assert (await source.get()).text == "tanstaaf"
    environment["PW"] = "new"
    await source.refuse()
    assert (await source.get()).text == "new"


@pytest.mark.parametrize(("environment", "words"), [({}, "PW, .* is not set: set"), ({"PW": ""}, "PW, .* is empty: ")])
async def test_no_variable(environment, words):
    with pytest.raises(NoSecret, match=words):
        await EnvironmentSecret("PW", environment).get()


@pytest.mark.parametrize(
    "octets",
    [b"tanst\xc3\xa4f", b"tanst\xc3\xa4f\n", b"tanst\xc3\xa4f\r\nmore\n", b"\xef\xbb\xbftanst\xc3\xa4f\n"],
)
async def test_a_file(tmp_path, warned, octets):
    path = tmp_path / "password"
    path.write_bytes(octets)
    path.chmod(0o600)
    assert (await FileSecret(path, warned.append).get()).text == "tanstäf"
    assert warned == []


async def test_spaces_belong_to_it(tmp_path, warned):
    path = tmp_path / "password"
    path.write_bytes(b"  two words \n")
    assert (await FileSecret(path, warned.append).get()).text == "  two words "


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
async def test_a_file_that_others_can_read_is_told(tmp_path, warned, mode):
    path = tmp_path / "password"
    path.write_text("tanstaaf")
    path.chmod(mode)
    assert (await FileSecret(path, warned.append).get()).text == "tanstaaf"
    assert warned == [f"{path}: others can read or change it (mode {mode:04o}): chmod 600 {path}"]


@pytest.mark.parametrize(("octets", "words"), [(b"", "empty"), (b"\nx", "empty"), (b"tanst\xe4f\n", "not UTF-8")])
async def test_a_file_without_a_password(tmp_path, warned, octets, words):
    path = tmp_path / "password"
    path.write_bytes(octets)
    text = await refusal(FileSecret(path, warned.append))
    assert words in text
    assert str(path) in text
    assert "tanst" not in text


async def test_no_file(tmp_path, warned):
    text = await refusal(FileSecret(tmp_path / "nothing", warned.append))
    assert text.startswith(f"{tmp_path}/nothing, which should hold the password, cannot be read (No such file")


async def test_a_file_without_an_end_is_not_read_to_it(tmp_path, warned):
    path = tmp_path / "password"
    path.write_bytes(b"x" * (LIMIT + 10))
    assert len((await FileSecret(path, warned.append).get()).text) == LIMIT
