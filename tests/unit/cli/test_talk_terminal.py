"""A person at a terminal of any kind, with servers that do what a test says."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from support.terminal import Typist

TALK = (sys.executable, "-m", "postane", "talk")


@contextmanager
def answering(*turns: tuple[bytes, bytes]) -> Iterator[str]:
    """A server's URL: it greets, answers the lines that are expected, and closes after the last."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, connection.makefile("rb") as lines:
                connection.sendall(b"+OK\r\n")
                for line, answer in turns:
                    if lines.readline() != line:
                        return
                    connection.sendall(answer)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        yield f"pop3://127.0.0.1:{listening.getsockname()[1]}"
        serving.join()


def test_a_password_that_was_typed_too_early_is_hidden_once_it_is_sent(tmp_path):
    with answering((b"tanstaaf\r\n", b"-ERR what\r\n")) as url, Typist((*TALK, url), tmp_path) as person:
        person.sees("POP3 authorization")
        person.type("tanstaaf\r")
        person.sees("C: ********")
        person.sees("-ERR what")
        assert person.wait() == 69


def test_what_the_server_left_open_is_ended_before_anything_is_told(tmp_path):
    with answering((b"STAT\r\n", b"+OK\r\n+OK half")) as url, Typist((*TALK, url), tmp_path) as person:
        person.sees("POP3 authorization")
        person.type("STAT\r")
        person.sees("half")
        assert person.wait() == 69
        person.sees("\r\npostane: ")


def test_lines_that_are_pasted_are_said_one_after_the_other_and_hide_their_secrets(tmp_path):
    turns = ((b"USER mrose\r\n", b"+OK go on\r\n"), (b"PASS tanstaaf\r\n", b"-ERR no\r\n"),
             (b"USER mrose\r\n", b"+OK once more\r\n"), (b"PASS sesame\r\n", b"+OK in\r\n"),
             (b"LIST 1\r\n", b"+OK 1 2\r\n"), (b"QUIT\r\n", b"+OK bye\r\n"))  # fmt: skip
    lines = "USER mrose\r\nPASS tanstaaf\nUSER mrose\nPASS\nsesame\rLIST\t1\x07\nQU"
    with answering(*turns) as url, Typist((*TALK, url, "--transcript", "t.txt"), tmp_path) as person:
        person.sees("POP3 authorization")
        person.type(f"\x1b[200~{lines}\x1b[201~")
        person.sees("+OK 1 2")
        person.type("IT\r")
        person.sees("+OK bye")
        assert person.wait() == 0
        kept = (tmp_path / ".local/state/postane/talk-history").read_text()
        for written in (person.text, (tmp_path / "t.txt").read_text(), kept):
            assert "tanstaaf" not in written
            assert "sesame" not in written


def test_a_dumb_terminal_shows_no_secret_and_is_told_nothing_but_text(tmp_path):
    turns = ((b"USER mrose\r\n", b"+OK go on\r\n"), (b"PASS tanstaaf\r\n", b"-ERR no\r\n"),
             (b"USER mrose\r\n", b"+OK once more\r\n"), (b"PASS sesame\r\n", b"-ERR never\r\n"),
             (b"USER anna\r\n", b"+OK you too\r\n"), (b"PASS barada\r\n", b"+OK in\r\n"),
             (b"QUIT\r\n", b"+OK bye\r\n"))  # fmt: skip
    with answering(*turns) as url, Typist((*TALK, url), tmp_path, kind="dumb") as person:
        person.sees("C: ")
        for typed, seen in (
            ("USER mrose\r", "go on"),
            ("PASS tanstaaf\r", "-ERR no"),
            ("USER mrose\r", "once more"),
            ("PASS\r", "Password: "),
            ("sesame\r", "never"),
            (".login anna USER\r", "Password of anna: "),
            ("barada\r", "OK in"),
            ("QUIT\r", "+OK bye"),
        ):
            person.is_listened_to()
            person.type(typed)
            person.sees(seen)
        assert person.wait() == 0
        assert "PASS ********" in person.text
        assert b"\x1b" not in person.drawn
        for secret in ("tanstaaf", "sesame", "barada"):
            assert secret not in person.text
