"""The commands as people and scripts use them: words in, exit code, standard output and standard error out."""

import io
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from postane.accounts.local import LocalAccounts
from postane.accounts.records import Place
from postane.cli.main import main
from postane.sasl.base import ScramDigest

SECRET = "correct horse"


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def config(tmp_path) -> Path:
    path = tmp_path / "postane.toml"
    path.write_text(f'hostname = "postane.test"\n[storage]\npath = "{tmp_path / "storage"}"\n')
    return path


@pytest.fixture
def postane(config, monkeypatch, capsys):
    def run(words: str, *more: str, given: bytes = b"", terminal: bool = False) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["postane", *words.split(), *more, "-c", str(config)])
        kind = Terminal if terminal else io.TextIOWrapper
        monkeypatch.setattr(sys, "stdin", kind(io.BytesIO(given), encoding="utf-8"))
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        told = capsys.readouterr()
        return Outcome(code, told.out, told.err)

    return run


@pytest.fixture
async def accounts(tmp_path):
    accounts = LocalAccounts(Place(tmp_path / "storage"), own_domains=("postane.test",))
    yield accounts
    await accounts.close()


@pytest.fixture
def anna(postane):
    assert postane("user add anna --password-stdin", given=f"{SECRET}\n".encode()).code == 0


# add


async def test_add_with_a_password_from_standard_input(postane, accounts):
    done = postane("user add Anna --password-stdin", given=f"{SECRET}\n".encode())
    assert (done.code, done.out, done.err) == (0, "", "added anna\n")
    await accounts.verify_password("anna", SECRET)


@pytest.mark.parametrize("given", [b"secret", b"secret\n", b"secret\r\n"])
async def test_the_end_of_the_line_is_not_part_of_the_password(postane, accounts, given):
    postane("user add anna --password-stdin", given=given)
    await accounts.verify_password("anna", "secret")


async def test_octets_that_are_no_utf_8_may_be_a_password(postane, accounts):
    assert postane("user add anna --password-stdin", given=b"\xff\xfe\n").code == 0
    await accounts.verify_password("anna", "\udcff\udcfe")


async def test_generate_prints_the_password_alone(postane, accounts):
    done = postane("user add anna --generate")
    assert done.code == 0
    assert done.out.count("\n") == 1
    assert done.out.strip() not in done.err
    await accounts.verify_password("anna", done.out.strip())


async def test_add_with_everything(postane, accounts):
    words = "user add anna@example.org --generate --quota 2GB --alias info@example.org --alias @example.net"
    assert postane(words).code == 0
    account = await accounts.find("anna@example.org")
    assert account is not None
    assert account.quota.octets == 2 * 1024**3
    assert await accounts.resolve("info", "example.org") == account
    assert await accounts.resolve("whoever", "example.net") == account


@pytest.mark.parametrize(
    ("words", "given", "code", "says"),
    [
        ("user add anna", b"", 64, "give --password-stdin or --generate"),
        ("user add anna --password-stdin --generate", b"x", 64, "exclude each other"),
        ("user add anna --password-stdin", b"", 65, "empty"),
        ("user add anna --password-stdin", b"\n", 65, "empty"),
        ("user add anna --password-stdin", b"secret\nmore\n", 65, "one line"),
        ("user add anna --password-stdin", b"x" * 300, 65, "longer"),
        ("user add ../anna --generate", b"", 65, "a name must not"),
        ("user add anna@ --generate", b"", 65, "USER@DOMAIN"),
        ("user add anna --generate --quota much", b"", 64, "not a size"),
        ("user add anna --generate --alias a/b", b"", 65, "a name must not"),
    ],
)
def test_add_refuses_and_says_why(postane, words, given, code, says):
    done = postane(words, given=given)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert "secret" not in done.err
    assert json.loads(postane("user list --json").out) == []


def test_add_of_an_existing_name(postane, anna):
    done = postane("user add ANNA --generate")
    assert (done.code, done.out) == (73, "")
    assert '"anna" exists already' in done.err


