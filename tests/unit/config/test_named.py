"""Files that a configuration names and that cannot be read."""

import os

import pytest

from postane.config.model import Config
from postane.config.named import trouble_with_files


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
