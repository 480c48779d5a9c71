"""A session with an IMAP server as the folder that a sink wants."""

import imaplib

import pytest

from postane.client.login import Plaintext
from postane.credentials.base import NoSecret, Secret
from postane.fetching import imap_folder
from postane.fetching.imap_folder import FolderOnServer, imap_sink
from postane.imap.errors import ImapError, NoFolder
from postane.net.base import Target
from postane.sinks.base import Fault, SinkError
from postane.sinks.imap import NotTaken
from support.sink_houses import Given


class Session:
    """Raises what it is told to."""

    def __init__(self, error: ImapError | None = None) -> None:
        self.error = error
        self.said: list[object] = []

    @property
    def folders(self) -> "Session":
        return self

    def __getattr__(self, name: str) -> object:
        def call(*given: object, **more: object) -> list[str]:
            self.said.append((name, *given))
            if self.error is not None:
                raise self.error
            return ["found"]

        return call


def error(text: str, cause: BaseException | None) -> ImapError:
    made = ImapError(text)
    made.__cause__ = cause
    return made


@pytest.mark.parametrize(
    ("text", "may_pass"),
    [
        ("append failed: [OVERQUOTA] full", True),
        ("append failed: [TRYCREATE] no such folder", True),
        ("append failed: [TOOBIG] too big", False),
        ("APPEND command error: BAD [b'no literal']", False),
    ],
)
def test_what_a_server_says_to_a_message(text: str, may_pass: bool) -> None:
    folder = FolderOnServer(Session(error(text, imaplib.IMAP4.error("x"))), "INBOX")  # type: ignore[arg-type]
    with pytest.raises(NotTaken) as raised:
        folder.append(b"x", 0.0)
    assert (raised.value.text, raised.value.may_pass) == (text, may_pass)


@pytest.mark.parametrize("cause", [imaplib.IMAP4.abort("x"), ConnectionResetError(), None])
def test_a_connection_that_is_gone(cause: BaseException | None) -> None:
    folder = FolderOnServer(Session(error("gone", cause)), "INBOX")  # type: ignore[arg-type]
    for call in (
        lambda: folder.append(b"x", 0.0),
        folder.make,
        lambda: folder.has("F", "v"),
        lambda: [*folder.values("F")],
    ):
        with pytest.raises(SinkError, match="gone"):
            call()


def test_a_folder_that_cannot_be_is_an_error_of_the_file() -> None:
    folder = FolderOnServer(Session(NoFolder("write New.Sub")), "New/Sub")  # type: ignore[arg-type]
    for call in (folder.lacks, folder.make):
        with pytest.raises(SinkError, match=r"write New\.Sub") as raised:
            call()
        assert (raised.value.may_pass, raised.value.fault) == (False, Fault.SETTING)


def test_what_is_asked_of_the_session() -> None:
    session = Session()
    folder = FolderOnServer(session, "INBOX")  # type: ignore[arg-type]
    assert folder.has("F", "v")
    assert list(folder.values("F")) == ["found"]
    folder.append(b"x", 1.0)
    folder.close()
    folder.abort()
    searches = [("select", "INBOX"), ("having", "F", "v"), ("select", "INBOX"), ("values", "F")]
    assert session.said == [*searches, ("append", "INBOX", b"x", 1.0), ("close",), ("abort",)]


async def test_a_login_that_is_refused_is_told_to_who_keeps_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ImapError("wrong", is_login=True)

    monkeypatch.setattr(imap_folder, "enter_imap", refuse)
    secret = Given("x")
    sink = imap_sink(Target("h", 1), "anna", Plaintext.LOOPBACK, secret, "INBOX")
    assert sink.name == "imap:anna@h:1/INBOX"
    with pytest.raises(SinkError, match="wrong") as raised:
        await sink.open()
    assert (secret.is_refused, raised.value.may_pass) == (True, False)
    assert raised.value.fault is Fault.LOGIN


async def test_a_certificate_that_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ImapError("not believed", is_trust=True)

    monkeypatch.setattr(imap_folder, "enter_imap", refuse)
    secret = Given("x")
    with pytest.raises(SinkError, match="not believed") as raised:
        await imap_sink(Target("h", 1), "anna", Plaintext.LOOPBACK, secret, "INBOX").open()
    assert (secret.is_refused, raised.value.may_pass, raised.value.fault) == (False, False, Fault.TRUST)


async def test_no_secret() -> None:
    class Nowhere(Given):
        async def get(self) -> Secret:
            raise NoSecret("no such entry")

    with pytest.raises(SinkError, match="h:1: no such entry"):
        await imap_sink(Target("h", 1), "anna", Plaintext.LOOPBACK, Nowhere("x"), "INBOX").open()
