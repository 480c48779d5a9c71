"""A real Postfix hands its mail to the house by LMTP on a unix socket, and tries again when the house was closed."""

import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.corpus import Specimen, check_stored, corpus, plain, trace_of
from support.post import SENDER, check_all, count, read_all, with_lf
from support.postoffice import Mailbox, PostOffice, wait_until
from support.programs import require, run

pytestmark = pytest.mark.interop

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.postfix.test
mydestination =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = postane.test
virtual_transport = lmtp:unix:{socket}
smtputf8_enable = yes
alias_maps =
alias_database =
smtpd_recipient_restrictions = permit_mynetworks, reject
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 2s
lmtp_connect_timeout = 5s
"""

SERVICES = """
smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """An instance of its own: its own folders, one loopback port."""

    def __init__(self, folder: Path, lmtp_socket: Path) -> None:
        self.folder = folder
        self.config = folder / "config"
        self.port = _free_port()
        self.config.mkdir()
        (folder / "data").mkdir()
        (folder / "queue").mkdir()
        run(["chown", "postfix", str(folder / "data")])
        (self.config / "main.cf").write_text(MAIN.format(folder=folder, socket=lmtp_socket))
        (self.config / "master.cf").write_text(SERVICES.replace("smtp inet", f"127.0.0.1:{self.port} inet", 1).lstrip())

    def start(self) -> None:
        # It leaves a daemon behind that would keep a pipe open: its words go to a file.
        with (self.folder / "start").open("wb") as said:
            command = [require("postfix"), "-c", str(self.config), "start"]
            code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=30).returncode
        assert code == 0, (self.folder / "start").read_text() + self.log()

    def stop(self) -> None:
        run([require("postfix"), "-c", str(self.config), "stop"], expect=None)

    def log(self) -> str:
        log = self.folder / "postfix.log"
        return log.read_text()[-5000:] if log.exists() else ""

    def queue(self) -> str:
        return run([require("postqueue"), "-c", str(self.config), "-p"]).stdout.decode()

    def flush(self) -> None:
        run([require("postqueue"), "-c", str(self.config), "-f"])

    def connect(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.port, timeout=20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def office() -> Iterator[PostOffice]:
    """A server of this file's own: it is stopped and started."""
    with PostOffice() as office:
        yield office


@pytest.fixture(scope="module")
def postfix(office: PostOffice) -> Iterator[Postfix]:
    require("postfix")
    if run(["id", "-u"]).stdout.strip() != b"0":
        pytest.skip("only root can start a Postfix")
    with tempfile.TemporaryDirectory(prefix="postfix-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postfix = Postfix(folder, office.lmtp_socket)
        postfix.start()
        try:
            yield postfix
        finally:
            postfix.stop()
            wait_until(lambda: not _listens(postfix.port), "Postfix has stopped")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _await(postfix: Postfix, office: PostOffice, mailbox: Mailbox, messages: int) -> list[bytes]:
    deadline = time.monotonic() + 20
    while count(office, mailbox) < messages:
        assert time.monotonic() < deadline, postfix.log()
        time.sleep(0.05)
    return read_all(office, mailbox)


def test_by_smtp(office: PostOffice, postfix: Postfix) -> None:
    mailbox = office.fresh()
    specimens = plain()
    with postfix.connect() as smtp:
        for number, specimen in enumerate(specimens, 1):
            smtp.sendmail(SENDER, [mailbox.address], specimen.octets)
            _await(postfix, office, mailbox, number)  # its queue keeps no order
    messages = read_all(office, mailbox)
    check_all(messages, specimens)
    trace = trace_of(messages[0], specimens[0])
    assert trace.startswith(b"Return-Path: <ali@sender.test>\r\n")
    assert b"from mx.postfix.test" in trace
    assert b"with LMTP" in trace
    assert b"by mx.postfix.test (Postfix)" in trace


def test_by_sendmail(office: PostOffice, postfix: Postfix) -> None:
    mailbox = office.fresh()
    letter = corpus()[0]
    command = [require("sendmail"), "-C", str(postfix.config), "-i", "-f", SENDER, mailbox.address]
    run(command, given=with_lf(letter.octets))
    check_all(_await(postfix, office, mailbox, 1), [letter])


def test_many_recipients_in_one_transaction(office: PostOffice, postfix: Postfix) -> None:
    boxes = [office.fresh() for _ in range(8)]
    letter = Specimen("to eight", corpus()[0].octets)
    with postfix.connect() as smtp:
        smtp.sendmail(SENDER, [box.address for box in boxes], letter.octets)
    for box in boxes:
        (message,) = _await(postfix, office, box, 1)
        check_stored(message, letter)
        assert f"Delivered-To: {box.address}\r\n".encode() in message


def test_unknown_recipient_bounces_and_the_other_gets_it(office: PostOffice, postfix: Postfix) -> None:
    sender, mailbox = office.fresh(), office.fresh()
    with postfix.connect() as smtp:
        smtp.sendmail(sender.address, [mailbox.address, "nobody@postane.test"], corpus()[0].octets)
    check_all(_await(postfix, office, mailbox, 1), corpus()[:1])
    (bounce,) = _await(postfix, office, sender, 1)
    assert b"5.1.1" in bounce
    assert bounce.startswith(b"Return-Path: <>\r\n")


def test_deferred_while_closed_and_delivered_afterwards(office: PostOffice, postfix: Postfix) -> None:
    mailbox = office.fresh()
    letter = corpus()[0]
    office.stop()
    with postfix.connect() as smtp:
        smtp.sendmail(SENDER, [mailbox.address], letter.octets)
    wait_until(lambda: mailbox.address in postfix.queue() and "status=deferred" in postfix.log(), "it is deferred")
    office.start()
    postfix.flush()
    check_all(_await(postfix, office, mailbox, 1), [letter])
