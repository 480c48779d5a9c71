"""Accounts are tried until one opens; a password that was typed is tried with each login name, and asked for again."""

import ssl

import pytest

from postane.cli.fetch_try import TRIES, first_open
from postane.cli.words import Exit, Failure
from postane.config.fetching import FetchConfig
from postane.testing.hostile import hostile_server
from support.aside import aside
from support.certificates import LOCALHOST, Authority

PASSWORD = "tanstaaf"
ADDRESS = "mrose@example.org"


@pytest.fixture
def server():
    with aside(hostile_server([b"Subject: one\r\n\r\n1\r\n"])) as server:
        yield server


def table(url: str, user: str) -> dict[str, object]:
    return {"name": "work", "url": url, "user": user, "deliver": [{"maildir": "~/Mail"}]}


class Hand:
    """Somebody who types these, one after the other."""

    def __init__(self, *passwords: str) -> None:
        self.left = list(passwords)
        self.prompts: list[str] = []

    def __call__(self, prompt: str) -> str:
        self.prompts.append(prompt)
        return self.left.pop(0)


def test_a_password_is_typed_once_for_all_login_names(server):
    hand = Hand(PASSWORD)
    tables = [table(server.url, ADDRESS), table(server.url, "mrose")]
    assert first_open(tables, FetchConfig(), hand) == (tables[1], PASSWORD)
    assert len(hand.prompts) == 1


def test_and_again_when_none_of_them_is_let_in_with_it(server, capsys):
    hand = Hand("mistyped", PASSWORD)
    tables = [table(server.url, ADDRESS), table(server.url, "mrose")]
    assert first_open(tables, FetchConfig(), hand) == (tables[1], PASSWORD)
    assert hand.prompts == [f"Password of {ADDRESS} at 127.0.0.1: "] * 2
    assert PASSWORD not in capsys.readouterr().err


@pytest.mark.parametrize("typed", [["wrong"] * TRIES, ["wrong", ""], [""]])
def test_nobody_is_asked_for_ever(server, typed):
    hand = Hand(*typed)
    with pytest.raises(Failure, match="no login succeeded") as raised:
        first_open([table(server.url, "mrose")], FetchConfig(), hand)
    assert raised.value.code == Exit.NO_PERMISSION
    assert hand.left == []


@pytest.mark.parametrize(
    ("hand", "why"), [(None, "nobody is asked for the password here"), (Hand(""), "no password was")]
)
def test_who_gives_no_password_is_told_how_to_give_it(server, capsys, hand, why):
    with pytest.raises(Failure) as raised:
        first_open([table(server.url, "mrose")], FetchConfig(), hand)
    assert raised.value.code == Exit.NO_PERMISSION
    told = capsys.readouterr().err
    assert why in told
    assert "--set password.env=PW" in told
    assert "fetch.toml" not in told


def test_a_certificate_that_is_not_believed_is_pinned_by_an_option(tmp_path, capsys):
    certificate = Authority(tmp_path).issue("server", LOCALHOST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    with aside(hostile_server([], tls=context, is_implicit=True)) as server, pytest.raises(Failure) as raised:
        first_open([table(f"pop3s://127.0.0.1:{server.port}", "mrose")], FetchConfig(), Hand(PASSWORD))
    assert raised.value.code == Exit.PROTOCOL
    assert "give its authority (--set tls_ca=...) or pin it (--set tls_pin=...): sha256:" in capsys.readouterr().err


def test_a_server_that_does_not_answer_asks_for_no_password_again(server):
    hand = Hand(PASSWORD, PASSWORD)
    tables = [table("pop3://127.0.0.1:1", "mrose"), table(server.url, "mrose")]
    assert first_open(tables, FetchConfig(), hand) == (tables[1], PASSWORD)


def test_where_nobody_is_there_each_is_tried_once(server):
    with pytest.raises(Failure):
        first_open([table(server.url, "mrose")], FetchConfig(), None)
    assert server.connections == 0
