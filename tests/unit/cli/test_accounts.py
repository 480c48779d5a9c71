"""What the `user` commands share; the commands' own tests show the rest."""

import io
import sys
from pathlib import Path

import pytest

from postane.accounts.base import NameTaken, UnknownName
from postane.accounts.hashes import BadPassword
from postane.accounts.imported import HashError
from postane.accounts.names import BadName
from postane.cli.accounts import opened_registry, read_secret
from postane.cli.user import _where
from postane.cli.words import Exit, Failure
from postane.config.file import ConfigError
from support.shell import Shell


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnknownName("why"), Exit.NO_USER),
        (NameTaken("why"), Exit.CANNOT_CREATE),
        (BadName("why"), Exit.DATA),
        (BadPassword("why"), Exit.DATA),
        (HashError("why"), Exit.DATA),
    ],
)
def test_every_mistake_has_its_exit_code(tmp_path, error, code):
    config = tmp_path / "postane.toml"
    config.write_text(f'[storage]\npath = "{tmp_path}"\n')

    def fail():
        with opened_registry(config):
            raise error

    with pytest.raises(Failure) as caught:
        fail()
    assert (caught.value.text, caught.value.code) == ("why", code)


@pytest.mark.parametrize(("octets", "secret"), [(b"", ""), (b"a b \n", "a b "), (b"\xff\r\n", "\udcff"), (b"\n", "")])
def test_a_secret_is_one_line(monkeypatch, octets, secret):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(octets)))
    assert read_secret() == secret


@pytest.mark.parametrize("octets", [b"a\nb", b"a\n\n", b"a\rb\n"])
def test_more_than_one_line_is_refused(monkeypatch, octets):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(octets)))
    with pytest.raises(Failure):
        read_secret()


def test_accounts_that_nobody_would_ask_for_are_not_managed(tmp_path):
    config = tmp_path / "postane.toml"
    config.write_text(f'[storage]\npath = "{tmp_path}/store"\n[[accounts]]\nkind = "pam"\n')
    with pytest.raises(ConfigError, match='kind = "local"'), opened_registry(config):
        raise AssertionError("opened")
    assert not (tmp_path / "store").exists()


def test_an_account_of_another_table_is_named_as_such(shell: Shell, tmp_path: Path) -> None:
    passwords = tmp_path / "passwd"
    passwords.write_text("alice:{PLAIN}correct horse\n")
    passwords.chmod(0o600)
    down = 'kind = "postgresql"\nurl = "postgresql://127.0.0.1:1/x"\npassword_query = "SELECT :user"\n'
    tables = (
        f'[[accounts]]\n{down}[[accounts]]\nkind = "local"\n[[accounts]]\nkind = "passwd-file"\npath = "{passwords}"\n'
    )
    shell.config.write_text(shell.config.read_text() + tables)
    done = shell("user show alice")
    assert done.code == 67
    assert done.err.startswith(
        'postane: "alice" is an account of the table kind = "passwd-file" in [[accounts]]: postane'
    )
    assert 'there is no account "bob"' in shell("user password bob --generate").err


def test_an_empty_list_says_where_it_looked(shell: Shell) -> None:
    shell("user remove anna --yes")
    words = f"no accounts yet in {shell.storage} (storage.path of {shell.config}): postane user add NAME\n"
    assert shell("user list").err == words


def test_without_a_configuration_that_is_said_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postane.config.file.SEARCHED", ())
    assert _where(None) == "/var/lib/postane (the default, as there is no configuration file)"
