"""Files that a configuration names and that cannot be read."""

import os

import pytest

from postane.config.model import Config
from postane.config.named import is_unknown, trouble_with_files, trouble_with_machine


def troubles(**sections: object) -> dict[tuple[str | int, ...], str]:
    return dict(trouble_with_files(Config.model_validate(sections)))


def test_what_is_made_at_the_first_start_may_be_missing(tmp_path):
    assert troubles(storage={"path": tmp_path / "none"}, auth={"key_file": tmp_path / "none.key"}) == {}
    assert troubles() == {}


def test_each_path_is_looked_at(tmp_path):
    there = tmp_path / "there"
    there.touch()
    gone = str(tmp_path / "gone")
    pair = {"certificate": there, "key": gone}
    oauth = {"kind": "oauth", "issuer": "i", "audience": "a"}
    found = troubles(
        tls={**pair, "sni": [pair], "client_ca": gone, "client_certificates": "optional"},
        accounts=[
            {"kind": "passwd-file", "path": gone},
            {"kind": "ldap", "url": "u", "base": "b", "bind_dn": "cn=a", "ca": gone, "password_file": gone},
            {**oauth, "jwks": gone, "client_id": "me", "client_secret_file": gone, "ca": gone},
            {**oauth, "jwks": "https://issuer.example/jwks.json"},
            {**oauth, "jwks": "http://127.0.0.1:8080/jwks.json"},
        ],
    )
    assert set(found) == {
        ("tls", "key"),
        ("tls", "sni", 0, "key"),
        ("tls", "client_ca"),
        ("accounts", 0, "path"),
        ("accounts", 1, "ca"),
        ("accounts", 1, "password_file"),
        ("accounts", 2, "jwks"),
        ("accounts", 2, "client_secret_file"),
        ("accounts", 2, "ca"),
    }
    assert set(found.values()) == {f"there is no file {gone}: make it, or name another"}


@pytest.mark.parametrize("name", ["\0", "x" * 5000])
def test_no_path_is_too_strange(name):
    (words,) = troubles(accounts=[{"kind": "passwd-file", "path": name}]).values()
    assert "file" in words


def test_a_folder_is_no_file(tmp_path):
    assert troubles(accounts=[{"kind": "passwd-file", "path": tmp_path}]) == {
        ("accounts", 0, "path"): f"{tmp_path} is not a file"
    }


def test_a_file_of_somebody_else(tmp_path, monkeypatch):
    path = tmp_path / "passwd"
    path.touch()
    monkeypatch.setattr(os, "access", lambda name, mode: False)
    (words,) = troubles(accounts=[{"kind": "passwd-file", "path": path}]).values()
    assert "may not be read" in words


def test_a_user_that_is_not_there(monkeypatch):
    config = Config.model_validate({"server": {"user": "nobody-of-that-name"}})
    monkeypatch.setattr("os.geteuid", lambda: 0)
    ((place, words),) = trouble_with_machine(config)
    assert place == ("server", "user")
    assert words.startswith('this machine has no user "nobody-of-that-name"')
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert trouble_with_machine(config) == [], "nobody changes the user there"
    assert [is_unknown(user) for user in (None, "root", "nobody-of-that-name", "\0")] == [False, False, True, True]


def test_a_library_that_is_not_there(monkeypatch):
    tables = [{"kind": "local"}, {"kind": "ldap", "url": "u", "base": "b"}]
    config = Config.model_validate({"accounts": tables})
    assert trouble_with_machine(config) == []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert trouble_with_machine(config) == [
        (("accounts", 1, "kind"), "the module sansldap is not installed; pip install 'postane[ldap]'")
    ]
