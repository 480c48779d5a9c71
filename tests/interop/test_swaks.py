"""swaks submits by SMTP and LMTP, with and without pipelining, by TCP and by a unix socket."""

from pathlib import Path

import pytest

from support.corpus import Specimen, check_stored, corpus, plain
from support.post import SENDER, read_all
from support.postoffice import Mailbox, PostOffice
from support.programs import require, run

pytestmark = pytest.mark.interop

NO_RECIPIENT = 24
"""swaks' exit code when RCPT was refused."""

DATA_REFUSED = 26
"""swaks' exit code when the message was refused."""


def _swaks(specimen: Specimen, folder: Path, to: str, *options: str, expect: int = 0) -> str:
    file = folder / "message"
    # It is told to leave the data alone, so the dots are ours to stuff, and the last one ours to add.
    file.write_bytes((b"\r\n" + specimen.stored).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n")
    command = [require("swaks"), "-n", "--timeout", "20", "--helo", "client.test", "--from", SENDER, "--to", to]
    done = run([*command, "--no-data-fixup", "--data", f"@{file}", *options], expect=expect, home=folder)
    return done.stdout.decode(errors="replace")


def _smtp(office: PostOffice) -> list[str]:
    host, port = office.smtp
    return ["--server", host, "--port", str(port), "--protocol", "ESMTP"]


def _lmtp(office: PostOffice) -> list[str]:
    host, port = office.lmtp
    return ["--server", host, "--port", str(port), "--protocol", "LMTP"]


def _lmtp_socket(office: PostOffice) -> list[str]:
    return ["--socket", str(office.lmtp_socket), "--protocol", "LMTP"]


@pytest.mark.parametrize("specimen", plain(), ids=[specimen.name for specimen in plain()])
def test_smtp(post_office: PostOffice, mailbox: Mailbox, tmp_path: Path, specimen: Specimen) -> None:
    _swaks(specimen, tmp_path, mailbox.address, *_smtp(post_office))
    check_stored(read_all(post_office, mailbox)[0], specimen)


@pytest.mark.parametrize("door", [_smtp, _lmtp, _lmtp_socket])
@pytest.mark.parametrize("options", [[], ["--pipeline"]], ids=["plain", "pipelining"])
def test_every_door(post_office: PostOffice, mailbox: Mailbox, tmp_path: Path, door, options: list[str]) -> None:  # type: ignore[no-untyped-def]
    letter = corpus()[0]
    said = _swaks(letter, tmp_path, mailbox.address, *door(post_office), *options)
    check_stored(read_all(post_office, mailbox)[0], letter)
    assert "PIPELINING" in said
    assert "ENHANCEDSTATUSCODES" in said


@pytest.mark.parametrize("door", [_smtp, _lmtp, _lmtp_socket])
def test_two_recipients(post_office: PostOffice, tmp_path: Path, door) -> None:  # type: ignore[no-untyped-def]
    boxes = [post_office.fresh(), post_office.fresh()]
    letter = corpus()[0]
    _swaks(letter, tmp_path, ",".join(box.address for box in boxes), *door(post_office), "--pipeline")
    for box in boxes:
        check_stored(read_all(post_office, box)[0], letter)


def test_old_helo(post_office: PostOffice, mailbox: Mailbox, tmp_path: Path) -> None:
    letter = corpus()[0]
    host, port = post_office.smtp
    _swaks(letter, tmp_path, mailbox.address, "--server", host, "--port", str(port), "--protocol", "SMTP")
    check_stored(read_all(post_office, mailbox)[0], letter)


def test_no_relay(post_office: PostOffice, tmp_path: Path) -> None:
    said = _swaks(corpus()[0], tmp_path, "x@elsewhere.test", *_smtp(post_office), expect=NO_RECIPIENT)
    assert "550 5.7.1" in said


def test_unknown_recipient(post_office: PostOffice, tmp_path: Path) -> None:
    said = _swaks(corpus()[0], tmp_path, "nobody@postane.test", *_lmtp(post_office), expect=NO_RECIPIENT)
    assert "550 5.1.1" in said


def test_too_long_a_line_is_refused(post_office: PostOffice, mailbox: Mailbox, tmp_path: Path) -> None:
    letter = Specimen("long line", corpus()[0].octets + b"q" * 70_000 + b"\r\n")
    said = _swaks(letter, tmp_path, mailbox.address, *_smtp(post_office), expect=DATA_REFUSED)
    assert "line" in next(line for line in said.splitlines() if " 5" in line[:5])
    assert read_all(post_office, mailbox) == []
