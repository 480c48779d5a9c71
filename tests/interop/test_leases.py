"""Two real clients at one maildrop, under each policy; who is connected, and how a session is ended from outside.

With `-s` the tests print what each client saw.
"""

import json
import os
import poplib
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from support.post import deliver, read_all
from support.postoffice import Mailbox, PostOffice, wait_until
from support.talk import log_in

pytestmark = pytest.mark.interop

POLICIES = ("refuse", "wait", "takeover", "share")
EX_NO_USER, EX_UNAVAILABLE = 67, 69
CLEAR_WORDS = "[IN-USE] maildrop was taken over by another session, nothing was deleted by this one"


@dataclass
class Client:
    """A user's program, built on poplib. `seen` is every reply that it got."""

    name: str
    office: PostOffice
    mailbox: Mailbox
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._pop: poplib.POP3 | None = None

    def log_in(self) -> bool:
        """A new connection, and a login; whether it was let in."""
        self._pop = poplib.POP3(*self.office.pop3, timeout=30)
        self.do("USER", self.mailbox.name)
        return self.do("PASS", self.mailbox.password).startswith("+OK")

    def do(self, command: str, argument: str = "") -> str:
        """One command; the first line of the reply."""
        assert self._pop is not None
        try:
            match command:
                case "USER":
                    reply = self._pop.user(argument)
                case "PASS":
                    reply = self._pop.pass_(argument)
                case "RETR":
                    reply = self._pop.retr(int(argument))[0]
                case "DELE":
                    reply = self._pop.dele(int(argument))
                case "QUIT":
                    reply = self._pop.quit()
                case _:
                    reply = b"+OK %d %d" % self._pop.stat()
        except poplib.error_proto as error:
            reply = error.args[0]
        said = reply.decode()
        shown = "***" if command == "PASS" else argument
        self.seen.append(f"{self.name:5} {command} {shown}".ljust(24) + said)
        return said

    def close(self) -> None:
        """Hang up."""
        if self._pop is not None:
            self._pop.close()


@pytest.fixture
def pair(post_office: PostOffice, policy: str) -> tuple[Client, Client]:
    """Two programs of one user, whose account has the policy."""
    mailbox = post_office.fresh()
    post_office.run_forked("user set", mailbox.name, f"lock={policy}")
    deliver(post_office, mailbox, [b"Subject: %d\r\n\r\nnumber %d\r\n" % (number, number) for number in range(1, 5)])
    seen: list[str] = []
    return Client("ada", post_office, mailbox, seen), Client("bob", post_office, mailbox, seen)


def show(policy: str, seen: list[str]) -> None:
    print(f"\n--- {policy}", *seen, sep="\n")


@pytest.mark.parametrize("policy", POLICIES)
def test_what_each_sees(pair: tuple[Client, Client], policy: str) -> None:
    """ada marks message 1; bob comes, marks 1 and 2, and leaves; ada goes on and leaves."""
    ada, bob = pair
    assert ada.log_in()
    assert ada.do("DELE", "1").startswith("+OK")
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(bob.log_in)
        if policy == "wait":
            ada.do("RETR", "2")
            assert ada.do("QUIT").startswith("+OK")
        is_in = coming.result(timeout=30)
    assert is_in is (policy != "refuse")
    if is_in:
        assert bob.do("STAT").split()[1] == ("3" if policy == "wait" else "4")
        for number in "12":
            assert bob.do("DELE", number).startswith("+OK")
        assert bob.do("QUIT").startswith("+OK")
    bob.close()
    left = {"refuse": 3, "wait": 1, "takeover": 2, "share": 2}[policy]
    if policy == "refuse":
        assert "[IN-USE] maildrop is in use by another session since" in ada.seen[-1]
        assert ", idle for " in ada.seen[-1]
        assert ada.do("QUIT").startswith("+OK")
    elif policy == "takeover":
        for command, argument in (("STAT", ""), ("RETR", "3"), ("DELE", "3"), ("QUIT", "")):
            assert ada.do(command, argument) == f"-ERR {CLEAR_WORDS}"
    elif policy == "share":
        assert ada.do("STAT").split()[1] == "3"
        assert ada.do("RETR", "2") == "-ERR message 2 was deleted by another session"
        assert ada.do("RETR", "3").startswith("+OK")
        assert ada.do("QUIT").startswith("+OK")
    ada.close()
    show(policy, ada.seen)
    assert len(read_all(ada.office, ada.mailbox)) == left


