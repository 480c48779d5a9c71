"""The examples, each run as a program against a running server."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.certificates import Authority, Wish
from support.corpus import Way, by_way
from support.post import count, deliver, fill
from support.postoffice import Mailbox, PostOffice
from support.programs import TIME, run
from support.terminal import Typist

pytestmark = pytest.mark.interop

EXAMPLES = Path(__file__).parents[2] / "examples"
FAILED = 1
PLACED = {"delete_after_transaction.py", "mirror_to_maildir.py", "read_new_mail_only.py"}  # they take a file or folder
MISUSED = 2
Example = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def office(authority: Authority) -> Iterator[PostOffice]:
    own = authority.issue("server", Wish(dns=["localhost"], addresses=["127.0.0.1"]))
    tls = {"certificate": str(own.chain), "key": str(own.key)}
    with PostOffice({"tls": tls, "pop3s": {"listen": ["127.0.0.1:0"]}}, pool=12) as office:
        yield office


@pytest.fixture
def box(office: PostOffice) -> Mailbox:
    return office.fresh()


@pytest.fixture
def example(office: PostOffice, box: Mailbox, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Example:
    """Runs an example on this test's maildrop, on a machine that believes the server."""
    host, port = office.address("pop3s")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    monkeypatch.setenv("POP_PASSWORD", box.password)

    def start(name: str, *arguments: str | Path, expect: int = 0) -> "subprocess.CompletedProcess[bytes]":
        return run([sys.executable, EXAMPLES / name, f"pop3s://{box.name}@{host}:{port}", *arguments], expect=expect)

    return start


def letter(subject: str, sender: str = "Ali <ali@sender.test>") -> bytes:
    return f"From: {sender}\r\nSubject: {subject}\r\n\r\nHello, {subject}.\r\n".encode()


def subjects(done: "subprocess.CompletedProcess[bytes]", word: str) -> list[str]:
    """What comes after a word, line by line."""
    return re.findall(f"^{word}(.*?)\r?$", done.stdout.decode(), re.MULTILINE)


def test_every_example_is_run_here_and_told_of():
    here, readme = Path(__file__).read_text(), (EXAMPLES / "README.md").read_text()
    names = [file.name for file in EXAMPLES.glob("*.py")]
    assert names
    for name in names:
        assert f'example("{name}"' in here
        assert f"| `{name}` |" in readme


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.name)
def test_who_calls_it_wrongly_is_told_how(file, tmp_path, monkeypatch):
    monkeypatch.setenv("POP_PASSWORD", "tanstaaf")
    asked = run([sys.executable, file, "--help"]).stdout.decode()
    assert f"POP_PASSWORD=... python {file.name} pop3s://" in asked
    assert b"required: url" in run([sys.executable, file], expect=MISUSED).stderr
    rest = re.findall(r"^  (?!url)(\w+) ", asked, re.MULTILINE)
    place = [tmp_path / "place"] * len(rest)
    for url, words in (("pop.example.org", b"begins with pop3s://"), ("pop3://you@127.0.0.1:1", b"nothing listens")):
        done = run([sys.executable, file, url, *place], expect=FAILED)
        assert words in done.stderr
        assert done.stderr.count(b"\n") == 1, "no traceback"


@pytest.mark.parametrize("name", ["delete_after_transaction.py", "read_new_mail_only.py"])
def test_a_database_that_cannot_be_had_is_told_in_a_line(name, example, tmp_path):
    for place, words in ((tmp_path, b"unable to open"), (EXAMPLES / "README.md", b"not a database")):
        done = example(name, place, expect=FAILED)
        assert done.stderr.startswith(f"{place}: ".encode())
        assert words in done.stderr
        assert done.stderr.count(b"\n") == 1, "no traceback"


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.name)
def test_who_gives_no_password_is_told_so_in_a_line(file, tmp_path, monkeypatch):
    monkeypatch.delenv("POP_PASSWORD", raising=False)
    place = [str(tmp_path / "place")] * (file.name in PLACED)
    with Typist([sys.executable, str(file), "pop3://you@127.0.0.1:1", *place], tmp_path) as person:
        person.sees("Password: ")
        person.type("\x04")
        person.sees("no password was given")
        assert person.wait() == FAILED
        assert "Traceback" not in person.text


@pytest.mark.parametrize(
    "name", ["feed_a_queue.py", "mirror_to_maildir.py", "read_new_mail_only.py", "show_headers.py"]
)
def test_who_reads_no_further_sees_no_traceback(name, office, box, example, tmp_path):
    deliver(office, box, [letter(f"number {n}") for n in range(3)])
    reader, writer = os.pipe()
    os.close(reader)
    host, port = office.address("pop3s")
    place = [tmp_path / "place"] * (name in PLACED)
    command = [sys.executable, EXAMPLES / name, f"pop3s://{box.name}@{host}:{port}", *place]
    with open(writer, "wb") as nobody:
        there = {**os.environ, "PYTHONUNBUFFERED": "1"}
        done = subprocess.run(command, stdout=nobody, stderr=subprocess.PIPE, env=there, check=False, timeout=TIME)
    assert (done.returncode, done.stderr) == (0, b"")
    assert count(office, box) == 3, "nothing is deleted that nobody was told of"


