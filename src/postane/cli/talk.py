"""`postane talk`: a conversation with a mail server by hand, at a terminal or from a script."""

import sys

import typer

from .talk_options import TalkOptions, taking
from .words import Exit, Failure, run


def talk(options: TalkOptions) -> None:
    """Speak to a mail server by hand: POP3, POP2, POP1, SMTP or LMTP.

    What you type is said as it is; Tab completes what may be said now. Lines that begin with a dot are for us: .help
    tells what may be said, .help . what else there is, such as .login NAME, .show N, .tls. Passwords are hidden
    wherever something is shown or written down.

    In a pipe commands are read from standard input. Ends with 0; 69 without a connection, 75 when the server takes too
    long, 76 when it breaks the rules or TLS does not stand, 77 when it refused the login.

    Example: postane talk pop3s://mrose@pop.example.org --login
    """
    if options.json and options.bare:
        raise Failure("--json and --bare do not go together", Exit.USAGE)
    for_programs = options.json or options.bare or options.password_stdin
    if sys.stdin.isatty() and sys.stdout.isatty() and not for_programs:
        from .talk_terminal import talk_at_terminal  # a large library, and only for people

        code = run(talk_at_terminal(options))
    else:
        from .talk_pipe import talk_in_pipe

        code = run(talk_in_pipe(options))
    if code:
        raise typer.Exit(code)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(taking(TalkOptions, talk))
