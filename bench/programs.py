"""The two C programs of the benchmark, the driver and the floor: compiled when they are out of date.

Each is one file. TLS needs OpenSSL's headers (Debian: libssl-dev); without them both are built without it, and the rows
that want it are left out.
"""

import os
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent
BUILT = FOLDER / "build"


def compiler() -> str:
    """The C compiler's command."""
    return os.environ.get("CC", "cc")


def has_openssl() -> bool:
    """Whether OpenSSL's headers are here."""
    words = [compiler(), "-E", "-include", "openssl/ssl.h", "-x", "c", os.devnull]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def build(name: str) -> Path:
    """The program `name`, compiled where that was not done since it changed, or was done in another way."""
    source, program, stamp = FOLDER / f"{name}.c", BUILT / name, BUILT / f"{name}.command"
    with_tls = ["-DWITH_TLS", "-lssl", "-lcrypto"] if has_openssl() else []
    command = [compiler(), "-O2", "-Wall", "-Wextra", "-o", str(program), str(source), *with_tls]
    told = f"{' '.join(command)}\n{source.read_text()}"
    if program.exists() and stamp.exists() and stamp.read_text() == told:
        return program
    BUILT.mkdir(exist_ok=True)
    subprocess.run(command, check=True)
    stamp.write_text(told)
    return program


def build_all() -> bool:
    """Both programs; whether they speak TLS."""
    build("driver")
    build("floor")
    return has_openssl()
