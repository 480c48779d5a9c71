"""`postane fetch` from an IMAP server, and into one: Dovecot's."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from postane.client.login import Plaintext
from postane.config.fetching import Account, FetchConfig
from postane.credentials.base import Secret, SecretKind
from postane.fetch.errors import FetchError, Trouble
from postane.fetching.imap import enter_imap
from postane.fetching.sight import look
from postane.imap import session as imap_session
from postane.imap.errors import NoFolder
from postane.net.base import Target, TlsMode, TlsPolicy
from postane.net.pins import format_pin
from postane.net.tls import Certificate
from support.certificates import LOCALHOST, Authority, der
from support.corpus import Way, check_stored, corpus
from support.dovecot import PASSWORD, Dovecot, dovecot
from support.errand import Errand
from support.post import deliver, with_lf
from support.postoffice import Mailbox, PostOffice

pytestmark = pytest.mark.interop

SPECIMENS = [
    each for each in corpus() if Way.DATA in each.ways and each.octets == each.stored and b"\0" not in each.octets
]
"""IMAP completes no last line, and Dovecot gives another octet for NUL (RFC 9051 s4.3 has none in a string)."""


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot(has_imap=True) as running:
        yield running


def errand(tmp_path, server: Dovecot, name: str, **keys: object) -> Errand:
    url = f"imap://{name}@127.0.0.1:{server.imap}/INBOX"
    return Errand(tmp_path, url=url, **{"password": PASSWORD, "tls": "none", **keys})


def test_every_octet_comes_from_an_imap_folder(tmp_path, server):
    server.put("reader", [specimen.octets for specimen in SPECIMENS])
    fetching = errand(tmp_path, server, "reader")
    assert fetching.fetch()["delivered"] == len(SPECIMENS)
    for octets, specimen in zip(fetching.messages(), SPECIMENS, strict=True):
        check_stored(octets, specimen)
    assert fetching.fetch()["fetched"] == 0


def test_what_is_not_kept_is_expunged(tmp_path, server):
    server.put("leaver", [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(3)])
    told = errand(tmp_path, server, "leaver", keep=False).fetch()
    assert (told["delivered"], told["deleted"]) == (3, 3)
    assert server.left("leaver") == 0


def test_what_was_marked_and_not_expunged_is_expunged_by_a_later_run(tmp_path, server):
    server.put("marker", [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(3)])
    fetching = errand(tmp_path, server, "marker")
    assert fetching.fetch()["delivered"] == 3
    mark_as_deleted(server, "marker")
    fetching.change(keep=False)
    assert fetching.fetch()["deleted"] == 3
    assert server.left("marker") == 0


def test_what_somebody_else_has_marked_is_neither_fetched_nor_expunged(tmp_path, server):
    server.put("other", [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(3)])
    mark_as_deleted(server, "other")
    fetching = errand(tmp_path, server, "other", keep=False)
    told = fetching.fetch()
    assert (told["listed"], told["delivered"], told["deleted"]) == (3, 2, 2)
    assert server.left("other") == 1
    assert fetching.fetch()["fetched"] == 0


def mark_as_deleted(server: Dovecot, name: str) -> None:
    """The first message gets the flag of a Maildir that means this (T)."""
    home = server.folder / "mail" / name
    file = min([*(home / "new").iterdir(), *(home / "cur").iterdir()], key=lambda each: each.name)
    stem = file.name.partition(":")[0]
    file.rename(home / "cur" / f"{stem}:2,T")


def test_a_refused_login(tmp_path, server):
    told = errand(tmp_path, server, "nobody", password="wrong").fetch(expect=77)
    assert told["trouble"] == "login"
    assert told["error"].startswith(f"nobody at 127.0.0.1:{server.imap}: the login was refused: [AUTHENTICATIONFAILED]")


def test_a_password_does_not_cross_in_clear(tmp_path, server):
    told = errand(tmp_path, server, "reader", plaintext="never").fetch(expect=77)
    assert "clear text" in told["error"]


def test_header_parts_of_what_is_large(tmp_path, server):
    server.put("large", [b"Subject: x\r\n\r\n" + b"y" * 70 + b"\r\n", b"Subject: z\r\n\r\n" + b"y\r\n" * 9000])
    fetching = errand(tmp_path, server, "large", max_size="10kB", filters=[{"header": "Subject", "matches": "^x"}])
    told = fetching.fetch()
    assert (told["delivered"], told["left"]) == (1, 2)
    (message,) = fetching.messages()
    assert message.startswith(b"Subject: z\r\n\r\nThis message has 270")


def test_a_folder_of_an_imap_server_is_a_destination(tmp_path, server, post_office: PostOffice, mailbox: Mailbox):
    server.put("writer", [])
    deliver(post_office, mailbox, [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(3)])
    fetching = Errand(
        tmp_path,
        url=f"pop3://{mailbox.name}@127.0.0.1:{post_office.pop3[1]}",
        password=mailbox.password,
        tls="none",
        deliver=[{"imap": f"imap://writer@127.0.0.1:{server.imap}/Fetched", "password": PASSWORD}],
    )
    assert fetching.fetch()["delivered"] == 3
    back = errand(tmp_path, server, "writer")
    back.change(url=f"imap://writer@127.0.0.1:{server.imap}/Fetched", name="back")
    assert back.fetch("back")["delivered"] == 3
    assert sorted(octets.rpartition(b"Subject: ")[2][:1] for octets in back.messages()) == [b"0", b"1", b"2"]
    assert with_lf(b"body\r\n") in back.messages()[0].replace(b"\r\n", b"\n")


def test_a_folder_that_is_only_above_another_one_takes_mail(
    tmp_path, server, post_office: PostOffice, mailbox: Mailbox
):
    server.put("above", [])
    (server.folder / "mail" / "above" / ".Above.Below" / "cur").mkdir(parents=True)
    chown(server.folder / "mail" / "above" / ".Above.Below")
    deliver(post_office, mailbox, [b"Subject: x\r\n\r\nbody\r\n"])
    fetching = Errand(
        tmp_path,
        url=f"pop3://{mailbox.name}@127.0.0.1:{post_office.pop3[1]}",
        password=mailbox.password,
        tls="none",
        deliver=[{"imap": f"imap://above@127.0.0.1:{server.imap}/Above", "password": PASSWORD}],
    )
    assert fetching.fetch()["delivered"] == 1


def test_a_large_folder_is_searched_in_pieces(server, monkeypatch):
    monkeypatch.setattr(imap_session, "SEARCHED", 3)
    server.put("many", [b"Subject: %d\r\nX-Mark: %d\r\n\r\nbody\r\n" % (number, number % 2) for number in range(10)])
    target = Target("127.0.0.1", server.imap, TlsPolicy(TlsMode.NONE))
    entered = enter_imap(target, "many", Plaintext.LOOPBACK, Secret(SecretKind.PASSWORD, PASSWORD))
    entered.select("INBOX")
    assert [mail.uid for piece in entered.listing() for mail in piece] == list(range(1, 11))
    assert entered.having("X-Mark", "1") == [2, 4, 6, 8, 10]
    assert entered.marked() == set()
    entered.close()


def test_a_folder_that_the_server_does_not_have(tmp_path, server):
    server.put("folders", [])
    (server.folder / "mail" / "folders" / ".Junk" / "cur").mkdir(parents=True)
    chown(server.folder / "mail" / "folders" / ".Junk")
    fetching = errand(tmp_path, server, "folders")
    fetching.change(url=f"imap://folders@127.0.0.1:{server.imap}/Junkk")
    told = fetching.fetch(expect=78)
    assert told["trouble"] == "configuration"
    assert told["error"].startswith(f"127.0.0.1:{server.imap} has no folder Junkk: did you mean Junk?")
    fetching.change(url=f"imap://folders@127.0.0.1:{server.imap}/Junk")
    assert fetching.fetch()["delivered"] == 0


def test_the_library_says_nothing_by_itself(server, caplog):
    """It warns of letters in an answer that are not ASCII; Dovecot repeats the name that it was asked for."""
    server.put("letters", [])
    target = Target("127.0.0.1", server.imap, TlsPolicy(TlsMode.NONE))
    entered = enter_imap(target, "letters", Plaintext.LOOPBACK, Secret(SecretKind.PASSWORD, PASSWORD))
    with pytest.raises(NoFolder, match="has no folder Späm: it has INBOX"):
        entered.select("Späm")
    entered.close()
    assert caplog.records == []


def chown(folder: Path) -> None:
    if os.getuid() == 0:
        for path in [folder, *folder.rglob("*")]:
            shutil.chown(path, "nobody", "nogroup")


@pytest.fixture(scope="module")
def secured(tmp_path_factory) -> Iterator[tuple[Dovecot, Certificate]]:
    certificate = Authority(tmp_path_factory.mktemp("certificates")).issue("server", LOCALHOST)
    with dovecot(certificate, has_imap=True) as running:
        running.put("looker", [b"Subject: x\r\n\r\nbody\r\n"] * 2)
        yield running, certificate


def account(url: str, **keys: object) -> Account:
    table = {"name": "work", "url": url, "password": PASSWORD, "deliver": [{"maildir": "x"}], **keys}
    return Account.model_validate(table)


@pytest.mark.parametrize("tls", ["required", "implicit"])
async def test_what_an_imap_server_shows(secured, tls):
    server, certificate = secured
    url = f"imap://looker@127.0.0.1:{server.imaps if tls == 'implicit' else server.imap}"
    pin = "sha256:" + hashlib.sha256(der(certificate.chain)).hexdigest()
    with pytest.raises(FetchError) as raised:
        await look(FetchConfig(), account(url, tls=tls), lambda _: None)
    assert raised.value.trouble is Trouble.PROTOCOL
    assert raised.value.text.endswith(f"or pin it (tls_pin): {pin}")
    sight = await look(FetchConfig(), account(url, tls=tls, tls_pin=pin), lambda _: None)
    assert (sight.protocol, sight.messages, sight.folders) == ("imap", 2, ("INBOX",))
    assert (sight.tls or "").startswith("TLSv1.3, TLS_")
    assert sight.certificate is not None
    assert format_pin(sight.certificate.digest) == pin
    assert "UIDPLUS" in sight.capabilities
