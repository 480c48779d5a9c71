"""Where fetch.toml is looked for, and what is said where it is not."""

import pytest

from postane.config.fetch_file import advice, find_fetch_config, load_fetch_config
from postane.config.fetching import FetchConfig
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


@pytest.mark.parametrize(
    ("whose", "text"),
    [
        ("fetchmail", '# mine\nset daemon 300\npoll pop.example.org protocol POP3\n  user "you" keep\n'),
        ("fetchmail", "skip pop.example.org with proto pop3:\n"),
        ("mpop", "defaults\ntls on\naccount work\nhost pop.example.org\n"),
        ("mpop", "account work : other\n"),
        ("getmail6", "[retriever]\ntype = SimplePOP3Retriever\n"),
    ],
)
def test_the_file_of_another_retriever_is_known(tmp_path, whose, text):
    path = tmp_path / "rc"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"rc:\d+: .*\n.*rc: .* {whose}'s file: .*docs/moving-here\.md") as raised:
        load_fetch_config(path)
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize("text", ["poll = \n", "[[account]]\naccount = work\n", "[retrievers]\nx = \n", "pollen\n"])
def test_a_mistake_is_no_file_of_another_retriever(tmp_path, text):
    path = tmp_path / "fetch.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_fetch_config(path)
    assert "moving-here" not in str(raised.value)


def advised(tmp_path, *accounts: dict[str, object]) -> list[str]:
    usual = {"deliver": [{"mbox": "/m"}]}
    tables = [{"name": f"a{number}", **usual, **each} for number, each in enumerate(accounts)]
    return list(advice(tmp_path / "fetch.toml", FetchConfig.model_validate({"account": tables})))


@pytest.mark.parametrize(
    "other",
    [
        {"url": "pop3s://you@pop.example.org"},
        {"url": "pop3s://POP.example.org.:995", "user": "you"},
        {"url": "pop3s://another@pop.example.org", "user": "you"},
    ],
)
def test_two_accounts_of_one_mailbox_are_told(tmp_path, other):
    one = {"url": "pop3s://you@pop.example.org"}
    assert advised(tmp_path, one, other) == ["a0 and a1 fetch the same mailbox: its mail comes twice"]
    assert advised(tmp_path, one, {**other, "enabled": False}) == [], "it is fetched by who names it"


@pytest.mark.parametrize(
    "url",
    [
        "pop3s://them@pop.example.org",
        "pop3s://you@pop2.example.org",
        "pop3s://you@pop.example.org:1995",
        "imaps://you@pop.example.org:995",
    ],
)
def test_two_mailboxes_are_two(tmp_path, url):
    assert advised(tmp_path, {"url": "pop3s://you@pop.example.org"}, {"url": url}) == []


def test_two_folders_are_two(tmp_path):
    inbox = {"url": "imaps://you@h"}
    assert advised(tmp_path, inbox, {"url": "imaps://you@h/Junk"}) == []
    assert len(advised(tmp_path, inbox, {"url": "imaps://you@h/inbox"})) == 1


@pytest.mark.parametrize(
    ("url", "to", "is_told"),
    [
        ("imaps://you@h", "imaps://you@h", True),
        ("imap://you@h/Old", "imaps://you@H/Old", True),
        ("pop3s://you@h", "imaps://you@h/Inbox", True),
        ("pop3s://you@h", "imaps://you@h/Old", False),
        ("pop3s://you@h", "imaps://them@h", False),
        ("imaps://you@h/Old", "imaps://you@h", False),
    ],
)
def test_mail_that_goes_to_where_it_comes_from_is_told(tmp_path, url, to, is_told):
    told = advised(tmp_path, {"url": url, "deliver": [{"imap": to, "password": {"env": "PW"}}]})
    assert any("its mail goes to where it comes from" in each for each in told) is is_told
