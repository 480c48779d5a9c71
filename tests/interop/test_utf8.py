"""A mail with UTF-8 in its header, in by SMTPUTF8, out by UTF8 and without it: octet for octet what LIST promised."""

import email
import email.policy
import poplib
import smtplib

import pytest

from postane.mail.downgrade import downgrade_header
from support.postoffice import Mailbox, PostOffice

pytestmark = pytest.mark.interop

MESSAGES = tuple(
    (
        f"From: Gül <gül@örnek.example>\r\nTo: {name}\r\nSubject: Öğle yemeği\r\n\r\nAfiyet olsun, Gül\r\n" + body
    ).encode()
    for name, body in (("small", ""), ("large", "0123456789abcdef\r\n" * 10_000))
)


def _log_in(office: PostOffice, mailbox: Mailbox, *, is_utf8: bool) -> poplib.POP3:
    pop = poplib.POP3(*office.pop3, timeout=20)
    assert pop.capa()["UTF8"] == ["USER"]
    if is_utf8:
        assert pop.utf8().startswith(b"+OK")
    pop.user(mailbox.name)
    pop.pass_(mailbox.password)
    return pop


def _take_all(pop: poplib.POP3) -> list[bytes]:
    """Every message, as long as LIST, STAT and RETR's own word said."""
    count, octets = pop.stat()
    sizes = [int(line.split()[1]) for line in pop.list()[1]]
    assert (len(sizes), sum(sizes)) == (count, octets)
    taken = []
    for number, size in enumerate(sizes, 1):
        said, lines, _ = pop.retr(number)
        message = b"".join(line + b"\r\n" for line in lines)
        assert len(message) == size == int(said.split()[1])
        assert b"".join(line + b"\r\n" for line in pop.top(number, len(lines))[1]) == message
        taken.append(message)
    return taken


@pytest.fixture
def delivered(post_office: PostOffice, mailbox: Mailbox) -> Mailbox:
    with smtplib.SMTP(*post_office.smtp, timeout=20) as smtp:
        for message in MESSAGES:
            options = ["SMTPUTF8", "BODY=8BITMIME"]
            assert smtp.sendmail("gül@örnek.example", [mailbox.address], message, options) == {}
    return mailbox


def test_a_client_with_utf8_gets_what_came_and_another_its_surrogate(
    post_office: PostOffice, delivered: Mailbox
) -> None:
    pop = _log_in(post_office, delivered, is_utf8=True)
    originals, uidls = _take_all(pop), pop.uidl()[1]
    pop.quit()
    pop = _log_in(post_office, delivered, is_utf8=False)
    surrogates = _take_all(pop)
    assert pop.uidl()[1] == uidls
    pop.quit()
    for sent, original, surrogate in zip(MESSAGES, originals, surrogates, strict=True):
        assert original.endswith(sent)
        assert "Return-Path: <gül@örnek.example>\r\n".encode() in original
        head, _, body = original.partition(b"\r\n\r\n")
        assert surrogate == downgrade_header(head + b"\r\n\r\n") + body
        read = email.message_from_bytes(surrogate, policy=email.policy.default)
        assert read["Subject"] == "Öğle yemeği"
        assert read["From"].addresses[0].addr_spec == "invalid@internationalized-address.invalid"
        assert "gül@örnek.example" in read["From"].addresses[0].display_name


def test_a_name_and_a_password_in_utf_8(post_office: PostOffice) -> None:
    mailbox = post_office.add_user("gülşen")
    pop = poplib.POP3(*post_office.pop3, timeout=20)
    pop.encoding = "utf-8"
    pop.user("GU\u0308LŞEN")
    pop.pass_(mailbox.password)
    assert pop.stat() == (0, 0)
    pop.quit()
