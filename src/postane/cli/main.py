"""The `postane` command: it runs what is wanted, and tells how that has ended.

Must not know: any command, apart from that one of them is in a hurry.
"""

import gc
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING

from postane.config.problems import ConfigError

from .words import Exit, Failure, NobodyReads, put, say, show

if TYPE_CHECKING:
    from postane.accounts.base import AccountError
    from postane.maildrop.errors import MaildropError

TYPER_USAGE = 2
"""What typer ends with when it cannot understand the command line; sysexits.h has a number of its own for that."""

INTERRUPTED = 130
"""What a shell calls the end by Ctrl-C."""


def main() -> None:
    """Run a command; errors are one line on standard error and an exit code of sysexits.h."""
    _write_any_letter()
    gc.disable()  # nothing of what is imported goes before the end: looking for what does costs a twentieth
    try:
        _run_and_write(sys.argv[1:])
    except SystemExit as end:
        sys.exit(Exit.USAGE if end.code == TYPER_USAGE else end.code)
    except Failure as failure:
        _fail(failure.text, failure.code)
    except ConfigError as error:
        _fail(str(error), Exit.CONFIG)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (BrokenPipeError, NobodyReads):
        sys.stderr.close()
        sys.exit(Exit.OK)
    except OSError as error:
        words = error.strerror or str(error)
        _fail(f"{words}: {error.filename}" if error.filename else words, Exit.OS_ERROR)
    except _store_errors() as error:
        _fail(error.log, _store_code(error))
    finally:
        gc.freeze()  # the same at the end


def _write_any_letter() -> None:
    """What the terminal's encoding has no letter for is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # not where it was closed
            stream.reconfigure(errors="backslashreplace")


def _run_and_write(arguments: Sequence[str]) -> None:
    """Raises SystemExit when all is written: at the interpreter's end nobody would tell well that it cannot be."""
    try:
        _run(arguments)
    except SystemExit:
        put()
        raise


def _run(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["fetch"]:
        from .fetch_run import fetch_accounts, read_plainly

        if (asked := read_plainly(arguments[1:])) is not None:
            gc.freeze()
            gc.enable()
            sys.exit(fetch_accounts(asked))
    from .commands import make_app

    app = make_app(arguments)
    gc.freeze()
    gc.enable()
    app(standalone_mode=True)


def _store_errors() -> "tuple[type[MaildropError], type[AccountError]]":
    """What stores raise. Asked for when something was raised: not every command has to do with stores."""
    from postane.accounts.base import AccountError
    from postane.maildrop.errors import MaildropError

    return MaildropError, AccountError


def _store_code(error: "MaildropError | AccountError") -> Exit:
    from postane.accounts.base import AccountsUnavailable
    from postane.maildrop.errors import MaildropError, StoreDamaged, StoreTooNew

    if isinstance(error, StoreDamaged | StoreTooNew):
        return Exit.DATA
    return Exit.TEMP_FAIL if isinstance(error, MaildropError | AccountsUnavailable) else Exit.DATA


def _fail(text: str, code: Exit) -> None:
    for line in text.splitlines():
        say(f"postane: {show(line)}", err=True)  # whoever named what is wrong may be an enemy
    sys.exit(code)
