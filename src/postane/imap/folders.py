"""The folders of an IMAP server: which there are, how one is made, what to write in the place of one that is not there.

RFC 9051 s5.1.1 (hierarchies of names), s6.3.4 (CREATE), s6.3.9 (LIST). A name is taken as it is written, and never made
into another one: what a `/` means is the server's business, and the state knows mail by the folder's name.

Must not know: what is in a folder.
"""

import difflib
import re
from collections.abc import Sequence
from urllib.parse import quote

from .bounded import BoundedClient
from .errors import ImapError, NoFolder, told

SHOWN = 10
"""Names that are told at once."""

LONGEST = 300
"""Letters of a name that is told; a longer one is nobody's who would type it."""

COMPARED = 10_000
"""Names among which a similar one is looked for: a server may have any number of them."""

NO_MAIL = frozenset({b"\\noselect", b"\\nonexistent"})
"""RFC 9051 s7.3.1: of what is listed, what cannot be opened."""

OTHER_REASON = re.compile(r"\[(?!NONEXISTENT|TRYCREATE|CANNOT)[A-Z-]+")
"""RFC 9051 s7.1: codes of a refusal that has nothing to do with a folder's name."""


class Folders:
    """Those of one server, named `place`. All of it raises ImapError."""

    def __init__(self, client: BoundedClient, place: str) -> None:
        self._client = client
        self._place = place

    def names(self) -> list[str]:
        """All that can be opened and typed, INBOX first."""
        with told(self._place):
            names = [name for name in self._openable("*") if name.isprintable() and len(name) <= LONGEST]
        return sorted(names, key=lambda name: (name.upper() != "INBOX", name.casefold()))

    def separator(self) -> str:
        """What parts the levels of a name; "": nothing does. RFC 9051 s6.3.9: LIST with an empty name tells it."""
        with told(self._place):
            found = next((separator for _, separator, _ in self._client.list_folders("", "")), None)
            return (found or b"").decode("ascii", "replace")

    def _openable(self, pattern: str) -> list[str]:
        """What the library makes of an odd answer stumbles here, so `told` has to be around it."""
        listed = self._client.list_folders("", pattern)
        names = [name for flags, _, name in listed if not NO_MAIL & {flag.lower() for flag in flags}]
        return [name for name in names if isinstance(name, str)]

    def check(self, folder: str) -> None:
        """Raises NoFolder where there is none of this name."""
        names = self.names()
        if folder not in names and folder.upper() != "INBOX":
            words = advice(folder, names, self.separator())
            raise NoFolder(f"{self._place} has no folder {folder}: {words}")

    def lacks(self, folder: str) -> bool:
        """Whether this one is to be made. Raises NoFolder where it cannot be."""
        with told(f"folder {folder} at {self._place}"):
            found = self._openable(folder)  # RFC 9051 s6.3.9: its name is a pattern there
            if folder in found if re.search("[*%]", folder) else found:
                return False
        if words := misparted(folder, self.separator()):
            raise NoFolder(f"the folder {folder} cannot be made at {self._place}: {words}")
        return True

    def make(self, folder: str) -> bool:
        """Make it; False: it is there. Raises NoFolder where it can never be."""
        if not self.lacks(folder):
            return False
        try:
            with told(f"the folder {folder} cannot be made at {self._place}"):
                self._client.create_folder(folder)
        except ImapError as error:
            if error.is_answer and "[ALREADYEXISTS]" in error.text:  # another one was quicker
                return False
            if error.is_answer and "[CANNOT]" in error.text:  # RFC 9051 s7.1: it can never succeed
                raise NoFolder(error.text) from error
            raise
        return True


def advice(folder: str, names: Sequence[str], separator: str) -> str:
    """What to write for a folder that is not there, where these are."""
    near = _nearest(folder, names, separator)
    if near is not None:
        return f"did you mean {near}? The URL ends with its name: .../{quote(near)}"
    if not names:
        return "it names none at all"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"it has {', '.join(names[:SHOWN])}{more}; the URL ends with the name of one: .../{quote(names[0])}"


def misparted(folder: str, separator: str) -> str:
    """What to write for a name whose levels are parted by what does not part them there; "": nothing else."""
    if "/" not in folder or separator in ("", "/"):
        return ""
    wanted = quote(folder.replace("/", separator))
    return f'this server parts the names of folders by "{separator}" and not by "/": the URL ends .../{wanted}'


def _nearest(folder: str, names: Sequence[str], separator: str) -> str | None:
    known = {name.casefold(): name for name in names}
    parted = folder.replace("/", separator or "/").casefold()
    if below := known.get(f"inbox{separator}{parted}"):  # RFC 9051 s5.1.2.1: where all folders are below INBOX
        return below
    near = difflib.get_close_matches(parted, list(known)[:COMPARED], n=1, cutoff=0.75)
    return known[near[0]] if near else None
