"""`postane user set` as people use it."""

import json

import pytest

KEYS = ("quota_octets", "quota_messages", "lock", "retention", "login_delay", "keep_deleted")


def settings(shell, name="anna"):
    told = json.loads(shell(f"user show {name} --json").out)
    return [told[key] for key in KEYS]


def test_an_account_has_nothing_of_its_own_at_first(shell):
    assert settings(shell) == [None, None, None, None, None, False]
    assert "retention" not in shell("user show anna").out


def test_settings_are_kept_and_shown(shell):
    done = shell("user set anna quota=2GB messages=10 lock=takeover retention=30d login-delay=5m keep-deleted=yes")
    assert (done.code, done.err) == (0, "changed anna\n")
    assert settings(shell) == [2 * 1024**3, 10, "takeover", 30 * 86400.0, 300.0, True]
    lines = dict(line.split(maxsplit=1) for line in shell("user show anna").out.splitlines())
    own = {key: lines[key] for key in ("quota", "lock", "retention", "login-delay", "keep-deleted")}
    assert own == {
        "quota": "2GB, 10 messages",
        "lock": "takeover",
        "retention": "30d",
        "login-delay": "5m",
        "keep-deleted": "yes",
    }


def test_a_key_without_a_value_is_the_servers_again(shell):
    shell("user set anna quota=2GB lock=share retention=never login-delay=0 keep-deleted=yes")
    assert settings(shell) == [2 * 1024**3, None, "share", "never", 0.0, True]
    assert shell("user set anna lock= retention= login-delay= keep-deleted=").code == 0
    assert settings(shell) == [2 * 1024**3, None, None, None, None, False]


def test_what_is_not_named_stays(shell):
    shell("user set anna retention=7d")
    shell("user set anna login_delay=10s")
    assert settings(shell)[3:5] == [7 * 86400.0, 10.0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("colour=blue", "KEY=VALUE"),
        ("quota", "KEY=VALUE"),
        ("quota=lots", "quota: 'lots' is not a size"),
        ("messages=-1", "messages: '-1' is not a number"),
        ("lock=maybe", "lock: 'maybe' is not a lock policy; write refuse, wait, takeover, share"),
        ("retention=soon", "retention: 'soon' is not a time to keep messages"),
        ("login-delay=never", "login-delay: 'never' is not a duration"),
        ("keep-deleted=true", "keep-deleted: 'true' is neither"),
    ],
)
def test_a_mistake_changes_nothing(shell, words, told):
    done = shell(f"user set anna retention=7d {words}")
    assert done.code == 64
    assert told in done.err
    assert settings(shell) == [None, None, None, None, None, False]


def test_nobody_has_no_settings(shell):
    assert shell("user set nobody lock=share").code == 67
