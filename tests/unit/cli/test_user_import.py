import io
import json
import os
import subprocess
import sys

import pytest

from postane.accounts import bulk
from postane.accounts.base import LoginRefused
from postane.accounts.hashes import FULL, LIGHT, cost_of
from postane.accounts.local import LocalAccounts
from postane.accounts.records import Place
from postane.accounts.registry import Registry
from postane.cli.main import main


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "postane.toml"
    path.write_text(f'[storage]\npath = "{tmp_path / "storage"}"\n')
    return path


@pytest.fixture
def registry(tmp_path):
    registry = Registry(Place(tmp_path / "storage"))
    yield registry
    registry.close()


@pytest.fixture
async def accounts(tmp_path):
    accounts = LocalAccounts(Place(tmp_path / "storage"))
    yield accounts
    await accounts.close()


@pytest.fixture
def load(tmp_path, config, monkeypatch, capsys):
    users = tmp_path / "users.txt"

    def run(octets, *options, by="file"):
        users.write_bytes(octets)
        name = "-" if by == "stdin" else str(users)
        monkeypatch.setattr(sys, "argv", ["postane", "user", "import", name, *options, "-c", str(config)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(octets)))
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        told = capsys.readouterr()
        assert told.out == "", "what is told is for people"
        return code, told.err.replace(str(users), "users.txt")

    return run


def costs(registry):
    return {cost_of(row[0]) for row in registry._ask("SELECT password FROM account")}


@pytest.mark.parametrize("by", ["file", "stdin"])
async def test_many_kinds_of_lines(load, accounts, registry, by):
    octets = (
        b"\xef\xbb\xbf# our people\r\n\r\nanna@Example.org:se:cret \r\n"
        b"ben:{SSHA}irN1UprNwGtboQqHvrXPJla38t5o0SYm\r\n"
        b"ceren:$6$kurt$y0PdV6gJLhPNB30nGcPd0fxtkwvJ.rmAG.pbmYAxWUgsx8pGoP.uq0/lLqxPtFYgW9RiuI1hqIflmHunxcXbl.\r\n"
        b"dan:{PLAIN}{SSHA}\r\n" + "efe:şifre".encode()
    )
    code, err = load(octets, by=by)
    assert (code, err.splitlines()[0]) == (0, "added 5 accounts")
    assert "2 accounts get their keys for SCRAM at the first login" in err
    for name, password in [
        ("anna@example.org", "se:cret "),
        ("ben", "tanstaaf ü"),
        ("ceren", "tanstaaf ü"),
        ("dan", "{SSHA}"),
        ("efe", "şifre"),
    ]:
        await accounts.verify_password(name, password)
    await accounts.close()
    assert costs(registry) == {FULL}, "every login has left a full hash"


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"anna:secret1\nben secret2\n", "users.txt:2: a line is NAME:PASSWORD"),
        (b"anna:secret1\r\nben/:secret2\r\n", 'users.txt:2: "ben/" has / in it'),
        (b"anna:secret1\nANNA:secret2\n", 'users.txt:2: "anna" is in line 1 already'),
        (b"anna:secret1\n\n#\nben:\n", "users.txt:4: the password is empty"),
        (b"anna:{NEWEST}secret1\n", "users.txt:1: hashes of this kind cannot be read; known are ARGON2ID"),
    ],
)
def test_one_bad_line_and_nothing_is_imported(load, registry, octets, says):
    code, err = load(octets)
    assert code == 65
    assert says in err
    assert err.endswith("nothing was imported\n")
    assert "secret" not in err
    assert registry.names() == []


def test_standard_input_is_named(load):
    assert "standard input:1: a line is" in load(b"anna\n", by="stdin")[1]


def test_every_bad_line_is_told_within_reason(load):
    lines = load(b"bad\n" * 30)[1].splitlines()
    assert len(lines) == 22
    assert lines[-2:] == ["postane: ... and 10 more", "postane: nothing was imported"]


def test_a_file_that_is_not_there(config, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["postane", "user", "import", "/nowhere/users", "-c", str(config)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 66
    assert "/nowhere/users" in capsys.readouterr().err


async def test_existing_names_need_update(load, registry, accounts):
    load(b"anna:old\n")
    registry.add_alias("anna", "info")
    code, err = load(b"ben:x\nanna:new\n")
    assert code == 65
    assert 'users.txt:2: "anna" exists already; --update would give it the new password' in err
    assert registry.names() == ["anna"]
    assert load(b"ben:x\nanna:new\n", "--update") == (0, "added 1 accounts, updated 1\n")
    await accounts.verify_password("anna", "new")
    with pytest.raises(LoginRefused):
        await accounts.verify_password("anna", "old")
    for options in ((), ("--update",)):
        code, err = load(b"info:x\n", *options)
        assert code == 65
        assert 'users.txt:1: "info" is an alias of "anna"' in err


def test_a_large_import_is_light_and_says_so(load, registry, monkeypatch):
    monkeypatch.setattr(bulk, "LIGHT_OVER", 2)
    assert load(b"a:x\nb:x\n") == (0, "added 2 accounts\n")
    assert costs(registry) == {FULL}
    code, err = load(b"a:x\nb:x\nc:x\n", "--update")
    assert code == 0
    assert "lighter argon2id (4 MiB, 1 pass)" in err
    assert "first login" in err
    assert costs(registry) == {LIGHT}
    assert "lighter" not in load(b"a:x\nb:x\nc:x\n", "--update", "--full-cost")[1]
    assert costs(registry) == {FULL}


@pytest.mark.parametrize("how", [[], ["--full-cost"]])
def test_whose_keys_for_scram_are_made_later_is_told(load, registry, monkeypatch, how):
    monkeypatch.setattr(bulk, "LIGHT_OVER", 2)
    err = load(b"a:x\nb:x\nc:x\nd:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n", *how)[1]
    assert f"{1 if how else 4} accounts get their keys for SCRAM" in err
    assert sum(record.has_scram_keys for record in registry.records()) == (3 if how else 0)


def test_an_empty_file_is_no_mistake(load):
    assert load(b"# nobody\n") == (0, "added 0 accounts\n")


def test_progress_is_shown_on_a_terminal_alone(tmp_path, config):
    users = tmp_path / "users.txt"
    users.write_text("".join(f"user{n}:secret{n}\n" for n in range(20)))
    command = [sys.executable, "-m", "postane", "user", "import", str(users), "-c", str(config)]
    ours, theirs = os.openpty()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while octets := os.read(ours, 4096):
            seen += octets
    except OSError:  # Linux says so when the other side is gone
        pass
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == b""
    assert b"hashing passwords" in seen
    assert b"added 20 accounts" in seen
    quiet = subprocess.run([*command, "--update"], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert quiet.stderr == b"added 0 accounts, updated 20\n"
    assert json.dumps(quiet.stdout.decode()) == '""'
