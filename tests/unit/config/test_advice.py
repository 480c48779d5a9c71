"""What is allowed and may not have been meant."""

import pytest

from postane.config.advice import advice
from postane.config.model import DEFAULT_LISTENERS, Config

OAUTH = {"kind": "oauth", "introspection": "https://as.example", "audience": "post"}
OFF: dict[str, object] = {"listen": []}


def told(values: dict[str, object], *, is_root: bool = False) -> str:
    return "\n".join(advice(Config.model_validate(values), is_root=is_root))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({name: {"listen": []} for name in DEFAULT_LISTENERS}, "nobody can reach this server"),
        ({"web": {"listen": ["127.0.0.1:8110"]}}, "[web] is not in this version"),
        ({"metrics": {"listen": ["127.0.0.1:9110"]}}, "[metrics] is not in this version"),
        ({"limits": {"idle": "1m"}}, "limits.idle is below 10m"),
        ({"accounts": []}, "nobody has a maildrop here"),
        ({"accounts": [OAUTH]}, "nobody has a maildrop here"),
        (
            {"accounts": [{"kind": "local"}, {**OAUTH, "audience": "*"}]},
            "a token for any client of that server",
        ),
        ({"proxy": {"trusted": ["192.0.2.1", "0.0.0.0/0"]}, "lmtp": OFF}, "proxy.trusted: 0.0.0.0/0 is everybody"),
        ({"smtp": {"xclient": ["::/0"]}}, "smtp.xclient: ::/0 is everybody"),
        ({"proxy": {"trusted": ["127.0.0.1"]}}, "who delivers to 127.0.0.1:24 must send a PROXY header too"),
        (
            {"accounts": [{"kind": "ldap", "url": "ldap://h", "base": "b", "start_tls": False}]},
            "passwords cross to ldap://h in clear text",
        ),
    ],
)
def test_each_is_said_and_nothing_else(values: dict[str, object], words: str) -> None:
    assert words in told(values)
    assert told(values).count("\n") == 0


def test_root_is_advised_to_be_somebody_else() -> None:
    assert "server.user" in told({}, is_root=True)
    assert told({"server": {"user": "postane"}}, is_root=True) == ""


def test_the_defaults_need_no_advice() -> None:
    assert told({}) == ""


@pytest.mark.parametrize(
    "values",
    [
        {"proxy": {"trusted": ["192.0.2.0/24", "127.0.0.2"]}},
        {"proxy": {"trusted": ["127.0.0.0/8"]}, "lmtp": {"listen": ["unix:/run/lmtp.sock"]}},
        {"smtp": {"xclient": ["127.0.0.1", "10.0.0.0/8"]}},
    ],
)
def test_who_trusts_few_hears_nothing(values: dict[str, object]) -> None:
    assert told(values) == ""
