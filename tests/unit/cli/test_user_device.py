import hashlib
import io
import json
import sys

import pytest

from postane.accounts.base import LoginRefused
from postane.accounts.local import LocalAccounts
from postane.accounts.records import Place
from postane.accounts.registry import Registry
from postane.cli.main import main
from postane.cli.user_device import moment, stamp

STAMP = "<1896.697170952@dbc.mtview.ca.us>"


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
async def accounts(place):
    registry = Registry(place)
    registry.add("anna", password="secret")
    registry.close()
    accounts = LocalAccounts(place)
    yield accounts
    await accounts.close()


@pytest.fixture
def postane(tmp_path, accounts, monkeypatch, capsys):
    config = tmp_path / "postane.toml"
    config.write_text(f'[storage]\npath = "{tmp_path}"\n')

    def run(*words, given=b""):
        monkeypatch.setattr(sys, "argv", ["postane", "user", "device", *words, "-c", str(config)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


async def test_a_generated_secret_is_printed_and_works(postane, accounts):
    code, out, err = postane("add", "anna", "Anna's phone")
    assert code == 0
    assert out.strip() not in err
    secret = out.strip()
    assert (await accounts.verify_password("anna", secret)).credential == "device Anna's phone"
    digest = hashlib.md5((STAMP + secret).encode()).hexdigest()
    assert (await accounts.verify_apop("anna", STAMP, digest)).credential == "device Anna's phone"


async def test_a_given_secret_is_not_printed(postane, accounts):
    code, out, err = postane("add", "anna", "laptop", "--secret-stdin", given=b"tanstaaf\n")
    assert (code, out) == (0, "")
    assert "tanstaaf" not in err
    await accounts.verify_apop("anna", STAMP, "c4c9334bac560ecc979e58001b3e22fb")


@pytest.mark.parametrize(("label", "given", "code"), [("", b"x", 65), ("a\nb", b"x", 65), ("fine", b"", 65)])
def test_impossible_ones_are_refused(postane, label, given, code):
    told = postane("add", "anna", label, "--secret-stdin", given=given)
    assert told[:2] == (code, "")
    assert json.loads(postane("list", "anna", "--json")[1]) == []


def test_a_label_is_used_once(postane):
    postane("add", "anna", "phone")
    code, out, err = postane("add", "anna", "phone")
    assert (code, out) == (73, "")
    assert 'has a device "phone" already' in err


async def test_list_and_revoke(postane, accounts):
    assert "no devices" in postane("list", "anna")[2]
    secret = postane("add", "anna", "phone")[1].strip()
    (device,) = json.loads(postane("list", "anna", "--json")[1])
    assert set(device) == {"label", "created", "last_used"}
    await accounts.verify_password("anna", secret)
    await accounts.close()
    assert json.loads(postane("list", "anna", "--json")[1])[0]["last_used"] is not None
    head, row = postane("list", "anna")[1].splitlines()
    assert head.split() == ["LABEL", "CREATED", "LAST", "USED"]
    assert row.startswith("phone ")
    assert secret not in head + row
    assert postane("revoke", "anna", "phone")[0] == 0
    assert postane("revoke", "anna", "phone")[0] == 67


async def test_a_revoked_device_is_out(postane, accounts):
    secret = postane("add", "anna", "phone")[1].strip()
    postane("revoke", "anna", "phone")
    with pytest.raises(LoginRefused):
        await accounts.verify_password("anna", secret)


def test_a_key_that_others_may_read(postane, tmp_path):
    postane("add", "anna", "phone")
    (tmp_path / "device.key").chmod(0o644)
    code, _, err = postane("add", "anna", "laptop")
    assert code == 75
    assert "chmod 600" in err


def test_times():
    assert stamp(0) == "1970-01-01T00:00:00+00:00"
    assert moment(0) == "1970-01-01 00:00 UTC"
    assert moment(None) == "never"
