"""Passwords in ~/.netrc."""

from pathlib import Path

import pytest

from postane.credentials.base import NoSecret, Secret, SecretKind
from postane.credentials.netrc_file import NetrcSecret, netrc_path, parse_netrc

TEXT = """
# of two users
machine pop.example.org login mrose password tanstaaf
machine pop.example.org
    login anna
    password "with \\"quotes\\" and blanks"
machine imap.example.org password anybody
machine empty.example.org login mrose
macdef init
    cd /tmp

machine Upper.Example.org login mrose account x password upper
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / ".netrc"
    path.write_text(TEXT)
    path.chmod(0o600)
    return path


def source(path, host, login, warned=None):
    return NetrcSecret(path, host, login, [].append if warned is None else warned.append)


@pytest.mark.parametrize(
    ("host", "login", "password"),
    [
        ("pop.example.org", "mrose", "tanstaaf"),
        ("POP.example.org", "anna", 'with "quotes" and blanks'),
        ("imap.example.org", "whoever", "anybody"),
        ("upper.example.org", "mrose", "upper"),
    ],
)
async def test_by_host_and_login(path, host, login, password):
    warned = []
    found = source(path, host, login, warned)
    await found.refuse()
    assert await found.get() == Secret(SecretKind.PASSWORD, password)
    assert warned == []


@pytest.mark.parametrize(
    ("host", "login"), [("pop.example.org", "eve"), ("empty.example.org", "mrose"), ("elsewhere.org", "mrose")]
)
async def test_no_entry(path, host, login):
    with pytest.raises(NoSecret, match=f"no password of {login} for {host}: add the line machine {host} login {login}"):
        await source(path, host, login).get()


async def test_the_default_comes_last(path):
    path.write_text(TEXT + "default login mrose password common\n")
    assert (await source(path, "elsewhere.org", "mrose").get()).text == "common"
    assert (await source(path, "pop.example.org", "mrose").get()).text == "tanstaaf"
    with pytest.raises(NoSecret):
        await source(path, "elsewhere.org", "anna").get()


async def test_what_cannot_be_understood(path):
    path.write_text("machine a login b password c\n\nmachin d\n")
    with pytest.raises(NoSecret, match=rf"{path} cannot be understood \(line 3: machine, login .*\): mend it"):
        await source(path, "a", "b").get()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("machine", 1),
        ("machine a login", 1),
        ("machine a\n password", 2),
        ("login x", 1),
        ("machine a\npassword x y\n", 2),
    ],
)
def test_what_cannot_be_parsed_is_told_by_its_line(text, line):
    with pytest.raises(ValueError, match=f"^line {line}: ") as caught:
        list(parse_netrc(text))
    assert "x y" not in str(caught.value)


@pytest.mark.parametrize("password", ["#1", "a#b", 'a"b', '""', '"a b"', r"a\\b", "machine", "ü"])
def test_a_word_is_any(password):
    wanted = {'""': "", '"a b"': "a b", r"a\\b": "a\\b"}.get(password, password)
    entries = list(parse_netrc(f"\n# comment\nmachine a\n# another\npassword {password} # and one\nlogin b\ndefault"))
    assert [(each.host, each.login, each.password) for each in entries] == [("a", "b", wanted), (None, "", "")]
    assert password not in repr(entries[0]) or password == "machine"


def test_a_macro_is_passed_over():
    text = "macdef x\n  machine y\n  bad words\n\nmachine z login a password b\nmacdef end\n put"
    assert [each.host for each in parse_netrc(text)] == ["z"]


async def test_what_is_not_text(path):
    path.write_bytes(b"machine a login b password \xff\n")
    with pytest.raises(NoSecret, match="cannot be understood"):
        await source(path, "a", "b").get()


async def test_no_file(tmp_path):
    with pytest.raises(NoSecret, match=r"cannot be read \(No such file"):
        await source(tmp_path / "none", "a", "b").get()


async def test_a_file_that_others_can_read_is_told(path):
    path.chmod(0o644)
    warned = []
    assert (await source(path, "pop.example.org", "mrose", warned).get()).text == "tanstaaf"
    assert warned == [f"{path}: others can read or change it (mode 0644): chmod 600 {path}"]


def test_where_it_is():
    home = Path("/home/mrose")
    assert netrc_path({}, home) == home / ".netrc"
    assert netrc_path({"NETRC": ""}, home) == home / ".netrc"
    assert netrc_path({"NETRC": "/etc/netrc"}, home) == Path("/etc/netrc")
