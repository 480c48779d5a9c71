"""From an account of fetch.toml to sessions with its server."""

import pytest

from postane.client.errors import ClearTextRefused, ConnectionFailed, LoginRefused
from postane.client.login import Plaintext
from postane.config.fetching import Account, FetchConfig
from postane.config.problems import ConfigError
from postane.credentials.base import Secret, SecretKind
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.imap_source import ImapSource
from postane.fetch.pop1_source import Pop1Source
from postane.fetch.pop2_source import Pop2Source
from postane.fetch.pop3_source import Pop3Source
from postane.fetching.origins import Way, open_origin, open_way, owner_of
from postane.fetching.secrets import Owner
from postane.net.base import TlsMode
from postane.testing.faults import Missing
from postane.testing.hostile import hostile_server
from postane.testing.pop3_login import Account as Known
from support.dialogue import DialogueLink

TABLE = {"name": "work", "url": "pop3s://you@pop.example.org", "deliver": [{"mbox": "x"}]}


def table(**keys: object) -> Account:
    return Account.model_validate({**TABLE, **keys})


def way(**keys: object) -> Way:
    return open_way(FetchConfig(), table(**keys), lambda _: None)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("pop3s://you@h", Pop3Source),
        ("pop://you@h", Pop3Source),
        ("pop2://you@h", Pop2Source),
        ("pop1://you@h:1090", Pop1Source),
        ("imaps://you:x@h", ImapSource),
    ],
)
def test_each_protocol_has_its_source(url, kind):
    origin = open_origin(FetchConfig(), table(url=url, password="x"), lambda _: None)
    assert origin.host == "h"
    first, second = origin.make(), origin.make()
    assert isinstance(first, kind)
    assert first is not second


@pytest.mark.parametrize(
    ("url", "tls", "mode"),
    [
        ("pop3s://you@h", None, TlsMode.IMPLICIT),
        ("pop3://you@h", None, TlsMode.OFFERED),
        ("pop3://you@h", "required", TlsMode.REQUIRED),
        ("pop3://you@h", "none", TlsMode.NONE),
        ("pop2://you@h", None, TlsMode.NONE),
        ("pop1s://you@h:1091", None, TlsMode.IMPLICIT),
        ("imap://you@h", None, TlsMode.OFFERED),
    ],
)
def test_when_tls_begins(url, tls, mode):
    assert way(url=url, tls=tls, password="x").target.tls.mode is mode


def test_what_is_said_of_the_connection_is_passed_on():
    keys = {"tls_pin": "sha256:" + "ab" * 32, "tls_minimum": "1.3", "timeout": "7s", "proxy": "socks5://h:1080"}
    made = way(url="pop3://pop.example.org:1110", user="anna", plaintext="always", mechanisms=["APOP"], **keys)
    assert (made.target.host, made.target.port, made.target.timeout) == ("pop.example.org", 1110, 7.0)
    assert (made.target.proxy, made.target.tls.minimum, made.user) == ("socks5://h:1080", "1.3", "anna")
    assert made.target.tls.pin is not None
    assert (made.policy.plaintext, made.policy.mechanisms) == (Plaintext.ALWAYS, ("APOP",))


def test_a_mechanism_may_stand_in_the_url():
    assert way(url="pop://you;AUTH=+APOP@h").policy.mechanisms == ("APOP",)


async def test_where_the_secret_comes_from():
    assert (await way(url="pop3://you:in-url@h").secret.get()).text == "in-url"
    assert (await way(url="pop3://you:in-url@h", password="said").secret.get()).text == "said"


def test_whose_mail_it_is():
    assert owner_of(table(user="anna")) == Owner("work", "anna", "pop.example.org")
    assert owner_of(table(url="pop3://you@h")) == Owner("work", "you", "h")
    with pytest.raises(ConfigError, match=r'account work: whose mail is it.*user = "\.\.\."'):
        way(url="pop3s://pop.example.org")


async def test_a_url_that_cannot_be_read_is_told():
    broken = table().model_copy(update={"url": "pop3://you@h:port"})
    with pytest.raises(ConfigError, match="account work: after the host"):
        owner_of(broken)


class Rotating:
    """Tokens, of which a refused one is followed by the next."""

    def __init__(self, *texts: str, kind: SecretKind = SecretKind.TOKEN) -> None:
        self.texts = list(texts)
        self.kind = kind

    async def get(self) -> Secret:
        return Secret(self.kind, self.texts[0])

    async def refuse(self) -> None:
        if len(self.texts) > 1:
            del self.texts[0]


def with_secret(made: Way, secret: Rotating) -> Way:
    return Way(made.table, made.place, made.target, made.user, secret)


async def test_a_token_that_is_refused_is_tried_anew_once():
    async with hostile_server([b"Subject: x\r\n\r\n"], account=Known(token="new")) as server:
        made = way(url=server.url)
        pop = await with_secret(made, Rotating("old", "new")).pop3()
        assert (await pop.stat()).count == 1
        pop.abort()
        with pytest.raises(LoginRefused):
            await with_secret(made, Rotating("old", "older", "new")).pop3()


async def test_a_password_that_is_refused_is_not_tried_again():
    async with hostile_server([]) as server:
        secret = Rotating("wrong", "tanstaaf", kind=SecretKind.PASSWORD)
        with pytest.raises(LoginRefused):
            await with_secret(way(url=server.url), secret).pop3()
        assert secret.texts == ["tanstaaf"], "somebody who is asked is asked again next time"
        assert sum(line.startswith("PASS") for line in server.commands) <= 1


async def test_no_password_crosses_where_it_may_not():
    async with hostile_server([], [Missing("APOP"), Missing("PLAIN")]) as server:
        with pytest.raises(ClearTextRefused):
            await way(url=server.url, password="tanstaaf", plaintext="never").pop3()
        assert "tanstaaf" not in server.transcript


@pytest.mark.parametrize("url", ["pop3://you:x@127.0.0.1:1", "pop2://you:x@127.0.0.1:1", "pop1://you:x@127.0.0.1:1"])
async def test_nobody_there_is_told(url):
    source = way(url=url).source()
    with pytest.raises(FetchError) as raised:
        await source.open()
    assert raised.value.trouble is Trouble.UNREACHABLE
    await source.leave()


@pytest.mark.parametrize(
    ("url", "dialogue"),
    [
        ("pop2://you:x@h", (b"+ POP2 h\r\n", (b"HELO you x\r\n", b"- no\r\n"))),
        ("pop1://you:x@h:1090", (b"+OK POP1\r\n", (b"USER you\r\n", b"+OK\r\n"), (b"PASS x\r\n", b"-ERR no\r\n"))),
    ],
)
async def test_who_is_not_let_in_hangs_up(monkeypatch, url, dialogue):
    link = DialogueLink(*dialogue)

    async def dial(_):
        return link

    monkeypatch.setattr("postane.fetching.origins.dial", dial)
    secret = Rotating("x", "another", kind=SecretKind.PASSWORD)
    source = with_secret(way(url=url), secret).source()
    with pytest.raises(FetchError) as raised:
        await source.open()
    assert raised.value.trouble is Trouble.LOGIN
    assert link.is_aborted
    assert secret.texts == ["another"], "somebody who is asked is asked again next time"
    await source.leave()


async def test_a_host_that_is_not_there_is_unreachable():
    with pytest.raises(ConnectionFailed):
        await way(url="pop3://you:x@127.0.0.1:1").pop3()