def test_a_folder_that_cannot_be_used(postane, tmp_path):
    (tmp_path / "storage").write_text("")
    done = postane("user add anna --generate")
    assert done.code == 75
    assert "storage" in done.err
    assert done.out == ""


# list, show


def test_an_empty_list(postane):
    done = postane("user list")
    assert (done.code, done.out) == (0, "")
    assert "no accounts yet" in done.err
    assert postane("user list --json").out == "[]\n"


def test_list_and_show(postane, anna):
    postane("user add ben@example.org --generate --quota 5MB --alias info@example.org")
    postane("user device add ben@example.org", "Ben's phone")
    postane("user disable anna")
    table = postane("user list").out.splitlines()
    assert [line.split() for line in table] == [
        ["NAME", "ENABLED", "QUOTA", "ALIASES", "DEVICES"],
        ["anna", "no", "-", "0", "0"],
        ["ben@example.org", "yes", "5MB", "1", "1"],
    ]
    shown = postane("user show ben@example.org").out
    for text in ("ben@example.org", "5MB", "info@example.org", "Ben's phone (last used never)"):
        assert text in shown
    ben = json.loads(postane("user show ben@example.org --json").out)
    assert json.loads(postane("user list --json").out)[1] == ben
    assert (ben["name"], ben["enabled"], ben["has_password"]) == ("ben@example.org", True, True)
    assert (ben["quota_octets"], ben["quota_messages"]) == (5 * 1024**2, None)
    assert ben["aliases"] == ["info@example.org"]
    assert ben["devices"][0]["label"] == "Ben's phone"
    assert ben["devices"][0]["last_used"] is None


@pytest.mark.parametrize(
    "words",
    [
        "user show {}",
        "user show --json {}",
        "user password {} --generate",
        "user disable {}",
        "user enable {}",
        "user remove {}",
        "user device add {} phone",
        "user device list {}",
        "user device revoke {} phone",
    ],
)
def test_an_unknown_account(postane, anna, words):
    done = postane(words.format("anan"))
    assert (done.code, done.out) == (67, "")
    assert 'there is no account "anan"; did you mean "anna"?' in done.err
    assert postane(words.format("../x")).code == 67


def test_show_tells_whether_there_are_keys_for_scram(postane, anna, config):
    def told():
        (line,) = [line for line in postane("user show anna").out.splitlines() if line.startswith("scram ")]
        return line.removeprefix("scram").strip(), json.loads(postane("user show anna --json").out)["has_scram_keys"]

    assert told() == ("keys kept", True)
    users = config.with_name("users.txt")
    users.write_text("anna:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n")
    postane(f"user import {users} --update")
    assert told() == ("no keys yet: made at the next login with the password in clear text", False)
    postane("user password anna --generate")
    assert told() == ("keys kept", True)


async def test_a_new_password_ends_keys_and_so_do_disable_and_remove(postane, anna, accounts):
    def has_keys():
        return accounts.scram("anna", ScramDigest.SHA_256)

    before = await has_keys()
    assert before.proofs != ()
    postane("user password anna --generate")
    after = await has_keys()
    assert after.proofs != ()
    assert after.keys.pairs != before.keys.pairs
    postane("user disable anna")
    assert (await has_keys()).proofs == ()
    postane("user enable anna")
    postane("user remove anna --yes")
    assert (await has_keys()).proofs == ()


def test_a_database_that_others_may_read_is_refused_with_what_to_do(postane, anna, config):
    (database,) = config.parent.rglob("accounts.sqlite")
    database.chmod(0o644)
    done = postane("user list")
    assert (done.code, done.out) == (75, "")
    assert f"chmod 600 {database}" in done.err
    assert "Traceback" not in done.err


# password, disable, enable


