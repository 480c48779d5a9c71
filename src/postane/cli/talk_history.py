"""What was typed in earlier conversations, in a file that only its owner may read. Secrets never come here.

Must not know: what a secret is; whoever asks for a line to be kept has looked.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prompt_toolkit.history import History

from .talk_show import OWNER_ONLY

KEPT = 1000
"""Lines of the file that are remembered."""


def history_path(environment: Mapping[str, str], home: Path) -> Path:
    """Where it is."""
    state = environment.get("XDG_STATE_HOME")
    return (Path(state) if state else home / ".local" / "state") / "postane" / "talk-history"


class TalkHistory(History):
    """Keeps the lines of which `may_keep` says so. A file that cannot be written keeps nobody from talking."""

    def __init__(self, path: Path, may_keep: Callable[[str], bool]) -> None:
        super().__init__()
        self._path = path
        self._may_keep = may_keep

    def load_history_strings(self) -> Iterable[str]:
        """The newest first, as the library wants it."""
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        return reversed(lines[-KEPT:])

    def append_string(self, string: str) -> None:
        """A line was typed."""
        if self._may_keep(string) and string.strip():
            super().append_string(string)

    def store_string(self, string: str) -> None:
        """Write it down."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
            with open(descriptor, "a", encoding="utf-8", errors="replace") as file:
                self._path.chmod(OWNER_ONLY)
                file.write(f"{string}\n")
        except OSError:
            return
