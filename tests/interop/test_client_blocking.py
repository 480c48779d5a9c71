"""The blocking face against a running server: commit, rollback, many at once, and Ctrl-C in the middle."""

import signal
import subprocess
import sys

import pytest

from postane.client.blocking import connect
from postane.client.errors import InUse, LoginRefused
from support.corpus import Way, by_way
from support.post import check_all, count, fill
from support.postoffice import Mailbox, PostOffice, wait_until
from support.talk import Talk

pytestmark = pytest.mark.interop

SPECIMENS = by_way(Way.DATA)


def _url(office: PostOffice, box: Mailbox) -> str:
    host, port = office.pop3
    return f"pop3://{box.name}:{box.password}@{host}:{port}"


def test_every_octet_comes_and_a_clean_exit_deletes(post_office, mailbox):
    fill(post_office, mailbox, SPECIMENS)
    with connect(_url(post_office, mailbox), tls="none") as maildrop:
        check_all([message.raw() for message in maildrop.messages()], SPECIMENS)
        check_all([fetched.raw for fetched in maildrop.fetch_many(list(maildrop.messages()))], SPECIMENS)
        maildrop.delete(range(2, len(SPECIMENS) + 1))
        assert maildrop.stat().count == 1
    assert count(post_office, mailbox) == 1


def test_an_exception_deletes_nothing(post_office, mailbox):
    fill(post_office, mailbox, SPECIMENS[:3])

    def fail():
        with connect(_url(post_office, mailbox), tls="none") as maildrop:
            for message in maildrop.messages():
                message.delete()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert count(post_office, mailbox) == 3


def test_refusals_have_their_types(post_office, mailbox):
    wrong = Mailbox(mailbox.name, "wrong")
    with pytest.raises(LoginRefused), connect(_url(post_office, wrong), tls="none"):
        pass
    url = _url(post_office, mailbox)
    with connect(url, tls="none"), pytest.raises(InUse), connect(url, tls="none"):
        pass


PROGRAM = """
import sys
from postane.client.blocking import connect
with connect(sys.argv[1], tls="none") as maildrop:
    for message in maildrop.messages():
        message.delete()
    print("deleted", flush=True)
    while True:
        maildrop.stat()
"""


def test_ctrl_c_ends_the_program_and_deletes_nothing(post_office, mailbox):
    fill(post_office, mailbox, SPECIMENS[:3])
    command = [sys.executable, "-c", PROGRAM, _url(post_office, mailbox)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"deleted\n"
        program.send_signal(signal.SIGINT)
        said = program.communicate(timeout=30)[1]
    assert program.returncode == -signal.SIGINT
    assert said.rstrip().endswith(b"KeyboardInterrupt")
    wait_until(lambda: _is_free(post_office, mailbox), "the box is free again")
    assert count(post_office, mailbox) == 3


def _is_free(office: PostOffice, box: Mailbox) -> bool:
    with Talk(office.pop3) as talk:
        talk.ask(f"USER {box.name}".encode())
        return talk.ask(f"PASS {box.password}".encode()).startswith(b"+OK")
