"""Whether the destinations and the state of fetch.toml could be used: looked at without delivering or making anything.

Must not know: how it is shown.
"""

import os
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from postane.config.fetching import Account, Deliver, FetchConfig
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.progress import tell_of
from postane.fetch.troubles import told_of_sink
from postane.net.base import TlsPolicy
from postane.sinks.base import Fault, SinkError

from .destinations import open_sink
from .origins import open_way
from .pem_files import trouble_with_files

FIRST_TIME = "is not there yet: the first message makes it"

DATABASE = b"SQLite format 3\0"
"""What a state begins with."""

SHELL_WAIT = 10.0
"""Seconds that a shell may take to say whether it knows a command."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is known of a destination: `error`, why it could not take mail; `note`, what else somebody should know."""

    destination: str
    error: FetchError | None = None
    note: str = ""


async def examine(config: FetchConfig, account: Account, table: Deliver, *, connects: bool) -> Readiness:
    """Look at a destination; with `connects` servers are asked whether they let us in. Raises ConfigError."""
    name = open_sink(config, account, table).name
    try:
        return Readiness(name, note=await _note(config, account, table, connects=connects))
    except SinkError as error:
        return Readiness(name, FetchError(tell_of(name, error.text), told_of_sink(error).trouble))


def examine_state(path: Path) -> FetchError | None:
    """Why what is fetched could not be recorded there; None: it could."""
    try:
        _check_state(str(path))
    except SinkError as error:
        text = f"the state {path} cannot be used: {error.text}: let this user write there, or name another as `state`"
        return FetchError(text, Trouble.JOURNAL)
    return None


def _check_state(path: str) -> None:
    if not os.path.lexists(path):
        _check_makeable(path)
    elif not os.path.isfile(path):
        raise _lasting(f"it is {_kind(path)}")
    else:
        _check_folder(os.path.dirname(path), "a state is a file in a folder")
        if not os.access(path, os.R_OK | os.W_OK):
            raise _lasting("it may not be read and written by this user")
        with open(path, "rb") as file:
            if file.read(len(DATABASE)) != DATABASE:
                raise _lasting("it is no state of postane fetch, or a damaged one")
    if os.path.lexists(f"{path}.locks"):
        _check_folder(f"{path}.locks", "the locks of its accounts are in a folder")


def examine_files(config: FetchConfig, account: Account) -> FetchError | None:
    """Why the PEM files that an account names cannot be used; None: they can. Raises ConfigError."""
    return trouble_with_files(open_way(config, account, lambda _: None).target.tls)


async def _note(config: FetchConfig, account: Account, table: Deliver, *, connects: bool) -> str:
    if (trouble := trouble_with_files(TlsPolicy(authority=table.tls_ca, pin=table.tls_pin))) is not None:
        raise SinkError(trouble.text, may_pass=False, fault=Fault.SETTING)
    if table.maildir is not None:
        return _check_maildir(str(table.maildir))
    if table.mbox is not None:
        return _check_mbox(str(table.mbox))
    if table.command is not None:
        _check_command(table.command)
    elif table.maildrop is not None:
        from .post_office import PostOfficeSink

        await PostOfficeSink(table.config, table.maildrop).look()
    elif connects:
        return await _connect(config, account, table)
    elif table.lmtp is not None and table.lmtp.is_unix:
        _check_socket(table.lmtp.path)
    return ""


def _check_maildir(path: str) -> str:
    if not os.path.lexists(path):
        _check_makeable(path)
        return FIRST_TIME
    _check_folder(path, "a Maildir is a folder")
    for part in ("tmp", "new", "cur"):
        if os.path.lexists(f"{path}/{part}"):
            _check_folder(f"{path}/{part}", "a Maildir has a folder of that name")
        else:
            _check_makeable(f"{path}/{part}")
    return ""


def _check_mbox(path: str) -> str:
    folder = os.path.dirname(path)
    if not os.path.lexists(path):
        _check_makeable(path)
        return FIRST_TIME
    if not os.path.isfile(path):
        raise _lasting(f"{path} is {_kind(path)}: an mbox is a file")
    if not os.access(path, os.R_OK | os.W_OK):
        raise _lasting(f"{path} may not be read and written by this user")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _lasting(f"{folder} may not be written by this user: while mail is appended a note lies beside the mbox")
    return ""


def _check_makeable(path: str) -> None:
    """What is not there yet can be made, with the folders around it."""
    folder = os.path.dirname(path)
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    _check_folder(folder, f"{path} cannot be made there")


def _check_folder(path: str, words: str) -> None:
    if not os.path.isdir(path):
        raise _lasting(f"{path} is {_kind(path)}: {words}")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise _lasting(f"{path} may not be written by this user")


def _check_command(command: str | Sequence[str]) -> None:
    if not isinstance(command, str):
        _check_program(command[0] if command else "")
        return
    code, said = _ask_shell("-n", "-c", command)
    if code:
        raise _lasting(f"the shell does not understand it: {said}")
    word = command.split()[0] if command.split() else ""
    if set(word) & set(SPECIAL):
        return
    if "/" in word:
        _check_program(word)
    else:
        code, _ = _ask_shell("-c", 'command -v -- "$1"', "sh", word)  # it has commands of its own
        if code:
            _check_program(word)


SPECIAL = "=$`'\"\\|&;<>(){}*?[]#!~\n"
"""Where one of these is in the first word of a line, the shell alone knows what it means."""


def _ask_shell(*words: str) -> tuple[int, str]:
    """The shell's exit code, and its last words. The command itself is never run."""
    asked = subprocess.run(  # noqa: S603 - somebody's own file names the command
        ["/bin/sh", *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=SHELL_WAIT, check=False
    )
    return asked.returncode, " ".join(asked.stderr.decode(errors="replace").split())


def _check_program(program: str) -> None:
    if shutil.which(program):
        return
    if "/" not in program:
        raise _lasting(f"there is no program {program!r} in PATH")
    if not os.path.exists(program):
        raise _lasting(f"{program} is not there")
    if not os.path.isfile(program):
        raise _lasting(f"{program} is {_kind(program)}: a command is a program")
    raise _lasting(f"{program} may not be executed: chmod +x {program}")


def _check_socket(path: str) -> None:
    if not os.path.exists(path):
        raise _lasting(f"{path} is not there: does the server run?")
    if not stat.S_ISSOCK(os.stat(path).st_mode):
        raise _lasting(f"{path} is {_kind(path)}: a server's socket is wanted")


async def _connect(config: FetchConfig, account: Account, table: Deliver) -> str:
    from .mail_servers import open_imap, open_smtp

    if table.imap is not None:
        sink = open_imap(config, account, table)
        try:
            return "" if await sink.look() else FIRST_TIME
        finally:
            await sink.close()
    server = open_smtp(config, account, table)
    try:
        await server.open()  # connects and logs in, no more
    finally:
        await server.close()
    return ""


def _kind(path: str) -> str:
    if os.path.islink(path) and not os.path.exists(path):
        return "a link to nothing"
    return "a folder" if os.path.isdir(path) else "a file" if os.path.isfile(path) else "no file"


def _lasting(text: str) -> SinkError:
    return SinkError(text, may_pass=False)
