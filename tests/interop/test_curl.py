"""curl reads and sends."""

from pathlib import Path

import pytest

from support.corpus import Way, by_way, check_stored, corpus
from support.post import SENDER, check_all, count, fill, read_all
from support.postoffice import Mailbox, PostOffice
from support.programs import require, run

pytestmark = pytest.mark.interop


def _curl(office: PostOffice, mailbox: Mailbox, path: str, *options: str, expect: int | None = 0) -> bytes:
    host, port = office.pop3
    login = f"{mailbox.name}:{mailbox.password}"
    command = [require("curl"), "-q", "-sS", "-m", "30", "-u", login, *options, f"pop3://{host}:{port}/{path}"]
    return run(command, expect=expect).stdout


def test_list(post_office: PostOffice, mailbox: Mailbox) -> None:
    fill(post_office, mailbox, corpus()[:3])
    sizes = [len(message) for message in read_all(post_office, mailbox)]
    expected = "".join(f"{number} {size}\r\n" for number, size in enumerate(sizes, 1))
    assert _curl(post_office, mailbox, "") == expected.encode()


def test_the_whole_corpus_over_one_connection(post_office: PostOffice, mailbox: Mailbox, tmp_path: Path) -> None:
    specimens = by_way(Way.DATA)
    fill(post_office, mailbox, specimens)
    _curl(post_office, mailbox, f"[1-{len(specimens)}]", "-o", f"{tmp_path}/#1")
    got = [(tmp_path / str(number)).read_bytes() for number in range(1, len(specimens) + 1)]
    check_all(got, specimens)


def test_uidl(post_office: PostOffice, mailbox: Mailbox) -> None:
    fill(post_office, mailbox, corpus()[:2])
    lines = _curl(post_office, mailbox, "", "-X", "UIDL").splitlines()
    assert [line.split()[0] for line in lines] == [b"1", b"2"]


def test_top(post_office: PostOffice, mailbox: Mailbox) -> None:
    letter = corpus()[0]
    fill(post_office, mailbox, [letter])
    got = _curl(post_office, mailbox, "", "-X", "TOP 1 1")
    assert got.endswith(letter.octets.replace(b"\r\nThe parcel is at the counter.\r\n", b""))


def test_delete(post_office: PostOffice, mailbox: Mailbox) -> None:
    fill(post_office, mailbox, corpus()[:2])
    _curl(post_office, mailbox, "1", "-l", "-X", "DELE")
    check_all(read_all(post_office, mailbox), corpus()[1:2])


def test_apop(post_office: PostOffice, mailbox: Mailbox) -> None:
    fill(post_office, mailbox, corpus()[:1])
    device = post_office.add_device(mailbox)
    check_stored(_curl(post_office, device, "1", "--login-options", "AUTH=+APOP"), corpus()[0])


def test_wrong_password_is_told_as_such(post_office: PostOffice, mailbox: Mailbox) -> None:
    _curl(post_office, Mailbox(mailbox.name, "wrong"), "", expect=67)


def test_no_such_message(post_office: PostOffice, mailbox: Mailbox) -> None:
    _curl(post_office, mailbox, "7", expect=8)


def _send(office: PostOffice, mailbox: Mailbox, file: Path, *, expect: int) -> None:
    host, port = office.smtp
    command = [require("curl"), "-q", "-sS", "-m", "30", "--mail-from", SENDER, "--mail-rcpt", mailbox.address]
    run([*command, "-T", str(file), f"smtp://{host}:{port}/client.test"], expect=expect)


def test_send(post_office: PostOffice, mailbox: Mailbox, tmp_path: Path) -> None:
    specimens = [specimen for specimen in corpus() if specimen.is_plain]
    file = tmp_path / "letter"
    for specimen in specimens:
        file.write_bytes(specimen.octets)
        _send(post_office, mailbox, file, expect=0)
    check_all(read_all(post_office, mailbox), specimens)


def test_send_to_nobody_is_refused(post_office: PostOffice, tmp_path: Path) -> None:
    file = tmp_path / "letter"
    file.write_bytes(corpus()[0].octets)
    _send(post_office, Mailbox("nobody-here", ""), file, expect=55)


def test_reading_changes_nothing(post_office: PostOffice, mailbox: Mailbox) -> None:
    fill(post_office, mailbox, corpus()[:2])
    for _ in range(3):
        _curl(post_office, mailbox, "2")
    assert count(post_office, mailbox) == 2
