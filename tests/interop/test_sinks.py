"""Sinks and the programs that take from them: our own post office, and who reads Maildirs and mboxes."""

import mailbox as library
from collections.abc import Sequence
from pathlib import Path

import pytest

from postane.net.base import Target, TlsMode, TlsPolicy
from postane.net.dial import dial
from postane.sinks.base import Parcel, Sink
from postane.sinks.maildir import MaildirSink
from postane.sinks.mbox import MboxSink
from postane.sinks.smtp import SmtpSink
from postane.sinks.smtp_session import SmtpLogin, SmtpServerAt
from postane.smtp.states import Dialect
from support.corpus import corpus
from support.post import check_all, read_all
from support.postoffice import Mailbox, PostOffice
from support.sink_houses import octets, parcel

pytestmark = pytest.mark.interop

LETTERS = [each for each in corpus() if each.octets.endswith(b"\r\n")]


async def deliver(sink: Sink, parcels: Sequence[Parcel]) -> None:
    """All of them, one after the other, into a sink that is opened and closed."""
    await sink.open()
    for each in parcels:
        (answer,) = await sink.deliver([each])
        assert answer.is_there, answer.reason
    await sink.close()


def parcels() -> list[Parcel]:
    return [parcel(number, each.octets, lead=b"") for number, each in enumerate(LETTERS, 1)]


@pytest.mark.parametrize("is_unix", [True, False])
async def test_lmtp_into_postane(post_office: PostOffice, mailbox: Mailbox, is_unix: bool) -> None:
    host, port = post_office.lmtp
    path = str(post_office.lmtp_socket) if is_unix else None
    target = Target(host, port, TlsPolicy(TlsMode.NONE), path=path)
    sink = SmtpSink(dial, SmtpServerAt(target, Dialect.LMTP, "fetcher.test"), [mailbox.name])
    await deliver(sink, parcels())
    check_all(read_all(post_office, mailbox), LETTERS)


@pytest.mark.parametrize("mode", [TlsMode.NONE, TlsMode.REQUIRED])
async def test_smtp_into_postane_with_a_login(post_office: PostOffice, mailbox: Mailbox, mode: TlsMode) -> None:
    target = Target(*post_office.smtp, TlsPolicy(mode, is_checked=False))
    login = SmtpLogin(mailbox.name, mailbox.password)
    at = SmtpServerAt(target, Dialect.SMTP, "fetcher.test", login)
    await deliver(SmtpSink(dial, at, [mailbox.address]), parcels())
    check_all(read_all(post_office, mailbox), LETTERS)


async def test_the_library_reads_a_maildir(tmp_path: Path) -> None:
    await deliver(MaildirSink(str(tmp_path / "M")), parcels())
    found = library.Maildir(tmp_path / "M", create=False)
    got = {found.get_bytes(key).replace(b"\n", b"\r\n") for key in found.keys()}  # noqa: SIM118 - no mapping
    assert got == {octets(each) for each in parcels()}


async def test_the_library_reads_an_mbox(tmp_path: Path) -> None:
    await deliver(MboxSink(str(tmp_path / "m")), parcels())
    found = library.mbox(tmp_path / "m", create=False)
    try:
        for key, sent in enumerate(parcels()):
            _, _, got = found.get_bytes(key).partition(b"\n")  # without the field of ours
            if b"From " not in octets(sent):  # which it does not unquote
                assert got.rstrip() == octets(sent).replace(b"\r\n", b"\n").rstrip()
        assert len(found) == len(LETTERS)
    finally:
        found.close()
