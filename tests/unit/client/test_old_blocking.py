"""The blocking faces of POP2 and POP1: what the asynchronous ones do, and errors with their types."""

import threading

import pytest

from postane.client.errors import LoginRefused
from postane.client.old_blocking import connect_pop1, connect_pop2
from support.dialogue import DialogueLink

LETTER = b"Subject: one\r\n\r\nHello.\r\n"
LENGTH = b"=%d\r\n" % len(LETTER)
MAILBOX = b"From ali@example.org Sat Jan  3 01:05:34 1996\r\n" + LETTER + b"\r\n"
HELO = b"+ POP2 there\r\n", (b"HELO ayse gizli\r\n", b"#2\r\n")
LOGIN = b"+OK\r\n", (b"USER ayse\r\n", b"+OK\r\n"), (b"PASS gizli\r\n", b"+OK\r\n")


def no_thread_is_left():
    return not [each for each in threading.enumerate() if each.name == "postane client"]


def test_pop2():
    retr = (b"RETR\r\n", LETTER)
    link = DialogueLink(
        *HELO,
        *((b"READ 1\r\n", LENGTH), retr, (b"NACK\r\n", LENGTH), retr, (b"NACK\r\n", LENGTH), retr),
        *(
            (b"ACKD\r\n", LENGTH),
            retr,
            (b"ACKS\r\n", b"=0\r\n"),
            (b"FOLD lists\r\n", b"#0\r\n"),
            (b"QUIT\r\n", b"+\r\n"),
        ),
    )
    with connect_pop2("pop2://ayse:gizli@pop.example.org", stream=link) as pop:
        assert (pop.host, pop.count) == ("there", 2)
        for message in pop.messages():
            assert message.octets == len(LETTER)
            if message.number == 1:
                assert message.raw() == b"".join(message.stream()) == LETTER
                assert message.fetch()["subject"] == "one"
                message.delete()
            else:
                assert message.raw() == LETTER
                message.keep()
        assert pop.folder("lists") == pop.count == 0
    assert link.is_done
    assert no_thread_is_left()


def test_pop1():
    rdel, rcev = (b"RDEL\r\n", b"#%d\r\n" % len(MAILBOX)), (b"RCEV\r\n", MAILBOX)
    turns = rdel, (b"RSET\r\n", b"+OK\r\n"), rdel, rcev, (b"RCVD\r\n", b"+OK\r\n"), (b"QUIT\r\n", b"+OK\r\n")
    link = DialogueLink(*LOGIN, *turns)
    with connect_pop1("pop1://ayse:gizli@pop.example.org:1090", stream=link) as pop:
        pop.mailbox(deletes=True).give_up()
        mailbox = pop.mailbox(deletes=True)
        assert mailbox.octets == len(MAILBOX)
        seen = [(each.sender, each.arrived, each.raw()) for each in mailbox.messages()]
        mailbox.accept()
    assert seen == [("ali@example.org", 820631134.0, LETTER)]
    assert link.is_done
    assert no_thread_is_left()


def test_an_exception_deletes_nothing():
    link = DialogueLink(*HELO, (b"READ 1\r\n", LENGTH), (b"RETR\r\n", LETTER), (b"ACKD\r\n", b"=0\r\n"))

    def fail():
        with connect_pop2("pop2://ayse:gizli@pop.example.org", stream=link) as pop:
            next(pop.messages()).delete()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert link.is_aborted
    assert link.said[-1] == b"ACKD\r\n"
    assert no_thread_is_left()


def test_errors_keep_their_types():
    link = DialogueLink(HELO[0], (b"HELO ayse gizli\r\n", b"- no\r\n"))
    with pytest.raises(LoginRefused), connect_pop2("pop2://ayse:gizli@pop.example.org", stream=link):
        pass
    assert no_thread_is_left()
    with pytest.raises(ValueError, match="begin with pop1"):
        connect_pop1("pop2://ayse:gizli@pop.example.org")


def test_who_looks_at_it_sees_where_it_is_and_no_secret():
    link = DialogueLink(*HELO, (b"READ 1\r\n", LENGTH), (b"QUIT\r\n", b"+\r\n"))
    connecting = connect_pop2("pop2://ayse:gizli@pop.example.org", stream=link)
    assert repr(connecting) == "<session to be with pop2://ayse@pop.example.org, not connected yet>"
    with connecting as pop:
        assert repr(pop) == f"<Pop2 at {link.peer}, in clear, open>"
        assert repr(next(pop.messages())) == f"<Pop2Message 1, {len(LETTER)} octets>"
    assert repr(pop).endswith("closed>")
    link = DialogueLink(
        *LOGIN,
        (b"RETR\r\n", b"#%d\r\n" % len(MAILBOX)),
        (b"RCEV\r\n", MAILBOX),
        (b"RCVD\r\n", b"+OK\r\n"),
        (b"QUIT\r\n", b"+OK\r\n"),
    )
    with connect_pop1("pop1://ayse:gizli@pop.example.org:1090", stream=link) as pop:
        mailbox = pop.mailbox()
        assert repr(mailbox) == f"<Pop1Mailbox, {len(MAILBOX)} octets>"
        assert [repr(message) for message in mailbox.messages()] == ["<Pop1Message from ali@example.org>"]
        mailbox.accept()
