"""Guessing passwords at a server of two workers: what one has seen, the other knows."""

import base64
import contextlib
import json
import os
import signal
from collections import defaultdict
from collections.abc import Iterator

import pytest

from support.postoffice import Mailbox, PostOffice, wait_until
from support.talk import Talk, log_in

pytestmark = pytest.mark.interop

AFTER = 3
SETTINGS = {"auth": {"failure_delay": "1ms", "lockout_after": AFTER, "lockout": "10m"}}
CONNECTIONS = 40


@pytest.fixture
def strict() -> Iterator[PostOffice]:
    """A server that refuses after few failures."""
    with PostOffice(SETTINGS) as office:
        yield office


def claim(talk: Talk, name: str, password: str) -> bytes:
    """The reply to a login."""
    assert talk.ask(b"USER " + name.encode()).startswith(b"+OK")
    return talk.ask(b"PASS " + password.encode())


def claim_anew(office: PostOffice, box: Mailbox) -> bytes:
    """The reply to a right login on a new connection."""
    with Talk(office.pop3) as talk:
        return claim(talk, box.name, box.password)


def by_worker(office: PostOffice, stack: contextlib.ExitStack) -> list[list[Talk]]:
    """Connections, those of one worker together."""
    talks = {
        f"127.0.6.{number}": stack.enter_context(Talk(office.pop3, source=f"127.0.6.{number}"))
        for number in range(1, CONNECTIONS)
    }
    workers: dict[int, list[Talk]] = defaultdict(list)
    for row in json.loads(office.run("sessions", "--json").stdout):
        workers[row["worker"]].append(talks[row["address"]])
    return list(workers.values())


def test_failures_at_one_worker_count_at_the_other(strict: PostOffice) -> None:
    box, other = strict.fresh(), strict.fresh()
    with contextlib.ExitStack() as stack:
        one, two = by_worker(strict, stack)
        assert len(one) > AFTER
        for number, talk in enumerate(one[:AFTER]):
            assert claim(talk, box.name, f"wrong {number}").startswith(b"-ERR [AUTH]")
        for talk in (one[AFTER], two[0]):
            refusal = claim(talk, box.name, box.password)
            assert refusal.startswith(b"-ERR [SYS/TEMP] too many failed logins, try again in ")
        assert claim(two[1], other.name, other.password).startswith(b"+OK"), "nobody else is touched"


def test_guesses_at_the_same_moment_count_each(strict: PostOffice) -> None:
    """All are sent before any is answered; the right one is the last. It takes nothing back: one before it has."""
    box = strict.fresh()
    with Talk(strict.pop3) as talk:
        talk.ask(b"USER " + box.name.encode())
        assert talk.ask(b"PASS " + box.password.encode()).startswith(b"+OK")
    with contextlib.ExitStack() as stack:
        talks = [stack.enter_context(Talk(strict.pop3)) for _ in range(CONNECTIONS)]
        for talk in talks:
            talk.ask(b"USER " + box.name.encode())
        for number, talk in enumerate(talks[:-1]):
            talk.send(b"PASS wrong %d\r\n" % number)
        talks[-1].send(b"PASS " + box.password.encode() + b"\r\n")
        replies = [talk.line() for talk in talks]
    looked_at = [reply for reply in replies if not reply.startswith(b"-ERR [SYS/TEMP] too many failed logins")]
    assert AFTER <= len(looked_at) <= AFTER + 2, "as many, and at most one more for each worker"


def plain(office: PostOffice, name: str, password: str) -> list[bytes]:
    """The reply to AUTH PLAIN by SMTP."""
    with Talk(office.smtp) as talk:
        talk.ask(b"EHLO client.test")
        while talk.line()[3:4] == b"-":
            pass
        talk.send(b"AUTH PLAIN " + base64.b64encode(f"\0{name}\0{password}".encode()) + b"\r\n")
        return talk.reply()


def test_failures_by_smtp_count_for_pop3_and_the_other_way_round(strict: PostOffice) -> None:
    box, other = strict.fresh(), strict.fresh()
    for number in range(AFTER):
        (refusal,) = plain(strict, box.name, f"wrong {number}")
        assert refusal.startswith(b"535 5.7.8 ")
        with Talk(strict.pop3) as talk:
            assert claim(talk, other.name, f"wrong {number}").startswith(b"-ERR [AUTH]")
    assert claim_anew(strict, box).startswith(b"-ERR [SYS/TEMP]")
    (refusal,) = plain(strict, other.name, other.password)
    assert refusal.startswith(b"454 4.7.0 too many failed logins")


def test_a_refusal_outlives_killed_workers_and_a_reload(strict: PostOffice) -> None:
    box = strict.fresh()
    for number in range(AFTER):
        with Talk(strict.pop3) as talk:
            assert claim(talk, box.name, f"wrong {number}").startswith(b"-ERR [AUTH]")
    before = set(strict.workers())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(set(strict.workers()) - before) == 2, "others are there")
    assert claim_anew(strict, box).startswith(b"-ERR [SYS/TEMP]")
    before |= set(strict.workers())
    strict.signal(signal.SIGHUP)
    wait_until(lambda: len(set(strict.workers()) - before) == 2, "a new generation is there")
    assert claim_anew(strict, box).startswith(b"-ERR [SYS/TEMP]")


def test_names_that_nobody_has_are_refused_alike(strict: PostOffice) -> None:
    box = strict.fresh()
    replies = []
    for name in (box.name, "nobody-of-that-name"):
        said = []
        for number in range(AFTER + 1):
            with Talk(strict.pop3) as talk:
                said.append(claim(talk, name, f"wrong {number}").partition(b" in ")[0])
        replies.append(said)
    assert replies[0] == replies[1]


def test_a_device_with_an_old_password_locks_nobody_out(strict: PostOffice) -> None:
    box = strict.fresh()
    for _ in range(4 * AFTER):
        with Talk(strict.pop3) as talk:
            assert claim(talk, box.name, "the password of last year").startswith(b"-ERR [AUTH]")
    with log_in(strict.pop3, box.name, box.password) as talk:
        assert talk.ask(b"QUIT").startswith(b"+OK")
