"""Bad manners towards POP3, over real sockets: every refusal is clear, nothing is lost, others are served."""

import re
import socket
import struct

import pytest

from support.post import deliver
from support.postoffice import PostOffice, wait_until
from support.processes import children, resident
from support.talk import Talk, log_in
from support.victim import Victim

pytestmark = pytest.mark.interop

MIB = 1024 * 1024


@pytest.mark.parametrize(
    "command",
    [b"HELO there", b"GET / HTTP/1.0", b"", b" ", b"RETRIEVE 1", b"*", b"STAT\0", b"\xff\xfe\xfd", "ÇAĞRI".encode()],
)
@pytest.mark.parametrize("is_logged_in", [False, True], ids=["before login", "after login"])
def test_unknown_command(victim: Victim, command: bytes, is_logged_in: bool) -> None:
    with victim.log_in() if is_logged_in else victim.connect() as talk:
        assert talk.ask(command).startswith(b"-ERR ")
        assert talk.ask(b"QUIT").startswith(b"+OK")
        assert talk.ends()


@pytest.mark.parametrize("command", [b"STAT", b"LIST", b"RETR 1", b"DELE 1", b"NOOP", b"RSET", b"TOP 1 0", b"UIDL"])
def test_wrong_state_before_login(victim: Victim, command: bytes) -> None:
    with victim.connect() as talk:
        assert talk.ask(command).startswith(b"-ERR ")
        assert talk.ask(b"QUIT").startswith(b"+OK")


@pytest.mark.parametrize("command", [b"USER x", b"PASS x", b"APOP x " + b"0" * 32])
def test_wrong_state_after_login(victim: Victim, command: bytes) -> None:
    with victim.log_in() as talk:
        assert talk.ask(command).startswith(b"-ERR ")
        assert talk.ask(b"STAT").startswith(b"+OK 3 ")


def test_pass_without_user(victim: Victim) -> None:
    with victim.connect() as talk:
        assert talk.ask(b"PASS " + victim.mailbox.password.encode()).startswith(b"-ERR ")


@pytest.mark.parametrize("verb", [b"RETR %s", b"DELE %s", b"LIST %s", b"UIDL %s", b"TOP %s 0"])
@pytest.mark.parametrize("number", [b"0", b"4", b"-1", b"99999999999999999999999999", b"one", b"1x", b"0x1", b"1.0"])
def test_wrong_number(victim: Victim, verb: bytes, number: bytes) -> None:
    with victim.log_in() as talk:
        assert talk.ask(verb % number).startswith(b"-ERR ")
        assert talk.ask(b"STAT").startswith(b"+OK 3 ")


@pytest.mark.parametrize("command", [b"RETR", b"DELE", b"TOP 1", b"TOP 1 -1", b"TOP", b"RETR 1 2", b"USER", b"PASS"])
def test_wrong_arguments(victim: Victim, command: bytes) -> None:
    with victim.log_in() as talk:
        assert talk.ask(command).startswith(b"-ERR ")
        assert talk.ask(b"STAT").startswith(b"+OK 3 ")


@pytest.mark.parametrize("command", [b"RETR 2", b"DELE 2", b"LIST 2", b"UIDL 2", b"TOP 2 0"])
def test_deleted_message(victim: Victim, command: bytes) -> None:
    with victim.log_in() as talk:
        assert talk.ask(b"DELE 2").startswith(b"+OK")
        assert talk.ask(command).startswith(b"-ERR ")
        assert talk.ask(b"STAT").startswith(b"+OK 2 ")
        assert talk.ask(b"RSET").startswith(b"+OK")
        assert talk.ask(b"QUIT").startswith(b"+OK")


@pytest.mark.parametrize("is_logged_in", [False, True], ids=["before login", "after login"])
def test_a_mebibyte_without_a_line_end(victim: Victim, is_logged_in: bool) -> None:
    with victim.log_in() if is_logged_in else victim.connect() as talk:
        talk.send(b"A" * MIB)
        assert talk.line().startswith(b"-ERR ")
        assert talk.ask(b"A" * MIB + b"\r\nQUIT").startswith(b"+OK")


