"""POP2 and POP1 over real sockets, plain and over TLS.

No program of other people that speaks them is to be had from Debian or PyPI (fetchmail is built without POP2), so the
package's own client machines come in as strangers, and the RFC's dialogues are said by hand.
"""

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from postane.pop1 import commands as pop1
from postane.pop2 import commands as pop2
from postane.pop2.replies import Count, Length, Ok
from support.callers import Pop1Caller, Pop2Caller
from support.corpus import Way, check_stored, corpus
from support.post import SENDER, check_all, count, deliver, fill, read_all
from support.postoffice import Mailbox, PostOffice, wait_until
from support.programs import require
from support.talk import Talk

pytestmark = pytest.mark.interop

SPECIMENS = [specimen for specimen in corpus() if Way.DATA in specimen.ways]
LOOPBACK = {"listen": ["127.0.0.1:0"]}
EX_CONFIG = 78


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    command = [require("openssl"), *request.split(), "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="module")
def house(certificate: tuple[Path, Path]) -> Iterator[PostOffice]:
    """A server that speaks everything."""
    tls = {"certificate": str(certificate[0]), "key": str(certificate[1])}
    services = dict.fromkeys(("pop2", "pop1", "pop2s", "pop1s"), LOOPBACK)
    with PostOffice({**services, "tls": tls}) as office:
        yield office


@pytest.fixture
def box(house: PostOffice) -> Mailbox:
    return house.fresh()


@pytest.fixture
def trust(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate[0]))


def test_pop2_carries_every_octet_and_deletes_at_quit(house: PostOffice, box: Mailbox) -> None:
    fill(house, box, SPECIMENS)
    with Pop2Caller(house.address("pop2")) as caller:
        assert caller.greeting.reply.host == "postane.test"
        assert caller.log_in(box.name, box.password) == len(SPECIMENS)
        check_all(caller.fetch_all(pop2.Acks()), SPECIMENS)
        check_all(caller.fetch_all(pop2.Ackd()), SPECIMENS)
        assert caller.ask(pop2.Read(1)) == Length(0, "message 1 is deleted")
        assert isinstance(caller.ask(pop2.Quit()), Ok)
        assert caller.socket.recv(1) == b""
    assert count(house, box) == 0


def test_pop2_keeps_what_a_cut_connection_had_acknowledged(house: PostOffice, box: Mailbox) -> None:
    fill(house, box, SPECIMENS[:3])
    with Pop2Caller(house.address("pop2")) as caller:
        caller.log_in(box.name, box.password)
        check_all(caller.fetch_all(pop2.Ackd()), SPECIMENS[:3])
    wait_until(lambda: _is_free(house, box), "the box is free again")
    assert count(house, box) == 3


def _is_free(house: PostOffice, box: Mailbox) -> bool:
    with Talk(house.pop3) as talk:
        talk.ask(f"USER {box.name}".encode())
        return talk.ask(f"PASS {box.password}".encode()).startswith(b"+OK")


def test_pop2_deletes_at_fold(house: PostOffice, box: Mailbox) -> None:
    fill(house, box, SPECIMENS[:3])
    with Pop2Caller(house.address("pop2")) as caller:
        caller.log_in(box.name, box.password)
        caller.ask(pop2.Read(2))
        caller.chunks(pop2.Retr())
        caller.ask(pop2.Ackd())
        reply = caller.ask(pop2.Fold(box.name.upper()))
        assert isinstance(reply, Count)
        assert reply.number == 2
        check_stored(caller.fetch(caller.ask(pop2.Read(2))), SPECIMENS[2])
        assert caller.ask(pop2.Nack()).octets > 0
        assert caller.ask(pop2.Fold("INBOX")).number == 2
        assert caller.ask(pop2.Fold("elsewhere")).number == 0
    assert count(house, box) == 2


def test_a_mailbox_that_was_shared_is_read_and_keeps_its_messages(house: PostOffice, box: Mailbox) -> None:
    owner = house.fresh()
    fill(house, owner, SPECIMENS[:3])
    with Pop2Caller(house.address("pop2")) as caller:
        caller.log_in(box.name, box.password)
        assert caller.ask(pop2.Fold(owner.name)).number == 0
        house.run("user share", owner.name, "--with", box.name)
        assert caller.ask(pop2.Fold(owner.name.upper())).number == 3
        check_all(caller.fetch_all(pop2.Ackd()), SPECIMENS[:3])
        assert isinstance(caller.ask(pop2.Quit()), Ok)
    with Pop1Caller(house.address("pop1")) as caller:
        caller.log_in(box.name, box.password)
        assert not caller.ask(pop1.Rdel(owner.name)).is_ok
        check_all([octets for _, octets in caller.receive(pop1.Retr(owner.name))], SPECIMENS[:3])
        assert caller.acknowledge().is_ok
        house.run("user share", owner.name, "--with", box.name, "--stop")
        assert not caller.ask(pop1.Retr(owner.name)).is_ok
    assert count(house, owner) == 3


