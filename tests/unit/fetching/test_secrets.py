"""From what fetch.toml says of a secret to the secret."""

import sys

import pytest

from postane.config.fetching import FetchConfig
from postane.config.problems import ConfigError
from postane.config.secrets import SecretPlace
from postane.credentials.base import NoSecret, Secret, SecretKind
from postane.credentials.keyrings import KeyringSecret
from postane.fetching.secrets import Owner, UnsaidSecret, open_account_tokens, open_secret
from postane.fetching.tokens import AccountTokens

OWNER = Owner("work", "anna", "pop.example.org")
NETRC = "machine pop.example.org login anna password from-netrc\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)
    return tmp_path


def write(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


async def secret(**keys: object) -> str:
    source = open_secret(FetchConfig(), SecretPlace.model_validate(keys), OWNER)
    found = await source.get()
    assert found.kind is SecretKind.PASSWORD
    return found.text


async def test_each_place_is_looked_into(home, monkeypatch):
    monkeypatch.setenv("PW", "from-environment")
    write(home / "pw", "from-file\nnot this\n")
    write(home / ".netrc", NETRC)
    write(home / "other", NETRC.replace("from-netrc", "from-other"))
    assert await secret(env="PW") == "from-environment"
    assert await secret(file="~/pw") == "from-file"
    assert await secret(command=[sys.executable, "-c", "print('from-command')"]) == "from-command"
    assert await secret(netrc=True) == "from-netrc"
    assert await secret(netrc="~/other") == "from-other"
    assert await secret(text="itself") == "itself"


def test_a_keyring_and_tokens_are_not_asked_before_they_are_wanted():
    assert isinstance(open_secret(FetchConfig(), SecretPlace(keyring="mail"), OWNER), KeyringSecret)
    config = FetchConfig.model_validate({"oauth": {"google": {"client_id": "1", "client_secret": {"env": "NONE"}}}})
    assert isinstance(open_secret(config, SecretPlace(oauth="google"), OWNER), AccountTokens)
    assert isinstance(open_account_tokens(config, "google", OWNER), AccountTokens)


def test_a_provider_that_nobody_described_is_told():
    with pytest.raises(ConfigError, match=r"account work: there is no \[oauth\.ours\]: write that table, with"):
        open_secret(FetchConfig(), SecretPlace(oauth="ours"), OWNER)


async def test_what_nobody_said_may_stand_in_netrc(home):
    write(home / ".netrc", NETRC)
    assert await UnsaidSecret(OWNER, lambda _: pytest.fail("asked")).get() == Secret(SecretKind.PASSWORD, "from-netrc")


async def test_else_somebody_is_asked_once_until_it_is_refused(home):
    write(home / ".netrc", NETRC.replace("anna", "bob"))
    prompts: list[str] = []
    source = UnsaidSecret(OWNER, lambda prompt: prompts.append(prompt) or f"typed {len(prompts)}")
    assert [(await source.get()).text for _ in range(2)] == ["typed 1", "typed 1"]
    await source.refuse()
    assert (await source.get()).text == "typed 2"
    assert prompts == ["Password of anna at pop.example.org: "] * 2
    assert "typed" not in repr(source)


@pytest.mark.parametrize("spoils", ["syntax", "folder", "link"])
async def test_a_netrc_that_cannot_be_read_is_told_of(home, capsys, spoils):
    if spoils == "syntax":
        write(home / ".netrc", "machine pop.example.org login anna\npasword x\n")
    elif spoils == "folder":
        (home / ".netrc").mkdir()
    else:
        (home / ".netrc").symlink_to("nowhere")
    assert (await UnsaidSecret(OWNER, lambda _: "typed").get()).text == "typed"
    err = capsys.readouterr().err
    assert err.startswith(f"warning: {home}/.netrc")
    assert "cannot be" in err
    assert "line 2" in err or spoils != "syntax"


async def test_a_netrc_without_the_host_is_nothing_to_tell_of(home, capsys):
    write(home / ".netrc", NETRC.replace("anna", "bob"))
    assert (await UnsaidSecret(OWNER, lambda _: "typed").get()).text == "typed"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("typed", [None, ""])
async def test_where_nobody_is_there_it_is_told_what_to_write(home, typed):
    with pytest.raises(NoSecret, match=r'password = \{ env = "MAIL_PASSWORD" \} into fetch.toml') as raised:
        await UnsaidSecret(OWNER, lambda _: typed).get()
    assert not raised.value.may_pass


def test_who_it_belongs_to_and_no_secret_is_shown():
    assert "hidden" not in repr(open_secret(FetchConfig(), SecretPlace(text="hidden"), OWNER))


async def test_who_else_can_read_it_is_told_and_not_among_the_data(home, capsys):
    write(home / "pw\x1b", "secret\n").chmod(0o644)
    assert await secret(file=str(home / "pw\x1b")) == "secret"
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"warning: {home}/pw\\x1b: others can read")