def test_a_line_without_end_is_given_up(victim: Victim) -> None:
    with victim.connect() as talk:
        talk.send(b"B" * (20 * MIB))
        assert talk.line().startswith(b"-ERR ")
        assert talk.line().startswith(b"-ERR ")
        assert talk.ends()


def test_bare_line_feeds_end_commands(victim: Victim) -> None:
    with victim.connect() as talk:
        name, password = victim.mailbox.name.encode(), victim.mailbox.password.encode()
        talk.send(b"USER %s\nPASS %s\nSTAT\nQUIT\n" % (name, password))
        answers = [talk.line() for _ in range(4)]
        assert all(answer.startswith(b"+OK") for answer in answers)
        assert talk.ends()


def test_one_octet_at_a_time(victim: Victim) -> None:
    with victim.connect() as talk:
        talk.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in b"USER %s\r\nPASS %s\r\nSTAT\r\n" % (
            victim.mailbox.name.encode(),
            victim.mailbox.password.encode(),
        ):
            talk.send(bytes([octet]))
        answers = [talk.line() for _ in range(3)]
        assert answers[2].startswith(b"+OK 3 ")


def test_wrong_password_and_unknown_user_look_alike(victim: Victim) -> None:
    answers = []
    for name in (victim.mailbox.name, "no-such-user", "x" * 200, "çağrı", "../../etc/passwd", "a:b"):
        with victim.connect(source="127.0.0.3") as talk:
            answers.append((talk.ask(f"USER {name}".encode()), talk.ask(b"PASS wrong")))
            assert talk.ask(b"QUIT").startswith(b"+OK")
    assert len(set(answers)) == 1
    assert answers[0][1].startswith(b"-ERR [AUTH] ")


def test_right_password_after_a_wrong_one(victim: Victim) -> None:
    with victim.connect(source="127.0.0.4") as talk:
        talk.ask(b"USER " + victim.mailbox.name.encode())
        assert talk.ask(b"PASS wrong").startswith(b"-ERR [AUTH]")
        talk.ask(b"USER " + victim.mailbox.name.encode())
        assert talk.ask(b"PASS " + victim.mailbox.password.encode()).startswith(b"+OK")


@pytest.mark.parametrize("digest", [b"0" * 32, b"z" * 32, b"", b"00", b"0" * 64, b"\xff" * 32])
def test_wrong_apop(victim: Victim, digest: bytes) -> None:
    with victim.connect(source="127.0.0.5") as talk:
        assert talk.ask(b"APOP %s %s" % (victim.mailbox.name.encode(), digest)).startswith(b"-ERR")


def test_second_login_is_told_since_when(victim: Victim) -> None:
    with victim.log_in() as first, victim.connect() as second:
        second.ask(b"USER " + victim.mailbox.name.encode())
        answer = second.ask(b"PASS " + victim.mailbox.password.encode())
        assert answer.startswith(b"-ERR [IN-USE] ")
        assert re.search(rb"since \S*\d\d:\d\d", answer), answer
        assert first.ask(b"STAT").startswith(b"+OK 3 ")
        assert first.ask(b"QUIT").startswith(b"+OK")
        second.ask(b"USER " + victim.mailbox.name.encode())
        assert second.ask(b"PASS " + victim.mailbox.password.encode()).startswith(b"+OK")


@pytest.mark.parametrize(("is_logged_in", "allowed"), [(False, 3), (True, 20)], ids=["before login", "after login"])
def test_too_many_bad_commands(victim: Victim, is_logged_in: bool, allowed: int) -> None:
    with victim.log_in() if is_logged_in else victim.connect() as talk:
        talk.send(b"NONSENSE\r\n" * (allowed + 20))
        answers = 0
        while talk.line().startswith(b"-ERR "):
            answers += 1
        assert allowed <= answers <= allowed + 1


