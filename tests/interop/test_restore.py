"""What a mail program deleted comes back, and is fetched again; an owner is warned before old mail goes."""

import json
import poplib
from collections.abc import Iterator
from email import message_from_bytes

import pytest

from support.corpus import plain
from support.post import check_all, fill, read_all
from support.postoffice import Mailbox, PostOffice, wait_until


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    rules = {"restore_window": "7d", "housekeeping": "200ms", "expire_warning": "1d"}
    with PostOffice({"maildrop": rules, "server": {"workers": 2}}) as office:
        yield office


def fetch_new(office: PostOffice, mailbox: Mailbox, seen: set[str], *, delete: bool) -> list[bytes]:
    """What a mail program does that remembers unique-ids."""
    client = poplib.POP3(*office.pop3)
    client.user(mailbox.name)
    client.pass_(mailbox.password)
    fetched = []
    for line in client.uidl()[1]:
        number, uidl = line.decode().split()
        if uidl not in seen:
            seen.add(uidl)
            fetched.append(b"\r\n".join(client.retr(number)[1]) + b"\r\n")
        if delete:
            client.dele(number)
    client.quit()
    return fetched


def test_deleted_mail_comes_back_as_new_mail(office: PostOffice) -> None:
    mailbox, seen = office.fresh(), set[str]()
    specimens = plain()[:3]
    fill(office, mailbox, specimens)
    first = fetch_new(office, mailbox, seen, delete=True)
    check_all(first, specimens)
    assert fetch_new(office, mailbox, seen, delete=True) == []
    kept = json.loads(office.run("drop show", mailbox.name, "--deleted", "--json").stdout)
    assert [row["uid"] for row in kept] == [1, 2, 3]
    office.run("drop restore", mailbox.name, "--uid", "2", "--uid", "3")
    assert fetch_new(office, mailbox, seen, delete=False) == first[1:]
    assert office.run("drop verify", mailbox.name).returncode == 0


def test_an_owner_is_warned_once(office: PostOffice) -> None:
    mailbox = office.fresh()
    office.run_forked("user set", mailbox.name, "retention=14s")  # warned of in the middle
    fill(office, mailbox, plain()[:1])

    def is_warned() -> bool:
        return b'"sender": ""' in office.run_forked("drop show", mailbox.name, "--json").stdout

    wait_until(is_warned, "a warning comes")
    office.run_forked("user set", mailbox.name, "retention=never")
    mail = read_all(office, mailbox)
    assert len(mail) == 2
    warning = message_from_bytes(mail[-1])
    assert warning["Subject"] == "1 message will soon be removed from this server"
    assert warning["Auto-Submitted"] == "auto-generated"