async def test_password(postane, anna, accounts):
    await accounts.verify_password("anna", SECRET)
    done = postane("user password anna --password-stdin", given=b"new")
    assert (done.code, done.out) == (0, "")
    await accounts.verify_password("anna", "new")
    done = postane("user password anna --generate")
    await accounts.verify_password("anna", done.out.strip())
    assert postane("user password anna").code == 64
    assert postane("user password anna --password-stdin", given=b"").code == 65


async def test_disable_and_enable(postane, anna, accounts):
    assert "still receives" in postane("user disable anna").err
    account = await accounts.find("anna")
    assert account is not None
    assert not account.is_enabled
    assert postane("user enable anna").code == 0
    await accounts.verify_password("anna", SECRET)


# remove


def drops(postane):
    return [drop["name"] for drop in json.loads(postane("drop list --json").out)]


def accounts_left(postane):
    return [account["name"] for account in json.loads(postane("user list --json").out)]


def test_remove_keeps_the_mail_and_says_so(postane, anna):
    assert postane("drop put anna", given=b"Subject: x\n\nhello\n").code == 0
    done = postane("user remove anna")
    assert (done.code, done.out) == (0, "")
    assert "its mail is kept" in done.err
    assert (accounts_left(postane), drops(postane)) == ([], ["anna"])


def test_remove_with_its_mail(postane, anna):
    assert postane("drop put anna", given=b"Subject: x\n\nhello\n").code == 0
    assert postane("user remove anna --drop --yes").code == 0
    assert (accounts_left(postane), drops(postane)) == ([], [])


def test_remove_with_its_mail_where_none_ever_came(postane, anna):
    assert postane("user remove anna --drop --yes").code == 0


def test_mail_is_not_removed_where_nobody_can_be_asked(postane, anna):
    done = postane("user remove anna --drop")
    assert done.code == 64
    assert "--yes" in done.err
    assert accounts_left(postane) == ["anna"]


async def test_on_a_terminal_remove_asks(postane, anna, accounts):
    done = postane("user remove anna --drop", given=b"n\n", terminal=True)
    assert done.code == 1
    assert "and all its mail?" in done.err
    assert await accounts.find("anna") is not None
    assert postane("user remove anna", given=b"y\n", terminal=True).code == 0
    assert await accounts.find("anna") is None


async def test_yes_does_not_ask(postane, anna, accounts):
    assert postane("user remove anna --yes", terminal=True).code == 0
    assert await accounts.find("anna") is None


# a real terminal


def on_terminal(config: Path, words: list[str], answers: list[tuple[bytes, bytes]]) -> tuple[int, bytes]:
    """Run a command on a pseudo-terminal; answer each prompt. The exit code, and all that was to be seen."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "postane", *words, "-c", str(config)]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    seen = b""
    try:
        for prompt, answer in answers:
            while prompt not in seen.rpartition(b"\n")[2]:
                seen += os.read(ours, 4096)
            time.sleep(0.2)  # the echo is turned off just after the prompt
            os.write(ours, answer + b"\n")
            seen += b"\n"
        while octets := os.read(ours, 4096):
            seen += octets
    except OSError:  # Linux says so when the other side is gone
        pass
    finally:
        os.close(ours)
    return process.wait(30), seen


async def test_on_a_terminal_the_password_is_asked_twice_and_never_shown(config, accounts):
    answers = [(b"Password for anna", SECRET.encode()), (b"Repeat", SECRET.encode())]
    code, seen = on_terminal(config, ["user", "add", "anna"], answers)
    assert code == 0, seen
    assert SECRET.encode() not in seen
    await accounts.verify_password("anna", SECRET)


# help


@pytest.mark.parametrize(
    "words",
    [
        *("user", "user add", "user list", "user show", "user password", "user disable", "user enable", "user set"),
        *("user remove", "user import", "user device", "user device add", "user device list", "user device revoke"),
    ],
)
def test_help_has_an_example(monkeypatch, capsys, words):
    monkeypatch.setattr(sys, "argv", ["postane", *words.split(), "--help"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    assert words in ("user", "user device") or f"Example: postane {words}" in " ".join(capsys.readouterr().out.split())
