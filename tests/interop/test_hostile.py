"""The programs of bench/hostile in small: the server is left standing, and a good client is served meanwhile."""

import json
import sys
from pathlib import Path

import pytest

from support import programs

pytestmark = pytest.mark.interop

BENCH = Path(__file__).parents[2] / "bench" / "hostile"
MIB_MORE = 60
"""What the workers may hold more at the peak of an attack in small."""


@pytest.mark.parametrize(
    ("program", "scene"),
    [
        ("silent", "silent-pop3"),
        ("silent", "silent-pop3s"),
        ("silent", "silent-one-address"),
        ("slow", "slow-pop3"),
        ("endless", "endless-pop3"),
        ("endless", "endless-pop3s"),
        ("endless", "endless-sasl"),
        ("endless", "endless-smtp"),
        ("endless", "endless-smtp-data"),
        ("unknown", "unknown-pop3-reconnecting"),
        ("unknown", "unknown-smtp-reconnecting"),
        ("flood", "flood-pop3"),
        ("handshakes", "handshakes"),
    ],
)
def test_attack(tmp_path: Path, program: str, scene: str) -> None:
    figures = tmp_path / "figures.json"
    done = programs.run([sys.executable, BENCH / f"{program}.py", "--quick", "--json", figures, scene], expect=None)
    print(done.stdout.decode())
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    (outcome,) = json.loads(figures.read_text())
    assert outcome["rounds"] >= 1
    assert outcome["memory_peak"] - outcome["memory_before"] < MIB_MORE