def test_pop1_carries_the_whole_mailbox_and_deletes_it(house: PostOffice, box: Mailbox) -> None:
    fill(house, box, SPECIMENS)
    with Pop1Caller(house.address("pop1")) as caller:
        caller.log_in(box.name, box.password)
        for begin in (pop1.Retr(), pop1.Retr("INBOX"), pop1.Rdel()):
            letters = caller.receive(begin)
            check_all([octets for _, octets in letters], SPECIMENS)
            assert {postmark.sender for postmark, _ in letters} == {SENDER}
            assert all(isinstance(postmark.arrived, float) for postmark, _ in letters)
            assert caller.ask(pop1.Rset()).is_ok
        caller.receive(pop1.Rdel(box.name))
        deliver(house, box, [SPECIMENS[0].octets])  # it comes too late to be deleted
        assert caller.acknowledge().is_ok
        assert caller.ask(pop1.Noop()).is_ok
        assert caller.ask(pop1.Quit()).is_ok
        assert caller.socket.recv(1) == b""
    check_all(read_all(house, box), SPECIMENS[:1])


def test_pop1_of_an_empty_mailbox(house: PostOffice, box: Mailbox) -> None:
    with Pop1Caller(house.address("pop1")) as caller:
        caller.log_in(box.name, box.password)
        assert caller.receive(pop1.Rdel()) == []
        assert caller.acknowledge().is_ok


def test_pop1_keeps_what_a_cut_connection_had_received(house: PostOffice, box: Mailbox) -> None:
    fill(house, box, SPECIMENS[:3])
    with Pop1Caller(house.address("pop1")) as caller:
        caller.log_in(box.name, box.password)
        caller.receive(pop1.Rdel())
    wait_until(lambda: _is_free(house, box), "the box is free again")
    assert count(house, box) == 3


def test_both_over_tls(house: PostOffice, box: Mailbox, trust: ssl.SSLContext) -> None:
    fill(house, box, SPECIMENS)
    with Pop2Caller(house.address("pop2s"), trust) as two:
        assert two.log_in(box.name, box.password) == len(SPECIMENS)
        check_all(two.fetch_all(pop2.Acks()), SPECIMENS)
        assert isinstance(two.ask(pop2.Quit()), Ok)
    with Pop1Caller(house.address("pop1s"), trust) as one:
        one.log_in(box.name, box.password)
        check_all([octets for _, octets in one.receive(pop1.Rdel())], SPECIMENS)
        assert one.acknowledge().is_ok
    assert count(house, box) == 0


def test_a_null_sender_has_a_postmark_too(house: PostOffice, box: Mailbox) -> None:
    house.put(box, b"Subject: put\r\n\r\nFrom me\r\n")
    with Pop1Caller(house.address("pop1")) as caller:
        caller.log_in(box.name, box.password)
        ((postmark, octets),) = caller.receive(pop1.Retr())
    assert postmark.sender == ""
    assert octets.endswith(b"Subject: put\r\n\r\nFrom me\r\n")


def test_the_normal_scenario_of_rfc_937_by_hand(house: PostOffice, box: Mailbox) -> None:
    deliver(house, box, [b"Subject: one\r\n\r\none\r\n"])
    with Talk(house.address("pop2")) as talk:
        assert talk.greeting == b"+ POP2 postane.test Postane server ready"
        assert talk.ask(f"HELO {box.name} {box.password}".encode()) == b"#1 messages in your mailbox"
        length = talk.ask(b"READ 1")
        assert length.startswith(b"=")
        talk.send(b"RETR\r\n")
        octets = b""
        while len(octets) < int(length[1:].split()[0]):
            octets += talk.line() + b"\r\n"
        assert octets.endswith(b"Subject: one\r\n\r\none\r\n")
        assert talk.ask(b"ACKS") == b"=0 no more messages"
        assert talk.ask(b"QUIT") == b"+ OK, bye"
        assert talk.ends()


def test_garbage_is_answered_once(house: PostOffice) -> None:
    with Talk(house.address("pop2")) as talk:
        talk.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert talk.line() == b"- unknown command"
        assert talk.ends()


@pytest.mark.parametrize("service", ["pop2", "pop1"])
def test_clear_text_for_everybody_is_refused_at_start(service: str) -> None:
    office = PostOffice()
    try:
        office.config.write_text(f'\n[{service}]\nlisten = ["0.0.0.0:0"]\n')
        done = office.run("serve", expect=EX_CONFIG)
    finally:
        office.discard()
    said = done.stderr.decode()
    assert f"{office.config}:2: {service}: 0.0.0.0:0 can be reached by other machines" in said
    assert "i_know_this_is_plaintext = true" in said


def test_clear_text_for_everybody_who_knows() -> None:
    known = {"listen": ["0.0.0.0:0"], "i_know_this_is_plaintext": True}
    with PostOffice({"pop2": known, "pop1": known}) as office:
        box = office.fresh()
        with Pop2Caller(("127.0.0.1", office.address("pop2")[1])) as caller:
            assert caller.log_in(box.name, box.password) == 0
        with Talk(("127.0.0.1", office.address("pop1")[1])) as talk:
            assert talk.greeting == b"+OK postane.test POP1 server ready"
