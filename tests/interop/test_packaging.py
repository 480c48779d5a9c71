"""What is shipped for systemd: the unit is one, is closed, and its configuration is one."""

import re
from pathlib import Path

import pytest

from support import programs
from support.postoffice import PostOffice

pytestmark = pytest.mark.interop

PACKAGING = Path(__file__).parents[2] / "packaging" / "systemd"
EXPOSURE = 20
"""In tenths; systemd calls what is below 2.0 "OK" and what is below 5.0 "MEDIUM". A network service gets no better than
this without a network of its own."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is there."""
    text = (PACKAGING / "postane.service").read_text()
    unit = tmp_path / "postane.service"
    unit.write_text(text.replace("/usr/bin/postane", programs.require("true")))
    return unit


@pytest.mark.parametrize("drop_in", [None, "postane-pam.conf"])
def test_the_unit_is_understood(unit: Path, drop_in: str | None) -> None:
    if drop_in is not None:
        folder = unit.with_name(f"{unit.name}.d")
        folder.mkdir()
        (folder / drop_in).write_text((PACKAGING / drop_in).read_text())
    done = programs.run([programs.require("systemd-analyze"), "verify", "--man=no", unit])
    complaints = [line for line in done.stderr.decode().splitlines() if "postane" in line]
    assert complaints == []


def test_the_unit_is_closed(unit: Path) -> None:
    analyze = programs.require("systemd-analyze")
    done = programs.run([analyze, "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", unit])
    (level,) = re.findall(r"Overall exposure level for \S+: (\S+)", done.stdout.decode())
    print(f"exposure {level}")


def test_the_configuration_beside_it_is_one(tmp_path: Path) -> None:
    office = PostOffice()
    try:
        office.config.write_text((PACKAGING / "postane.toml").read_text())
        office.run("config check")
    finally:
        office.discard()


def test_the_service_is_never_root() -> None:
    lines = (PACKAGING / "postane.service").read_text().splitlines()
    wanted = {
        "User=postane",
        "UMask=0077",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
        "ProtectSystem=strict",
        "LimitCORE=0",
    }
    assert wanted <= set(lines)


@pytest.mark.parametrize("name", ["postane-fetch.service", "postane-fetch-once.service", "postane-fetch-once.timer"])
def test_the_retrievers_units_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for path in (PACKAGING / "user").iterdir():
        text = path.read_text().replace("/usr/bin/postane", programs.require("true"))
        (tmp_path / path.name).write_text(text)
    done = programs.run([programs.require("systemd-analyze"), "--user", "verify", "--man=no", tmp_path / name])
    complaints = [line for line in done.stderr.decode().splitlines() if "postane" in line]
    assert complaints == []
