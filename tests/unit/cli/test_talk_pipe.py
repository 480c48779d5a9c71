"""Conversations of scripts with servers that do what a test says: exit codes, time-outs, hostile octets."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from support.programs import TIME
from support.scripted import Play, saying, serving


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str


async def talk(url: str, typed: str = "", *words: str, env: dict[str, str] | None = None) -> Done:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "postane", "talk", url, *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
    )
    async with asyncio.timeout(TIME):
        out, err = await process.communicate(typed.encode())
    assert "Traceback" not in err.decode()
    return Done(process.returncode or 0, out.decode(), err.decode())


def keeping_to(greeting: bytes, *turns: tuple[bytes, bytes]) -> Play:
    """Answers the lines that are expected; closes when it hears another one, and after the last."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        for line, answer in turns:
            if await reader.readline() != line:
                return
            writer.write(answer)

    return play


async def held(play: Play, typed: str = "", *words: str, scheme: str = "pop3", **how: dict[str, str]) -> Done:
    async with serving(play) as port:
        return await talk(f"{scheme}://127.0.0.1:{port}", typed, *words, **how)


STAMP = "<1896.697170952@dbc.mtview.ca.us>"
FOUNDING: Sequence[tuple[bytes, bytes]] = (
    (b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n", b"+OK mrose's maildrop has 2 messages (320 octets)\r\n"),
    (b"STAT\r\n", b"+OK 2 320\r\n"),
    (b"LIST\r\n", b"+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n"),
    (b"RETR 1\r\n", b"+OK 120 octets\r\nSubject: one\r\n\r\nfirst\r\n.\r\n"),
    (b"DELE 1\r\n", b"+OK message 1 deleted\r\n"),
    (b"QUIT\r\n", b"+OK dewey POP3 server signing off (maildrop empty)\r\n"),
)


async def test_the_founding_documents_dialogue():
    typed = ".apop mrose\nSTAT\nLIST\nRETR 1\nDELE 1\nQUIT\n"
    play = keeping_to(f"+OK POP3 server ready {STAMP}\r\n".encode(), *FOUNDING)
    done = await held(play, f"tanstaaf\n{typed}", "--password-stdin")
    assert done.code == 0
    assert done.out == (
        f"S: +OK POP3 server ready {STAMP}\nC: APOP mrose ****\nS: +OK mrose's maildrop has 2 messages (320 octets)\n"
        "C: STAT\nS: +OK 2 320\nC: LIST\nS: +OK 2 messages (320 octets)\nS: 1 120\nS: 2 200\nS: .\n"
        "C: RETR 1\nS: +OK 120 octets\nS: Subject: one\nS: \nS: first\nS: .\n"
        "C: DELE 1\nS: +OK message 1 deleted\nC: QUIT\nS: +OK dewey POP3 server signing off (maildrop empty)\n"
    )


async def test_no_connection_is_69():
    async with serving(saying(b"")) as port:
        pass
    done = await talk(f"pop3://127.0.0.1:{port}")
    assert done.code == 69
    assert "nothing listens there" in done.err


@pytest.mark.parametrize("greeting", [b"-ERR too busy\r\n", b"554 go away\r\n"])
async def test_an_unwilling_server_is_69(greeting):
    done = await held(saying(greeting), "QUIT\n", scheme="smtp" if greeting[0] == ord("5") else "pop3")
    assert done.code == 69
    assert "does not want to talk" in done.err


async def test_a_silent_server_is_75():
    done = await held(saying(b""), "QUIT\n", "--timeout", "0.2")
    assert done.code == 75
    done = await held(saying(b"+OK\r\n"), "STAT\n", "--timeout", "0.2")
    assert done.code == 75


async def test_the_wrong_protocol_is_76():
    done = await held(saying(b"220 smtp.example.org\r\n"), "QUIT\n")
    assert done.code == 76
    assert "does not greet as a server of POP3 does" in done.err


async def test_nonsense_is_76_and_the_rest_is_said():
    done = await held(keeping_to(b"+OK\r\n", (b"STAT\r\n", b"what?\r\n"), (b"QUIT\r\n", b"+OK\r\n")), "STAT\nQUIT\n")
    assert done.code == 76
    assert done.out.endswith("S: what?\nC: QUIT\nS: +OK\n")


async def test_a_server_that_closes_is_69():
    done = await held(keeping_to(b"+OK\r\n", (b"STAT\r\n", b"+OK 1 1")), "STAT\nQUIT\n")
    assert done.code == 69
    assert done.out.endswith("S: +OK 1 1\n")


async def test_a_refused_login_is_77():
    play = keeping_to(b"+OK\r\n", (b"USER mrose\r\n", b"+OK\r\n"), (b"PASS x\r\n", b"-ERR no\r\n"))
    done = await held(play, "USER mrose\nPASS x\n")
    assert done.code == 77
    play = keeping_to(b"+OK\r\n", (b"AUTH PLAIN AG1yb3NlAHRhbnN0YWFm\r\n", b"-ERR no\r\n"))
    async with serving(play) as port:
        url = f"pop3://mrose;AUTH=PLAIN@127.0.0.1:{port}"
        done = await talk(url, "STAT\n", "--login", "--password-env", "PW", env={"PW": "tanstaaf"})
    assert done.code == 77
    assert "STAT" not in done.out, "a script that is not logged in is not held"
    assert "tanstaaf" not in done.out + done.err


async def test_a_login_without_a_password_is_told():
    done = await held(keeping_to(b"+OK\r\n", (b"CAPA\r\n", b"-ERR\r\n")), "", "--login", "--user", "mrose")
    assert done.code == 69
    assert "without a password there is no login: give it by --password-env or --password-stdin" in done.err


async def test_a_pipe_that_nobody_reads_ends_it_quietly():
    body = b"".join(b"%d a line\r\n" % number for number in range(20_000))
    play = keeping_to(b"+OK\r\n", (b"RETR 1\r\n", b"+OK\r\n" + body + b".\r\n"), (b"QUIT\r\n", b"+OK\r\n"))
    async with serving(play) as port:
        command = f"{sys.executable} -m postane talk pop3://127.0.0.1:{port}"
        for typed in (".raw 1", "RETR 1"):
            shell = await asyncio.create_subprocess_shell(
                f"printf '{typed}\\nQUIT\\n' | ({command}; echo it ended with $? >&2) | head -n 3",
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            async with asyncio.timeout(TIME):
                out, err = await shell.communicate()
            assert out.startswith(b"S: +OK\nC: RETR 1\n")
            assert err == b"it ended with 0\n"


async def test_fail_ends_at_the_first_refusal():
    play = keeping_to(b"+OK\r\n", (b"NOOP\r\n", b"-ERR\r\n"), (b"QUIT\r\n", b"+OK\r\n"))
    assert (await held(play, "NOOP\nQUIT\n")).code == 0
    done = await held(play, "NOOP\nQUIT\n", "--fail")
    assert done.code == 1
    assert "QUIT" not in done.out
    assert (await held(play, "NOOP\n", "--fail")).code == 1


async def test_pass_alone_takes_the_password_that_was_given():
    play = keeping_to(b"+OK\r\n", (b"USER mrose\r\n", b"+OK\r\n"), (b"PASS tan staaf\r\n", b"+OK\r\n"))
    done = await held(play, "tan staaf\nUSER mrose\nPASS\n", "--password-stdin")
    assert done.out.endswith("C: PASS ****\nS: +OK\n")
    assert (done.code, "staaf" in done.out + done.err) == (0, False)


async def test_secrets_are_in_nothing_that_is_written(tmp_path):
    path = tmp_path / "t.txt"
    play = keeping_to(
        b"+OK\r\n",
        (b"tanstaaf\r\n", b"-ERR tanstaaf?\r\n"),
        (b"USER mrose\r\n", b"+OK\r\n"),
        (b"PASS tanstaaf\r\n", b"-ERR tanstaaf is not it\r\n"),
        (b"AUTH LOGIN\r\n", b"+ UGFzc3dvcmQ6\r\n"),
        (b"dGFuc3RhYWY=\r\n", b"-ERR dGFuc3RhYWY= is not it\r\n"),
    )
    typed = "tanstaaf\nUSER mrose\nPASS tanstaaf\nAUTH LOGIN\n.respond tanstaaf\n"
    for words in ((), ("--json",), ("--bare",)):
        done = await held(play, typed, "--transcript", str(path), *words)
        assert done.code == 77
        written = done.out + done.err + path.read_text()
        assert "tanstaaf" not in written
        assert "dGFuc3RhYWY" not in written
        path.unlink()


async def test_hostile_octets_never_reach_the_terminal():
    play = keeping_to(
        b"+OK \x1b]0;x\x07\r\n", (b"RETR 1\r\n", b"+OK\r\n\x1b[2J\x9b\r\n.\r\n"), (b"QUIT\r\n", b"+OK\r\n")
    )
    done = await held(play, "RETR 1\nQUIT\n")
    assert all(letter == "\n" or letter.isprintable() for letter in done.out)
    assert r"S: \x1b[2J" in done.out


async def test_octets_from_before_tls_are_76():
    play = keeping_to(b"+OK\r\n", (b"STLS\r\n", b"+OK\r\n+OK forged\r\n"))
    done = await held(play, "STLS\nSTAT\n")
    assert done.code == 76
    assert "before the TLS handshake" in done.err
    assert "forged" not in done.out


async def test_tls_that_was_asked_for_and_is_not_there_ends_it():
    play = keeping_to(b"+OK\r\n", (b"STLS\r\n", b"-ERR no\r\n"), (b"STAT\r\n", b"+OK\r\n"))
    done = await held(play, "STAT\n", "--starttls")
    assert done.code == 76
    assert "STAT" not in done.out
    play = keeping_to(b"+OK\r\n", (b"CAPA\r\n", b"+OK\r\nTOP\r\n.\r\n"), (b"STAT\r\n", b"+OK 0 0\r\n"))
    done = await held(play, "STAT\n", "--tls", "if-offered")
    assert done.out.endswith("S: +OK 0 0\n")


async def test_what_is_said_unasked_is_shown():
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK\r\n")
        await reader.readline()
        writer.write(b"+OK\r\n-ERR shutting down\r\n")
        await reader.readline()

    done = await held(play, "NOOP\n.wait 0.2\n")
    assert done.out.endswith("S: -ERR shutting down\n")
    assert done.code == 0


async def test_orders_that_cannot_be_are_64_and_stop_nothing():
    play = keeping_to(b"+OK\r\n", (b"QUIT\r\n", b"+OK\r\n"))
    done = await held(play, ".nonsense\n.show\n.quit\nSTAT\n")
    assert done.code == 64
    assert "there is no .nonsense" in done.err
    assert done.out.endswith("C: QUIT\nS: +OK\n")


async def test_json_is_a_line_for_each_exchange():
    play = keeping_to(b"+OK\r\n", (b"LIST\r\n", b"+OK\r\n1 120\r\n.\r\n"), (b"QUIT\r\n", b"+OK\r\n"))
    done = await held(play, "LIST\nQUIT\n", "--json")
    greeting, listing, farewell = map(json.loads, done.out.splitlines())
    assert greeting["heard"] == ["+OK"]
    assert (listing["said"], listing["body"], listing["outcome"]) == (["LIST"], ["1 120", "."], "accepted")
    assert farewell["state"] == "closed"
    assert done.err == ""


async def test_a_certificate_that_is_not_checked_is_said_loudly():
    done = await held(keeping_to(b"+OK\r\n"), "", "--insecure")
    assert "NOT CHECKED" in done.err
