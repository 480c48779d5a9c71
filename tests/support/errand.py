"""`postane fetch` for tests: a folder with a fetch.toml, and the command as a user gives it."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import forked

PATIENCE = 60.0


class Errand:
    """A fetch.toml in `folder` with one account or several, and the command to fetch them.

    `keys` are an account's; destinations are Maildirs of their account's name in the folder, where none are given.
    """

    def __init__(self, folder: Path, *, name: str = "work", **keys: Any) -> None:
        self.folder = folder
        self.config = folder / "fetch.toml"
        self.state = folder / "state" / "fetch.db"
        self._accounts: list[Mapping[str, Any]] = []
        self._top: dict[str, Any] = {"state": str(self.state)}
        if keys:
            self.add(name, **keys)

    def add(self, name: str, **keys: Any) -> None:
        """One account more. Keys that are lists of tables become `[[account.KEY]]`."""
        keys.setdefault("deliver", [{"maildir": str(self.folder / name), "line_ends": "crlf"}])
        keys.setdefault("received", False)
        self._accounts.append({"name": name, **keys})
        self.write()

    def change(self, **keys: Any) -> None:
        """Other values for keys of the first account."""
        self._accounts[0] = {**self._accounts[0], **keys}
        self.write()

    def top(self, **keys: Any) -> None:
        """Keys at the top of the file; a table of tables becomes `[KEY.NAME]`."""
        self._top |= keys
        self.write()

    def write(self) -> None:
        """Write the file."""
        tables = {key: value for key, value in self._top.items() if isinstance(value, Mapping)}
        lines = [f"{key} = {_value(value)}" for key, value in self._top.items() if key not in tables]
        for key, each in tables.items():
            for name, inner in each.items():
                lines += [f"[{key}.{name}]", *(f"{word} = {_value(value)}" for word, value in inner.items())]
        for account in self._accounts:
            nested = {key: value for key, value in account.items() if _is_tables(value)}
            lines += ["[[account]]", *(f"{key} = {_value(account[key])}" for key in account if key not in nested)]
            for key, each in nested.items():
                for table in each:
                    lines += [f"[[account.{key}]]", *(f"{word} = {_value(value)}" for word, value in table.items())]
        self.config.write_text("\n".join(lines) + "\n")
        self.config.chmod(0o600)

    def command(self, *arguments: str) -> list[str]:
        """The words of the command."""
        words = list(arguments)
        places = {"state": 2, "add": 1, "login": 1, "check": 1}
        place = places.get(words[0], 0) if words else 0
        return [sys.executable, "-m", "postane", "fetch", *words[:place], "-c", str(self.config), *words[place:]]

    def run(self, *arguments: str, expect: int | None = 0, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run it and check its exit code (None: any)."""
        done = subprocess.run(
            self.command(*arguments), input=given, capture_output=True, cwd=self.folder, timeout=PATIENCE
        )
        return _checked(done, expect)

    def fetch(self, *names: str, expect: int | None = 0) -> dict[str, Any]:
        """Fetch, in a process that is forked, and what `--json` tells of the first account."""
        done = forked.run(self.command(*names, "--json")[3:], given=b"", folder=self.folder)
        return dict(json.loads(_checked(done, expect).stdout)["accounts"][0])

    def messages(self, name: str = "work") -> list[bytes]:
        """What is in an account's Maildir, in the order in which it came."""
        folder = self.folder / name
        subs = [folder / sub for sub in ("new", "cur") if (folder / sub).is_dir()]  # it may just be being made
        paths = [path for sub in subs for path in sub.iterdir()]
        return [path.read_bytes() for path in sorted(paths, key=lambda path: path.name)]


def _checked(done: subprocess.CompletedProcess[bytes], expect: int | None) -> subprocess.CompletedProcess[bytes]:
    said = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    assert expect is None or done.returncode == expect, f"{done.args}: {done.returncode}\n{said}"
    assert "Traceback" not in said, said
    return done


def _is_tables(value: object) -> bool:
    return isinstance(value, Sequence) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)