def test_pipelined_and_half_closed(victim: Victim) -> None:
    with victim.connect() as talk:
        name, password = victim.mailbox.name.encode(), victim.mailbox.password.encode()
        talk.send(b"USER %s\r\nPASS %s\r\nRETR 1\r\nDELE 1\r\nRSET\r\nQUIT\r\n" % (name, password))
        talk.socket.shutdown(socket.SHUT_WR)
        assert [talk.line()[:3] for _ in range(3)] == [b"+OK"] * 3
        assert b"Good morning." in talk.body()
        assert [talk.line()[:3] for _ in range(3)] == [b"+OK"] * 3
        assert talk.ends()


def test_half_closed_without_quit_deletes_nothing(victim: Victim) -> None:
    with victim.log_in() as talk:
        talk.send(b"DELE 1\r\nDELE 2\r\n")
        talk.socket.shutdown(socket.SHUT_WR)
        assert [talk.line()[:3] for _ in range(2)] == [b"+OK"] * 2
        assert talk.ends()


def test_half_a_command_then_closed(victim: Victim) -> None:
    with victim.log_in() as talk:
        assert talk.ask(b"DELE 1").startswith(b"+OK")
        talk.send(b"QUI")
        talk.socket.shutdown(socket.SHUT_WR)
        assert talk.ends()


def test_quit_without_line_end_is_no_quit(victim: Victim) -> None:
    with victim.log_in() as talk:
        assert talk.ask(b"DELE 1").startswith(b"+OK")
        talk.send(b"QUIT")
        talk.socket.shutdown(socket.SHUT_WR)
        assert talk.ends()


def test_tls_where_there_is_none(victim: Victim) -> None:
    with victim.connect() as talk:
        talk.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(128, 228)) + b"\r\n")
        assert talk.line().startswith(b"-ERR ")


def _vanish(talk: Talk) -> None:
    """Go away as a machine does that loses its power: a reset."""
    talk.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    talk.close()


def _large(size: int) -> bytes:
    return b"Subject: large\r\n\r\n" + (b".dots " + b"x" * 55 + b"\r\n") * (size // 63)


def test_clients_that_vanish_inside_retr(victim: Victim) -> None:
    box = victim.office.fresh()
    deliver(victim.office, box, [_large(8 * MIB)])
    for _ in range(5):
        talk = log_in(victim.office.pop3, box.name, box.password)
        assert talk.ask(b"RETR 1").startswith(b"+OK")
        talk.socket.recv(1000)
        _vanish(talk)
        wait_until(lambda: _can_open(victim.office, box.name, box.password), "the box is free again")


def _can_open(office: PostOffice, name: str, password: str) -> bool:
    with Talk(office.pop3) as talk:
        talk.ask(f"USER {name}".encode())
        answer = talk.ask(f"PASS {password}".encode())
        talk.ask(b"QUIT")
        return answer.startswith(b"+OK 1 ") or b"1 message" in answer


def test_clients_that_never_read_cost_little(victim: Victim) -> None:
    """Eight clients ask for 16 MiB each and read nothing, one asks two thousand times for 60 KiB."""
    office = victim.office
    boxes = [office.fresh() for _ in range(9)]
    for box in boxes[:8]:
        deliver(office, box, [_large(16 * MIB)])
    deliver(office, boxes[8], [_large(60_000)])
    talks = [log_in(office.pop3, box.name, box.password) for box in boxes]
    before = resident(children(office.pid))
    for talk in talks[:8]:
        talk.send(b"RETR 1\r\n")
    talks[8].send(b"RETR 1\r\n" * 2000)
    peak = before
    for _ in range(20):
        victim.check_unharmed()
        peak = max(peak, resident(children(office.pid)))
    for talk in talks:
        _vanish(talk)
    print(f"{(peak - before) // 1024} kB more")
    assert peak - before < 32 * MIB, f"{(peak - before) // MIB} MiB more than before"
