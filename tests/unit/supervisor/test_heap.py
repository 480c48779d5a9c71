"""Threads share heaps: what they took and gave back is not kept sixteen times."""

import platform
import subprocess
import sys

import pytest

from postane.supervisor.heap import HEAPS

PROGRAM = """
import re, sys, threading
from postane.supervisor.heap import share_heaps
assert share_heaps()
meeting = threading.Barrier(17)
threads = [threading.Thread(target=meeting.wait) for _ in range(16)]
for thread in threads:
    thread.start()
with open("/proc/self/maps") as maps:
    print(sum(re.fullmatch(r"[0-9a-f]+-[0-9a-f]+ ---p 00000000 00:00 0 *", line.strip()) is not None for line in maps))
meeting.wait()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library has no such heaps")
def test_there_are_few_however_many_threads_there_are():
    program = "import ctypes\n" + PROGRAM
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    alone = subprocess.run(
        [sys.executable, "-c", program.replace("assert share_heaps()", "")], capture_output=True, text=True, check=True
    )
    assert int(alone.stdout) - int(done.stdout) >= 8 - HEAPS