def test_headers_are_shown(office, box, example):
    deliver(office, box, [letter("one"), letter("=?utf-8?q?caf=C3=A9?=")])
    lines = example("show_headers.py").stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2"]
    assert [line.split()[-1] for line in lines] == ["one", "café"]
    assert "Ali <ali@sender.test>" in lines[0]


def test_new_mail_only(office, box, example, tmp_path):
    seen = tmp_path / "seen.db"
    deliver(office, box, [letter("one"), letter("two")])
    assert subjects(example("read_new_mail_only.py", seen), "Subject: ") == ["one", "two"]
    deliver(office, box, [letter("three")])
    done = example("read_new_mail_only.py", seen)
    assert subjects(done, "Subject: ") == ["three"]
    assert subjects(done, "Hello, ") == ["three."]
    assert example("read_new_mail_only.py", seen).stdout == b""
    assert count(office, box) == 3


def test_a_text_in_an_encoding_that_nobody_knows_stops_nobody(office, box, example, tmp_path):
    deliver(office, box, [b"Content-Type: text/plain; charset=foo\r\n" + letter("one"), letter("two")])
    done = example("read_new_mail_only.py", tmp_path / "seen.db")
    assert subjects(done, "Hello, ") == ["one.", "two."]


def test_what_was_seen_and_is_gone_is_forgotten(office, box, example, tmp_path):
    seen = tmp_path / "seen.db"
    deliver(office, box, [letter("one")])
    example("read_new_mail_only.py", seen)
    example("feed_a_queue.py")
    example("read_new_mail_only.py", seen)
    with sqlite3.connect(seen) as database:
        assert database.execute("SELECT count(*) FROM seen").fetchone() == (0,)
    database.close()


def test_mail_is_deleted_after_its_transaction(office, box, example, tmp_path):
    orders = tmp_path / "orders.db"
    deliver(office, box, [letter("tea"), letter("coffee")])
    example("delete_after_transaction.py", orders)
    assert _orders(orders) == ["tea", "coffee"]
    assert count(office, box) == 0


def test_what_is_done_already_is_not_done_twice(office, box, example, tmp_path):
    """The second message fails: the first is entered and stays on the server, and is not entered again."""
    orders = tmp_path / "orders.db"
    deliver(office, box, [letter("tea"), b"From: ali@sender.test\r\n\r\nno subject\r\n"])
    done = example("delete_after_transaction.py", orders, expect=FAILED)
    assert b"without a subject" in done.stderr
    assert _orders(orders) == ["tea"]
    assert count(office, box) == 2
    example("delete_after_transaction.py", orders, expect=FAILED)
    assert _orders(orders) == ["tea"]
    assert count(office, box) == 2


def _orders(file: Path) -> list[str]:
    database = sqlite3.connect(file)
    try:
        return [wanted for (wanted,) in database.execute("SELECT wanted FROM orders ORDER BY rowid")]
    finally:
        database.close()


def test_a_queue_is_fed_and_what_fails_stays(office, box, example):
    letters = [letter(f"number {n}") for n in range(30)]
    deliver(office, box, [*letters, b"From: ali@sender.test\r\n\r\nno subject\r\n"])
    done = example("feed_a_queue.py")
    assert sorted(subjects(done, "done: ")) == sorted(f"number {n}" for n in range(30))
    assert subjects(done, "message ") == ["31 stays: it has no subject"]
    assert count(office, box) == 1


def test_a_maildir_mirrors_the_maildrop(office, box, example, tmp_path):
    folder = tmp_path / "Mail"
    specimens = by_way(Way.DATA)
    fill(office, box, specimens)
    done = example("mirror_to_maildir.py", folder)
    assert done.stdout.count(b"fetched ") == len(specimens)
    files = sorted((folder / "new").iterdir(), key=lambda file: file.stat().st_mtime_ns)
    for file, specimen in zip(files, specimens, strict=True):
        assert file.read_bytes().endswith(specimen.stored.replace(b"\r\n", b"\n")), specimen.name
    files[0].rename(folder / "cur" / f"{files[0].name}:2,S")  # a mail program has shown it
    assert example("mirror_to_maildir.py", folder).stdout == b""
    example("feed_a_queue.py")  # which deletes what has a subject
    left = count(office, box)
    assert left < len(specimens)
    assert subjects(example("mirror_to_maildir.py", folder), "removed ")
    assert len([*(folder / "new").iterdir(), *(folder / "cur").iterdir()]) == left


def test_a_wrong_password_is_told_in_a_line(example, monkeypatch):
    monkeypatch.setenv("POP_PASSWORD", "wrong")
    done = example("show_headers.py", expect=FAILED)
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert b"refused" in done.stderr
