"""Other servers as destinations: what is said to them, and what is asked for before."""

import pytest

from postane.config.fetching import Account, Deliver, FetchConfig
from postane.credentials.base import Secret, SecretKind
from postane.fetching import mail_servers
from postane.fetching.mail_servers import _target, open_imap, open_smtp
from postane.net.base import TlsMode
from postane.sinks.base import Fault, Outcome, SinkError
from postane.smtp.commands import Auth, Ehlo, Lhlo
from postane.smtp.replies import Reply
from postane.smtp.states import Dialect
from support.receiver import Receiver, receiving
from support.sink_houses import parcel

CONFIG = FetchConfig(hostname="here.example")


def account(**keys: object) -> Account:
    given = {"name": "work", "url": "pop3s://anna@pop.example.org", "deliver": [{"mbox": "x"}], **keys}
    return Account.model_validate(given)


def table(receiver: Receiver, kind: str = "smtp", **keys: object) -> Deliver:
    return Deliver.model_validate({kind: f"127.0.0.1:{receiver.port}", **keys})


async def envelopes(receiver: Receiver, made: Deliver, of: Account | None = None, **more: object):
    """What the server was told of one parcel: sender, recipients."""
    sink = open_smtp(CONFIG, of or account(), made)
    await sink.open()
    (delivery,) = await sink.deliver([parcel(1, **more)])
    await sink.close()
    assert delivery.outcome is Outcome.DELIVERED, delivery
    return [(mail.envelope.sender, to) for mail, to, _ in receiver.messages]


@pytest.mark.parametrize(
    ("sender", "told"),
    [("original", "wmt@example.org"), ("null", None), ("relay@home.example", "relay@home.example")],
)
async def test_smtp_is_told_from_whom_and_to_whom(sender, told):
    async with receiving() as receiver:
        made = table(receiver, recipients=["a@home.example", "b@home.example"], sender=sender)
        ((said, to),) = await envelopes(receiver, made)
        assert (None if said is None else str(said)) == told
        assert list(map(str, to)) == ["a@home.example", "b@home.example"]
        assert next(each for each in receiver.heard if isinstance(each, Ehlo)).name == "here.example"


async def test_a_sender_is_rewritten_where_that_is_wanted(monkeypatch):
    monkeypatch.setenv("SRS", "a secret of ours")
    async with receiving() as receiver:
        srs = {"sender": "srs", "srs_domain": "home.example", "srs_secret": {"env": "SRS"}}
        ((said, _),) = await envelopes(receiver, table(receiver, recipients=["a@home.example"], **srs))
        assert str(said).startswith("SRS0=")
        assert str(said).endswith("=example.org=wmt@home.example")


async def test_for_lmtp_the_accounts_user_is_the_recipient():
    async with receiving(dialect=Dialect.LMTP) as receiver:
        ((_, to),) = await envelopes(receiver, table(receiver, "lmtp"))
        assert list(map(str, to)) == ["anna"]
        assert any(isinstance(each, Lhlo) for each in receiver.heard)


async def test_a_mailbox_for_many_says_itself_for_whom():
    async with receiving(dialect=Dialect.LMTP) as receiver:
        many = account(multidrop={"header": "X-Original-To"})
        ((_, to),) = await envelopes(receiver, table(receiver, "lmtp"), many, recipients=("bob@home.example",))
        assert list(map(str, to)) == ["bob@home.example"]


async def test_without_a_password_nobody_is_asked_and_nothing_is_sent():
    async with receiving() as receiver:
        made = table(receiver, recipients=["a@b.example"], user="relay", password={"env": "NO_SUCH_VARIABLE"})
        sink = open_smtp(CONFIG, account(), made)
        with pytest.raises(SinkError, match="NO_SUCH_VARIABLE") as raised:
            await sink.open()
        assert not raised.value.may_pass
        await sink.close()
        assert receiver.connections == 0
        assert not any(isinstance(each, Auth) for each in receiver.heard)


