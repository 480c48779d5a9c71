"""Runs every check that is no test of behaviour, all of them even when one fails, and says at the end what failed.

Usage: check.py [NAME ...]   (names as printed; none: all)
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable

CHECKS: dict[str, tuple[list[str], str]] = {
    "format": ([PYTHON, "-m", "ruff", "format", "--check", "--quiet"], "make format puts it right"),
    "lint": ([PYTHON, "-m", "ruff", "check", "--quiet"], "make format mends what can be mended"),
    "types": ([PYTHON, "-m", "mypy", "--no-error-summary"], "mypy --strict on src and examples"),
    "architecture": (
        [PYTHON, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", "tests/test_architecture.py"],
        "tests/test_architecture.py tells the rule",
    ),
    "references": ([PYTHON, "tools/rfc.py", "check"], "an RFC reference names a section that does not exist"),
    "rfc table": ([PYTHON, "tools/rfc.py", "stale"], "make docs writes it anew"),
    "papers": ([PYTHON, "tools/docs.py", "stale"], "make docs writes them anew"),
}


def main(names: list[str]) -> int:
    """Run the named checks; 0 when all passed."""
    if unknown := set(names) - set(CHECKS):
        print(f"no such check: {', '.join(sorted(unknown))}; there are: {', '.join(CHECKS)}")
        return 64
    failed = [name for name in names or CHECKS if not _passes(name)]
    for name in failed:
        print(f"FAILED: {name} ({CHECKS[name][1]})")
    if not failed:
        print("all checks passed")
    return 1 if failed else 0


def _passes(name: str) -> bool:
    print(f"-- {name}", flush=True)
    done = subprocess.run(CHECKS[name][0], cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
