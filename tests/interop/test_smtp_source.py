"""Postfix's smtp-source as load: many sessions at once, and everything acknowledged is there."""

import re

import pytest

from support.post import SENDER, count, read_all
from support.postoffice import Mailbox, PostOffice
from support.programs import require, run

pytestmark = pytest.mark.interop

MESSAGES = 200
SESSIONS = 20


def _post(office: PostOffice, mailbox: Mailbox, *options: str) -> None:
    host, port = office.smtp
    command = [require("smtp-source"), *options, "-M", "load.test", "-f", SENDER, "-t", mailbox.address]
    run([*command, f"inet:{host}:{port}"])


def test_many_sessions(post_office: PostOffice, mailbox: Mailbox) -> None:
    _post(post_office, mailbox, "-m", str(MESSAGES), "-s", str(SESSIONS), "-l", "4096")
    messages = read_all(post_office, mailbox)
    assert len(messages) == MESSAGES
    ids = {re.search(rb"(?mi)^Message-Id: (.*)\r$", message)[1] for message in messages}  # type: ignore[index]
    assert len(ids) == MESSAGES


def test_one_connection_each(post_office: PostOffice, mailbox: Mailbox) -> None:
    _post(post_office, mailbox, "-d", "-m", "60", "-s", "10", "-l", "200000")
    assert count(post_office, mailbox) == 60


def test_lmtp_answers_each_recipient(post_office: PostOffice, mailbox: Mailbox) -> None:
    """smtp-source makes three recipients of one: x, 2x and 3x."""
    boxes = [mailbox, *(post_office.add_user(f"{n}{mailbox.name}") for n in (2, 3))]
    host, port = post_office.lmtp
    command = [require("smtp-source"), "-L", "-m", "50", "-s", "10", "-r", "3", "-f", SENDER, "-t", mailbox.address]
    run([*command, f"inet:{host}:{port}"])
    assert [count(post_office, box) for box in boxes] == [50, 50, 50]


def test_lmtp_socket(post_office: PostOffice, mailbox: Mailbox) -> None:
    command = [require("smtp-source"), "-L", "-m", "50", "-s", "10", "-f", SENDER, "-t", mailbox.address]
    run([*command, f"unix:{post_office.lmtp_socket}"])
    assert count(post_office, mailbox) == 50