@pytest.mark.parametrize("policy", POLICIES)
def test_a_race(pair: tuple[Client, Client], policy: str) -> None:
    """Both log in again and again and delete what they see first; what was acknowledged is what is gone."""
    ada = pair[0]
    deliver(ada.office, ada.mailbox, [b"Subject: more\r\n\r\n%d\r\n" % number for number in range(40)])
    start = threading.Barrier(2)
    acknowledged: list[str] = []

    def work(client: Client) -> list[str]:
        start.wait()
        outcomes = []
        for _ in range(12):
            is_in = client.log_in()
            assert client._pop is not None
            if is_in:
                try:
                    first = client._pop.uidl()[1][0].decode().split()[1]
                    client._pop.dele(1)
                except poplib.error_proto as error:
                    assert CLEAR_WORDS in str(error)
            is_done = client.do("QUIT").startswith("+OK")
            outcomes.append(("deleted" if is_done else "evicted") if is_in else "refused")
            if is_in and is_done:
                acknowledged.append(first)
            client.close()
        return outcomes

    with ThreadPoolExecutor(2) as pool:
        for client, outcomes in zip(pair, pool.map(work, pair), strict=True):
            counts = {word: outcomes.count(word) for word in ("deleted", "evicted", "refused")}
            print(f"{policy}: {client.name} {counts}")
            assert counts["refused"] == 0 or policy == "refuse"
            assert counts["evicted"] == 0 or policy == "takeover"
    assert acknowledged
    assert policy == "share" or len(acknowledged) == len(set(acknowledged))
    assert len(read_all(ada.office, ada.mailbox)) == 44 - len(set(acknowledged))


def sessions(office: PostOffice, mailbox: Mailbox) -> list[dict[str, object]]:
    """What `postane sessions` tells of one user."""
    rows = json.loads(office.run("sessions", "--json").stdout)
    return [row for row in rows if row["account"] == mailbox.name]


def test_a_session_is_seen_and_ended(post_office: PostOffice, mailbox: Mailbox) -> None:
    deliver(post_office, mailbox, [b"Subject: 1\r\n\r\nx\r\n"])
    with log_in(post_office.pop3, mailbox.name, mailbox.password) as talk:
        assert talk.ask(b"DELE 1").startswith(b"+OK")
        (row,) = sessions(post_office, mailbox)
        expected = {"service": "pop3", "state": "transaction", "commands": 3, "messages": 0}
        assert expected.items() <= row.items()
        listed = post_office.run("sessions").stdout.decode()
        assert str(row["id"]) in listed
        assert post_office.run("kick", str(row["id"])).stdout == b""
        assert len(read_all(post_office, mailbox)) == 1, "the maildrop is free, and nothing was deleted"
        assert talk.line() == b"", "the connection is closed"
    assert sessions(post_office, mailbox) == []
    post_office.run("kick", str(row["id"]), expect=EX_NO_USER)
    wait_until(lambda: '"ending": "kicked"' in post_office.read_log(), "the log tells of it")


def test_a_killed_workers_drops_are_free(office: PostOffice) -> None:
    mailbox = office.fresh()
    deliver(office, mailbox, [b"Subject: 1\r\n\r\nx\r\n"])
    with log_in(office.pop3, mailbox.name, mailbox.password) as talk:
        talk.ask(b"DELE 1")
        (row,) = sessions(office, mailbox)
        os.kill(int(str(row["worker"])), signal.SIGKILL)
        assert len(read_all(office, mailbox)) == 1
    assert sessions(office, mailbox) == []
    assert not (office.folder / "store" / "control" / f"{row['worker']}.sock").exists()


def test_sessions_of_an_older_generation_are_seen(office: PostOffice) -> None:
    mailbox = office.fresh()
    with log_in(office.pop3, mailbox.name, mailbox.password) as talk:
        before = set(office.workers())
        office.signal(signal.SIGHUP)
        wait_until(lambda: len(set(office.workers()) - before) == 2, "a new generation is there")
        (row,) = sessions(office, mailbox)
        assert row["worker"] in before
        assert talk.ask(b"QUIT").startswith(b"+OK")


def test_without_a_server(office: PostOffice) -> None:
    office.stop()
    for words in ("sessions", "kick x"):
        office.run(words, expect=EX_UNAVAILABLE)
    assert list((office.folder / "store" / "control").iterdir()) == []
