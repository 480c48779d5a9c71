"""Limits and time-outs, with values short enough to wait for."""

import hashlib
from collections.abc import Iterator

import pytest

from support.corpus import corpus, letter
from support.post import check_all, deliver, fill, read_all
from support.postoffice import PostOffice, wait_until
from support.talk import Talk, log_in

pytestmark = pytest.mark.interop

PER_ADDRESS = 4
SETTINGS = {
    "limits": {"per_address": PER_ADDRESS, "idle": "700ms", "login": "700ms", "message": "100kB", "line": "2kB"},
}
ADDRESSES = (f"127.0.1.{n}" for n in range(1, 250))
"""Loopback addresses, so that a test that uses one up leaves the others alone."""


@pytest.fixture(scope="module")
def strict() -> Iterator[PostOffice]:
    """A server with short limits."""
    with PostOffice(SETTINGS) as office:
        yield office


@pytest.fixture
def source() -> str:
    """A client's address that no other test uses."""
    return next(ADDRESSES)


def test_connections_of_one_address(strict: PostOffice, source: str) -> None:
    talks = [Talk(strict.pop3, source=source) for _ in range(PER_ADDRESS)]
    assert all(talk.greeting.startswith(b"+OK") for talk in talks)
    with Talk(strict.pop3, source=source) as refused:
        assert refused.greeting.startswith(b"-ERR ")
        assert refused.ends()
    with Talk(strict.smtp, source=source) as refused:
        assert refused.greeting.startswith(b"421 ")
        assert refused.ends()
    with Talk(strict.pop3) as another:
        assert another.greeting.startswith(b"+OK")
    for talk in talks:
        talk.close()
    wait_until(lambda: _is_greeted(strict, source), "the address is let in again")


def _is_greeted(office: PostOffice, source: str) -> bool:
    with Talk(office.pop3, source=source) as talk:
        return talk.greeting.startswith(b"+OK")


def test_sessions_of_one_account() -> None:
    with PostOffice({"limits": {"per_account": 1}}) as office:
        box = office.fresh()
        with log_in(office.pop3, box.name, box.password), Talk(office.pop3) as second:
            second.ask(b"USER " + box.name.encode())
            assert second.ask(b"PASS " + box.password.encode()).startswith(b"-ERR [IN-USE]")


def test_time_to_log_in(strict: PostOffice, source: str) -> None:
    """Words do not buy more of it."""
    with Talk(strict.pop3, source=source) as talk:
        wait_until(lambda: _is_hung_up(talk), "the login time is over", seconds=5)


def _is_hung_up(talk: Talk) -> bool:
    """Whether the server answers no more."""
    try:
        return talk.ask(b"USER x") == b""
    except (ConnectionResetError, BrokenPipeError):
        return True


def test_silence_before_login(strict: PostOffice, source: str) -> None:
    with Talk(strict.pop3, source=source) as talk:
        assert talk.ends()


def test_silence_in_a_session_deletes_nothing(strict: PostOffice, source: str) -> None:
    """RFC 1939 s3: an autologout closes without a word and without the update."""
    box = strict.fresh()
    fill(strict, box, corpus()[:1])
    with log_in(strict.pop3, box.name, box.password, source=source) as talk:
        assert talk.ask(b"DELE 1").startswith(b"+OK")
        assert talk.ends()
    check_all(read_all(strict, box), corpus()[:1])


def test_silence_in_smtp(strict: PostOffice, source: str) -> None:
    with Talk(strict.smtp, source=source) as talk:
        assert talk.line().startswith(b"421 ")
        assert talk.ends()


def test_silence_inside_data_stores_nothing(strict: PostOffice, source: str) -> None:
    box = strict.fresh()
    with Talk(strict.lmtp, source=source) as talk:
        talk.send(f"LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<{box.address}>\r\nDATA\r\n".encode())
        replies = [talk.reply()[-1][:3] for _ in range(4)]
        assert replies == [b"250", b"250", b"250", b"354"]
        talk.send(corpus()[0].octets)
        assert talk.line().startswith(b"421 ")
        assert talk.ends()
    assert read_all(strict, box) == []


@pytest.mark.parametrize(
    ("message", "code"),
    [(letter("large", (b"x" * 62 + b"\r\n") * 2000), b"552 5.3.4 "), (letter("long", b"x" * 3000), b"5")],
    ids=["too large", "too long a line"],
)
def test_sizes(strict: PostOffice, source: str, message: bytes, code: bytes) -> None:
    box = strict.fresh()
    with Talk(strict.lmtp, source=source) as talk:
        talk.send(f"LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<{box.address}>\r\nDATA\r\n".encode())
        for _ in range(4):
            talk.reply()
        talk.send(message + b"\r\n.\r\n")
        assert talk.reply()[-1].startswith(code)
    assert read_all(strict, box) == []


def test_quota(strict: PostOffice) -> None:
    box = strict.add_user("small", "--quota", "20kB")
    body = letter("quota", (b"x" * 62 + b"\r\n") * 100)
    deliver(strict, box, [body, body])
    with Talk(strict.lmtp) as talk:
        talk.send(f"LHLO c\r\nMAIL FROM:<> SIZE=20480\r\nRCPT TO:<{box.address}>\r\n".encode())
        replies = [talk.reply()[-1] for _ in range(3)]
        assert replies[2].startswith(b"452 4.2.2 ")
        talk.send(f"RSET\r\nMAIL FROM:<>\r\nRCPT TO:<{box.address}>\r\nDATA\r\n".encode())
        assert [talk.reply()[-1][:3] for _ in range(4)] == [b"250", b"250", b"250", b"354"]
        talk.send(body * 2 + b".\r\n")
        assert talk.reply()[-1].startswith(b"452 4.2.2 ")
    assert len(read_all(strict, box)) == 2


def test_plain_passwords_only_where_allowed() -> None:
    with PostOffice({"auth": {"plaintext_without_tls": "never"}}) as office:
        box = office.fresh()
        device = office.add_device(box)
        with Talk(office.pop3) as talk:
            assert talk.ask(b"USER " + box.name.encode()).startswith(b"-ERR")
            assert talk.ask(b"CAPA").startswith(b"+OK")
            assert b"USER" not in talk.body().splitlines()
        with Talk(office.pop3) as talk:
            assert _apop(talk, device.name, device.password).startswith(b"+OK")


def _apop(talk: Talk, name: str, secret: str) -> bytes:
    stamp = talk.greeting[talk.greeting.rindex(b"<") :]
    digest = hashlib.md5(stamp + secret.encode(), usedforsecurity=False).hexdigest()
    return talk.ask(f"APOP {name} {digest}".encode())
