"""The program that times refusals: every way to log in, every kind of name. What the clock said is not looked at."""

import json
import sys
from pathlib import Path

import pytest

from support.programs import run

pytestmark = pytest.mark.interop

PROGRAM = Path(__file__).parents[2] / "bench" / "hostile" / "refusal_time.py"
WAYS = {
    *("USER and PASS", "APOP", "AUTH PLAIN", "AUTH CRAM-MD5"),
    *("AUTH SCRAM-SHA-256, the salt", "AUTH SCRAM-SHA-256, the proof"),
}
KINDS = {"unknown", "known", "disabled", "device", "imported"}


def test_it_times_every_way_and_every_kind(tmp_path: Path) -> None:
    done = run([sys.executable, PROGRAM, "--tries", "4", "--json", tmp_path / "figures.json"])
    assert done.stderr == b""
    rows = json.loads((tmp_path / "figures.json").read_text())
    assert {(row["way"], row["kind"]) for row in rows} == {(way, kind) for way in WAYS for kind in KINDS}
    assert {row["tries"] for row in rows} == {4}
    assert all(way in done.stdout.decode() for way in WAYS)