def test_a_destination_is_known_by_its_server_and_its_recipients():
    made = Deliver(smtp="mail.example.org:587", recipients=("a@b.example",))  # type: ignore[arg-type]
    assert open_smtp(CONFIG, account(), made).name == "smtp:mail.example.org:587 for a@b.example"


class Keeper:
    """A SecretSource that gives another secret after each refusal."""

    def __init__(self, kind: SecretKind) -> None:
        self.kind, self.refused = kind, 0

    async def get(self) -> Secret:
        return Secret(self.kind, f"secret-{self.refused}")

    async def refuse(self) -> None:
        self.refused += 1


@pytest.mark.parametrize(
    ("kind", "code", "tries"),
    [(SecretKind.TOKEN, 535, 2), (SecretKind.PASSWORD, 535, 1), (SecretKind.TOKEN, 454, 1)],
)
async def test_a_secret_that_is_refused_is_not_taken_again(monkeypatch, kind, code, tries):
    def answers(said):
        return Reply(code, "", ("no",)) if isinstance(said, Auth) else None

    secret = Keeper(kind)
    monkeypatch.setattr(mail_servers, "open_secret", lambda *_: secret)
    async with receiving(extensions=("AUTH XOAUTH2 PLAIN",), answers=answers) as receiver:
        sink = open_smtp(CONFIG, account(), table(receiver, recipients=["a@b.example"], user="u", password="x"))
        with pytest.raises(SinkError, match="refused") as raised:
            await sink.open()
        await sink.close()
        assert sum(isinstance(each, Auth) for each in receiver.heard) == tries
    assert secret.refused == (1 if code == 535 else 0)
    assert raised.value.fault is Fault.LOGIN


async def test_a_token_that_was_revoked_is_made_anew(monkeypatch):
    said_no = []

    def answers(said):
        if isinstance(said, Auth) and not said_no:
            said_no.append(said)
            return Reply(535, "", ("no",))
        return None

    monkeypatch.setattr(mail_servers, "open_secret", lambda *_: Keeper(SecretKind.TOKEN))
    async with receiving(extensions=("AUTH XOAUTH2",), answers=answers) as receiver:
        made = table(receiver, recipients=["a@b.example"], user="u", password="x")
        assert len(await envelopes(receiver, made)) == 1


@pytest.mark.parametrize(
    ("endpoint", "tls", "mode"),
    [
        ("mail.example.org:465", None, TlsMode.IMPLICIT),
        ("mail.example.org:587", None, TlsMode.OFFERED),
        ("mail.example.org:587", "required", TlsMode.REQUIRED),
        ("127.0.0.1:25", None, TlsMode.NONE),
    ],
)
def test_when_tls_begins(endpoint, tls, mode):
    made = Deliver.model_validate({"smtp": endpoint, "recipients": ["a@b.example"], "tls": tls})
    assert made.smtp is not None
    assert _target(made, made.smtp).tls.mode is mode


@pytest.mark.parametrize("endpoint", ["mail.example.org:587", "127.0.0.1:25"])
def test_a_pin_is_for_tls(endpoint):
    pin = "sha256:" + "ab" * 32
    made = Deliver.model_validate({"smtp": endpoint, "recipients": ["a@b.example"], "tls_pin": pin})
    assert made.smtp is not None
    assert _target(made, made.smtp).tls.mode is TlsMode.REQUIRED
    with pytest.raises(ValueError, match="tls_pin is for TLS"):
        Deliver.model_validate({"smtp": endpoint, "recipients": ["a@b.example"], "tls_pin": pin, "tls": "none"})


def test_imap_is_named_by_user_and_folder():
    made = Deliver.model_validate({"imap": "imaps://anna@imap.example.org/Old", "password": "x"})
    sink = open_imap(CONFIG, account(), made)
    assert "imap.example.org" in sink.name
    assert "Old" in sink.name
