"""The standard library's own tests of `poplib`, run against `postane.client.compat` in its place.

A process of its own, in which `import poplib` gives our module, runs `test.test_poplib` as it came with the interpreter
(some systems ship it apart: on Debian libpython3-testsuite).
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.programs import missing

pytestmark = pytest.mark.interop

TIME = 100.0

DIFFERENT: dict[str, str] = {}
"""Tests of theirs that check what we do otherwise on purpose, and why. There is none."""

RUNNER = """
import importlib, io, json, sys, unittest
sys.modules["poplib"] = importlib.import_module(sys.argv[1])
from test import test_poplib
assert test_poplib.poplib.__name__ == sys.argv[1]
said = io.StringIO()
done = unittest.TextTestRunner(said, verbosity=2).run(unittest.defaultTestLoader.loadTestsFromModule(test_poplib))
wrong = sorted(test.id().removeprefix("test.test_poplib.") for test, _ in done.failures + done.errors)
print(json.dumps({"run": done.testsRun, "skipped": len(done.skipped), "wrong": wrong, "said": said.getvalue()}))
"""


def _has_suite() -> bool:
    try:
        return importlib.util.find_spec("test.test_poplib") is not None
    except ModuleNotFoundError:
        return False


def _start_suite(module: str, folder: Path) -> "subprocess.Popen[str]":
    if not _has_suite():
        missing("the tests of the standard library (Debian: libpython3-testsuite) are not installed")
    command = [sys.executable, "-W", "ignore", "-c", RUNNER, module]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, text=True)


def _end_suite(running: "subprocess.Popen[str]") -> dict[str, Any]:
    with running:
        out, err = running.communicate(timeout=TIME)
    assert running.returncode == 0, err
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    print(result["said"])
    return result


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What came of the tests with our module and with theirs, at the same time: mostly they wait."""
    running = [_start_suite(module, tmp_path_factory.mktemp("suite")) for module in ("postane.client.compat", "poplib")]
    return tuple(map(_end_suite, running))


def test_their_tests_pass_with_our_module(both):
    ours, _ = both
    assert ours["wrong"] == sorted(DIFFERENT)
    assert ours["run"] > 50


def test_as_many_tests_run_as_with_their_module(both):
    ours, theirs = both
    assert (ours["run"], ours["skipped"]) == (theirs["run"], theirs["skipped"])
    assert theirs["wrong"] == []
