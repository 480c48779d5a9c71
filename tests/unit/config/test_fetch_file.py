"""Where fetch.toml is looked for, and what is said where it is not."""

import pytest

from postane.config.fetch_file import find_fetch_config, load_fetch_config
from postane.config.problems import ConfigError


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Somebody's home, and another folder to be in."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(here)
    return tmp_path


def test_the_one_that_is_named(home):
    assert find_fetch_config(home / "other.toml") == home / "other.toml"


def test_the_first_that_is_there(home):
    own = home / ".config" / "postane" / "fetch.toml"
    own.parent.mkdir(parents=True)
    own.write_text("")
    assert find_fetch_config(None) == own
    (home / "here" / "fetch.toml").write_text("")
    assert find_fetch_config(None).resolve() == (home / "here" / "fetch.toml").resolve()


def test_none_is_told_with_what_to_do(home):
    with pytest.raises(ConfigError, match=r"postane fetch add you@example\.org") as raised:
        find_fetch_config(None)
    assert "~/.config/postane/fetch.toml" in str(raised.value)


def test_it_is_read(tmp_path):
    path = tmp_path / "fetch.toml"
    path.write_text('at_once = 3\n[[account]]\nname = "a"\nurl = "pop3://u@h"\ndeliver = [{ mbox = "x" }]\n')
    config = load_fetch_config(path)
    assert (config.at_once, config.account[0].name) == (3, "a")


def test_what_cannot_be_read_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        load_fetch_config(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("\nat_once = \n")
    with pytest.raises(ConfigError, match=r"bad\.toml:2: "):
        load_fetch_config(tmp_path / "bad.toml")


def test_who_has_no_home_is_told_as_well(home, monkeypatch):
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    with pytest.raises(ConfigError, match="name yours with -c"):
        find_fetch_config(None)
