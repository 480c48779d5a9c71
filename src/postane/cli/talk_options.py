"""What can be said to `postane talk` on the command line: more than a function may have parameters."""

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

Url = Annotated[
    str,
    typer.Argument(
        metavar="URL",
        help="pop3s://, pop3://, pop2s://, pop2://, pop1s://, pop1://, smtps://, smtp://, "
        "submissions://, submission:// or lmtp://,"
        " then [USER@]HOST[:PORT] or the /path of a unix socket.",
        show_default=False,
    ),
]
Tls = Annotated[
    str | None,
    typer.Option(
        metavar="MODE",
        help="implicit, required (by STLS or STARTTLS, at once), if-offered or none.",
        show_default="implicit for pop3s and its like, else none",
    ),
]
StartTls = Annotated[bool, typer.Option("--starttls", help="Begin TLS at once: --tls required.")]
Authority = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Whom to believe (PEM).", show_default="the system's")
]
Pin = Annotated[str | None, typer.Option(metavar="PIN", help="The certificate's SHA-256.", show_default=False)]
Insecure = Annotated[bool, typer.Option("--insecure", help="Do not check the certificate.")]
Proxy = Annotated[str | None, typer.Option(metavar="URL", help="socks5:// or http://", show_default=False)]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", help="What any one wait may take.", min=0.1)]
Login = Annotated[bool, typer.Option("--login", help="Log in at once, by the strongest means.")]
User = Annotated[str | None, typer.Option(metavar="NAME", help="Whose account.", show_default="the URL's")]
PasswordEnv = Annotated[
    str | None,
    typer.Option(metavar="VARIABLE", help="Where the password is in the environment.", show_default=False),
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="The first line of standard input is the password.")
]
TranscriptFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write what passes into a new file, without secrets.", show_default=False),
]
Lines = Annotated[int | None, typer.Option(metavar="N", help="Show N lines of a body.", min=0, show_default="all")]
Plain = Annotated[bool, typer.Option("--plain", help="No colours.")]
Bare = Annotated[bool, typer.Option("--bare", help="Only what the server says, without S: before it; for pipes.")]
Json = Annotated[bool, typer.Option("--json", help="A line of JSON for each exchange; for pipes.")]
Fail = Annotated[bool, typer.Option("--fail", help="In a pipe: end with 1 at the first negative reply.")]


@dataclasses.dataclass(frozen=True, slots=True)
class TalkOptions:
    """What was asked for."""

    url: Url
    tls: Tls = None
    starttls: StartTls = False
    tls_ca: Authority = None
    tls_pin: Pin = None
    insecure: Insecure = False
    proxy: Proxy = dataclasses.field(default=None, repr=False)
    timeout: Timeout = 60.0
    login: Login = False
    user: User = None
    password_env: PasswordEnv = None
    password_stdin: PasswordStdin = False
    transcript: TranscriptFile = None
    lines: Lines = None
    plain: Plain = False
    bare: Bare = False
    json: Json = False
    fail: Fail = False


def taking(options: type, command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer wants it: each field of `options` is one of its parameters."""
    hints = get_type_hints(options, include_extras=True)
    parameters = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if each.default is dataclasses.MISSING else each.default,
            annotation=hints[each.name],
        )
        for each in dataclasses.fields(options)
    ]

    def taken(**given: Any) -> None:
        command(options(**given))

    taken.__name__, taken.__doc__ = command.__name__, command.__doc__
    taken.__annotations__ = hints
    taken.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return taken
