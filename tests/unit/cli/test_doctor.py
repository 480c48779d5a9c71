"""`postane doctor`: its exit code, its lines, its JSON."""

import json
import resource

import pytest

from support.shell import Shell


def test_all_is_well_or_only_warned_of(shell: Shell) -> None:
    before = sorted(shell.storage.rglob("*"))
    done = shell("doctor --offline")
    assert done.code == 0, done.out
    lines = done.out.splitlines()
    assert f"ok       configuration  {shell.config} can be used" in lines
    assert any(line.startswith("warning  certificate    none is configured") for line in lines)
    assert f"ok       secrets        {shell.storage}/accounts.sqlite is closed to others" in lines
    assert sorted(shell.storage.rglob("*")) == before, "nothing is made"


def test_what_is_wrong_is_told_with_what_to_do(shell: Shell) -> None:
    shell.storage.chmod(0o755)
    done = shell("doctor --offline")
    assert done.code == 78
    lines = done.out.splitlines()
    place = lines.index(f"error    storage        {shell.storage} is open to others (mode 0755)")
    assert lines[place + 1].strip() == f"chmod 700 {shell.storage}"


def test_a_bad_configuration_is_a_finding_and_the_only_one(shell: Shell) -> None:
    shell.config.write_text('[limits]\nidle = "x"\nfoo = 1\n')
    done = shell("doctor --json")
    told = json.loads(done.out)
    assert (done.code, told["ok"]) == (78, False)
    assert [each["severity"] for each in told["findings"]] == ["error", "error"]
    assert "limits.idle" in told["findings"][0]["words"]


def test_json_says_the_same(shell: Shell) -> None:
    told = json.loads(shell("doctor --offline --json").out)
    assert told["ok"]
    assert {each["about"] for each in told["findings"]} >= {"configuration", "certificate", "storage", "disk"}
    assert all(set(each) == {"severity", "about", "words", "remedy"} for each in told["findings"])


@pytest.mark.parametrize(("files", "severity"), [(1024, "warning"), (524288, "ok")])
def test_whether_so_many_connections_can_come(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, files: int, severity: str
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, files))
    told = json.loads(shell("doctor --offline --json").out)
    (found,) = [each for each in told["findings"] if each["about"] == "open files"]
    assert found["severity"] == severity
    assert ("ulimit -n" in found["words"]) is (severity == "warning")
