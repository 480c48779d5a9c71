"""`postane demo`: what it prints can be pasted, Ctrl-C ends it, and the next start finds everything again."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.programs import require

pytestmark = pytest.mark.interop

WAIT = 60.0


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """A running demo; gives all it printed up to its last line."""
    with (folder.parent / "demo.out").open("w+") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "postane", "demo", "--dir", str(folder)], stdout=out, stderr=subprocess.PIPE
        )
        path = Path(out.name)
        try:
            limit = time.monotonic() + WAIT
            while "Ctrl-C stops it" not in path.read_text():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < limit, path.read_text()
                time.sleep(0.05)
            yield path.read_text()
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=WAIT)
        assert process.returncode == 0, errors
        assert b"Traceback" not in errors
        assert b"no client trusts" in errors


def paste(command: str) -> str:
    require("curl")
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=WAIT, check=True)
    return done.stdout


def test_what_it_prints_can_be_pasted_and_is_found_again(tmp_path: Path) -> None:
    with demo(tmp_path / "office") as printed:
        assert {line.split()[1] for line in printed.splitlines() if line.startswith("listening ")} == {
            "lmtp",
            "pop3",
            "pop3s",
            "smtp",
        }
        assert "\nready\n" in printed
        read, send, read_again, read_by_tls = re.findall(r"^  ((?:curl|printf) .*)$", printed, re.MULTILINE)
        assert "Subject: Welcome to the post office" in paste(read)
        paste(send)
        assert "Hello, Postane!" in paste(read_again)
        assert "pop3s://" in read_by_tls
        assert paste(read_by_tls) == paste(read)
        assert re.search(r"incoming +POP3 +127\.0\.0\.1 +port \d+", printed)
        assert re.search(r"outgoing +SMTP +127\.0\.0\.1 +port \d+", printed)
    with demo(tmp_path / "office") as printed:
        read, _, _, _ = re.findall(r"^  ((?:curl|printf) .*)$", printed, re.MULTILINE)
        assert "Hello, Postane!" in paste(read.replace("/1 ", "/7 "))
        assert "number 8" in printed
