"""Python's own smtplib and poplib: the whole corpus in by every way, out octet for octet."""

import poplib
import smtplib
import socket

import pytest

from support.corpus import Specimen, Way, by_way, check_stored, corpus, trace_of
from support.post import SENDER, check_all, fill
from support.postoffice import Mailbox, PostOffice

pytestmark = pytest.mark.interop


@pytest.fixture(autouse=True)
def _long_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """poplib gives up at lines of 2,048 octets unless it is told otherwise."""
    monkeypatch.setattr(poplib, "_MAXLINE", 1 << 20)


def _names(specimens: list[Specimen]) -> list[str]:
    return [specimen.name for specimen in specimens]


def _log_in(office: PostOffice, mailbox: Mailbox) -> poplib.POP3:
    pop = poplib.POP3(*office.pop3, timeout=20)
    pop.user(mailbox.name)
    pop.pass_(mailbox.password)
    return pop


def _joined(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\r\n" for line in lines)


def _read_one(office: PostOffice, mailbox: Mailbox) -> bytes:
    pop = _log_in(office, mailbox)
    count, octets = pop.stat()
    assert count == 1
    message = _joined(pop.retr(1)[1])
    assert len(message) == octets
    pop.quit()
    return message


@pytest.mark.parametrize("specimen", by_way(Way.DATA), ids=_names(by_way(Way.DATA)))
def test_smtp_in_poplib_out(post_office: PostOffice, mailbox: Mailbox, specimen: Specimen) -> None:
    with smtplib.SMTP(*post_office.smtp, timeout=20) as smtp:
        refused = smtp.sendmail(SENDER, [mailbox.address], specimen.octets, ["BODY=8BITMIME"])
    assert refused == {}
    message = _read_one(post_office, mailbox)
    check_stored(message, specimen)
    trace = trace_of(message, specimen)
    assert trace.startswith(b"Return-Path: <ali@sender.test>\r\n")
    assert f"Delivered-To: {mailbox.address}\r\n".encode() in trace
    assert b"\r\nReceived: from " in trace


@pytest.mark.parametrize("specimen", by_way(Way.DATA), ids=_names(by_way(Way.DATA)))
def test_lmtp_in_poplib_out(post_office: PostOffice, mailbox: Mailbox, specimen: Specimen) -> None:
    with smtplib.LMTP(str(post_office.lmtp_socket)) as lmtp:
        assert lmtp.sendmail(SENDER, [mailbox.address], specimen.octets) == {}
    check_stored(_read_one(post_office, mailbox), specimen)


@pytest.mark.parametrize("specimen", by_way(Way.BDAT), ids=_names(by_way(Way.BDAT)))
def test_chunks_in_poplib_out(post_office: PostOffice, mailbox: Mailbox, specimen: Specimen) -> None:
    half = len(specimen.octets) // 2
    with smtplib.SMTP(*post_office.smtp, timeout=20) as smtp:
        smtp.ehlo()
        assert smtp.has_extn("chunking")
        assert smtp.mail(SENDER)[0] == 250
        assert smtp.rcpt(mailbox.address)[0] == 250
        for chunk, last in ((specimen.octets[:half], ""), (specimen.octets[half:], " LAST")):
            smtp.send(f"BDAT {len(chunk)}{last}\r\n".encode() + chunk)
            assert smtp.getreply()[0] == 250
    check_stored(_read_one(post_office, mailbox), specimen)


def test_the_whole_corpus_in_one_session(post_office: PostOffice, mailbox: Mailbox) -> None:
    specimens = by_way(Way.DATA)
    fill(post_office, mailbox, specimens)
    pop = _log_in(post_office, mailbox)
    messages = [_joined(pop.retr(number)[1]) for number in range(1, len(specimens) + 1)]
    check_all(messages, specimens)
    sizes = [int(line.split()[1]) for line in pop.list()[1]]
    assert sizes == [len(message) for message in messages]
    assert pop.stat() == (len(messages), sum(sizes))
    uidls = {line.split()[1] for line in pop.uidl()[1]}
    assert len(uidls) == len(messages)
    pop.quit()


@pytest.mark.parametrize("lines", [0, 1, 5, 10_000])
def test_top(post_office: PostOffice, mailbox: Mailbox, lines: int) -> None:
    specimens = by_way(Way.DATA)
    fill(post_office, mailbox, specimens)
    pop = _log_in(post_office, mailbox)
    for number, specimen in enumerate(specimens, 1):
        whole = _joined(pop.retr(number)[1])
        assert _joined(pop.top(number, lines)[1]) == _top(whole, lines), specimen.name
    pop.quit()


def _top(message: bytes, lines: int) -> bytes:
    """RFC 1939 s7: the header, the blank line, and so many lines of the body."""
    header, blank, body = (b"\r\n" + message).partition(b"\r\n\r\n")
    return (header + blank)[2:] + b"".join(line + b"\r\n" for line in body.split(b"\r\n")[:-1][:lines])


def test_delete_reset_quit(post_office: PostOffice, mailbox: Mailbox) -> None:
    fill(post_office, mailbox, corpus()[:3])
    pop = _log_in(post_office, mailbox)
    pop.dele(1)
    pop.rset()
    assert pop.stat()[0] == 3
    pop.dele(2)
    with pytest.raises(poplib.error_proto, match="-ERR"):
        pop.retr(2)
    assert [line.split()[0] for line in pop.list()[1]] == [b"1", b"3"]
    kept = [line.split()[1] for line in pop.uidl()[1]]
    pop.quit()
    pop = _log_in(post_office, mailbox)
    assert [line.split()[1] for line in pop.uidl()[1]] == kept
    pop.quit()


def test_closed_without_quit_deletes_nothing(post_office: PostOffice, mailbox: Mailbox) -> None:
    fill(post_office, mailbox, corpus()[:2])
    pop = _log_in(post_office, mailbox)
    pop.dele(1)
    pop.close()
    pop = _log_in(post_office, mailbox)
    assert pop.stat()[0] == 2
    pop.quit()


def test_apop(post_office: PostOffice, mailbox: Mailbox) -> None:
    device = post_office.add_device(mailbox)
    pop = poplib.POP3(*post_office.pop3, timeout=20)
    assert pop.apop(device.name, device.password).startswith(b"+OK")
    assert pop.stat() == (0, 0)
    pop.quit()


def test_apop_refused_then_user_and_pass(post_office: PostOffice, mailbox: Mailbox) -> None:
    pop = poplib.POP3(*post_office.pop3, timeout=20)
    with pytest.raises(poplib.error_proto, match=r"-ERR \[AUTH\]"):
        pop.apop(mailbox.name, mailbox.password)
    pop.user(mailbox.name)
    assert pop.pass_(mailbox.password).startswith(b"+OK")
    pop.quit()


def test_capabilities_are_the_same_before_and_after_login(post_office: PostOffice, mailbox: Mailbox) -> None:
    pop = poplib.POP3(*post_office.pop3, timeout=20)
    before = pop.capa()
    pop.user(mailbox.name)
    pop.pass_(mailbox.password)
    after = pop.capa()
    pop.quit()
    for name in ("TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"):
        assert name in before
        assert name in after
    assert "USER" in before
    assert "IMPLEMENTATION" in after


def test_refused_recipient_among_good_ones(post_office: PostOffice, mailbox: Mailbox) -> None:
    letter = corpus()[0]
    with smtplib.SMTP(*post_office.smtp, timeout=20) as smtp:
        refused = smtp.sendmail(SENDER, [mailbox.address, "x@elsewhere.test", "nobody@postane.test"], letter.octets)
    assert {address: reply[0] for address, reply in refused.items()} == {
        "x@elsewhere.test": 550,
        "nobody@postane.test": 550,
    }
    assert refused["x@elsewhere.test"][1].startswith(b"5.7.1")
    assert refused["nobody@postane.test"][1].startswith(b"5.1.1")
    check_stored(_read_one(post_office, mailbox), letter)


def test_one_message_to_a_hundred_recipients(post_office: PostOffice) -> None:
    letter = corpus()[0]
    boxes = [post_office.fresh() for _ in range(5)]
    aliases = [f"{boxes[n % 5].name}@postane.test" for n in range(100)]
    with smtplib.SMTP(*post_office.smtp, timeout=20) as smtp:
        assert smtp.sendmail(SENDER, aliases, letter.octets) == {}
    for box in boxes:
        check_stored(_read_one(post_office, box), letter)


def test_alias_and_letter_case(post_office: PostOffice) -> None:
    letter = corpus()[0]
    box = post_office.add_user("Hostess", "--alias", "info@postane.test", "--alias", "help@postane.test")
    for address in ("INFO@postane.test", "help@POSTANE.TEST", "hOSTESS@postane.test"):
        with smtplib.SMTP(*post_office.smtp, timeout=20) as smtp:
            assert smtp.sendmail(SENDER, [address], letter.octets) == {}
    pop = _log_in(post_office, box)
    assert pop.stat()[0] == 3
    pop.quit()


def test_international_addresses(post_office: PostOffice) -> None:
    letter = corpus()[0]
    box = post_office.add_user("çağrı")
    with smtplib.SMTP(*post_office.smtp, timeout=20) as smtp:
        smtp.ehlo()
        assert smtp.sendmail("öztürk@sender.test", [box.address], letter.octets, ["SMTPUTF8", "BODY=8BITMIME"]) == {}
    pop = poplib.POP3(*post_office.pop3, timeout=20)
    pop.encoding = "UTF-8"
    pop.utf8()
    pop.user(box.name)
    pop.pass_(box.password)
    message = _joined(pop.retr(1)[1])
    pop.quit()
    check_stored(message, letter)
    assert "Return-Path: <öztürk@sender.test>\r\n".encode() in message


def test_a_message_in_single_octets(post_office: PostOffice, mailbox: Mailbox) -> None:
    """CR, LF and dots each in a packet of their own."""
    specimen = next(each for each in corpus() if each.name == "look-alikes of the end")
    stuffed = specimen.octets.replace(b"\r\n.", b"\r\n..") + b".\r\n"
    with smtplib.LMTP(*post_office.lmtp) as lmtp:
        lmtp.ehlo()
        lmtp.mail(SENDER)
        lmtp.rcpt(mailbox.address)
        assert lmtp.docmd("DATA")[0] == 354
        assert lmtp.sock is not None
        lmtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in stuffed:
            lmtp.send(bytes([octet]))
        assert lmtp.getreply()[0] == 250
    check_stored(_read_one(post_office, mailbox), specimen)
