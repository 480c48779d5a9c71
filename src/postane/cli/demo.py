"""`postane demo`: a whole post office on high ports, with an account and mail to look at.

Must not know: how anything works; it writes a configuration and calls what `postane serve` calls.
"""

import json
import shlex
import shutil
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from postane.accounts.base import AccountError
from postane.config.file import load_config
from postane.config.model import Config, listeners
from postane.maildrop.base import Addressee, Letter, MaildropError

from .words import Exit, Failure, run

ACCOUNT = "demo"
PASSWORD = "postane"  # noqa: S105 - printed, on purpose
PORTS = {"pop3": 1110, "pop3s": 1995, "smtp": 1025}

_CONFIG = """\
# Written by `postane demo` at its first start, and kept: what is changed here stays.
hostname = "localhost"

[storage]
path = {storage}

[pop3]
listen = ["127.0.0.1:{pop3}"]

[pop3s]
listen = ["127.0.0.1:{pop3s}"]

[smtp]
listen = ["127.0.0.1:{smtp}"]

[lmtp]
listen = [{lmtp}]

[limits]
connections = 500

[server]
drain = "2s"
"""

_HELP = """
Read a letter:
  curl -s pop3://127.0.0.1:{pop3}/1 --user {account}:{password}

Send one, and see it as number {next}:
  printf 'From: you@example.org\\r\\nSubject: Hello\\r\\n\\r\\nHello, Postane!\\r\\n' | curl -s smtp://127.0.0.1:{smtp} --mail-from you@example.org --mail-rcpt {account}@localhost -T -
  curl -s pop3://127.0.0.1:{pop3}/{next} --user {account}:{password}
{tls}
Set up a mail program:
  incoming   POP3   127.0.0.1   port {pop3}   no encryption   user {account}   password {password}
  outgoing   SMTP   127.0.0.1   port {smtp}   no encryption   no authentication
  address    {account}@localhost

The configuration is {path}; more accounts: {command} user add -c {path} NAME
Ctrl-C stops it; the next start finds everything again.
"""  # noqa: E501 - a command that can be pasted is one line

_HELP_TLS = """
The same over TLS. The certificate was made here, so no client trusts it unless it is told to, as curl is by --cacert:
  curl -s --cacert {certificate} pop3s://127.0.0.1:{pop3s}/1 --user {account}:{password}
"""
"""Where TLS is offered with a certificate of our own making."""


def demo(
    folder: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where mail and configuration are kept.")] = Path(
        "postane-demo"
    ),
) -> None:
    """Run a whole post office on high ports, with an account and sample mail; prints how to try it.

    Example: postane demo --dir /tmp/postane-demo
    """
    path = folder / "postane.toml"
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        if not path.exists():
            _write_config(folder, path)
    except OSError as error:
        raise Failure(f"cannot set up the demo in {folder}: {error.strerror}; try --dir", Exit.CANNOT_CREATE) from error
    config = load_config(path)
    try:
        config.storage.path.mkdir(mode=0o700, exist_ok=True)
        waiting = run(_furnish(config))
    except (AccountError, MaildropError) as error:
        raise Failure(f"cannot set up the demo in {folder}: {error.log}", Exit.CANNOT_CREATE) from error

    def announce(line: str) -> None:
        typer.echo(line)
        if line == "ready":
            typer.echo(_help(config, path, waiting))

    from .serve import open_office

    open_office(config, path, announce)


def _write_config(folder: Path, path: Path) -> None:
    """The demo's configuration; it stays as it is at the next start, with whatever was changed in it."""
    ports = {service: _free_port(service, port) for service, port in PORTS.items()}
    storage, lmtp = (folder / "store").absolute(), (folder / "lmtp.sock").absolute()
    path.write_text(_CONFIG.format(storage=json.dumps(str(storage)), lmtp=json.dumps(f"unix:{lmtp}"), **ports), "utf-8")


def _help(config: Config, path: Path, waiting: int) -> str:
    ports = {service: next((end.port for end in ends), 0) for service, ends in listeners(config).items()}
    command = sys.argv[0] if shutil.which("postane") is None else "postane"
    facts = {"account": ACCOUNT, "password": PASSWORD, "path": shlex.quote(str(path)), "next": waiting + 1, **ports}
    return _HELP.format(command=shlex.quote(command), tls=_help_tls(config, facts), **facts)


def _help_tls(config: Config, facts: dict[str, object]) -> str:
    """Nothing where a demo's configuration is older than TLS, or where somebody has put a certificate into it."""
    from postane.supervisor.plan import FOLDER, configured

    if "pop3s" not in facts or configured(config) is not None:
        return ""
    certificate = config.storage.path / FOLDER / "certificate.pem"
    return _HELP_TLS.format(certificate=shlex.quote(str(certificate)), **facts)


async def _furnish(config: Config) -> int:
    """Make the account and its mail where they are not there yet; the number of messages that wait."""
    from postane.app import open_maildrops, open_registry

    from .demo_mail import sample_mail

    registry, maildrops = open_registry(config), open_maildrops(config)
    try:
        if ACCOUNT not in registry.names():
            for letter in sample_mail():
                spool = maildrops.spool()
                await spool.write(letter.octets)
                (outcome,) = await maildrops.deposit(
                    spool, Letter(letter.sender, letter.arrived), [Addressee(ACCOUNT, letter.trace)]
                )
                await spool.discard()
                if isinstance(outcome, MaildropError):
                    raise outcome
            registry.add(ACCOUNT, password=PASSWORD)
        return (await maildrops.usage(ACCOUNT)).messages
    finally:
        await maildrops.close()
        registry.close()


def _free_port(service: str, wanted: int) -> int:
    """The port that is wanted, or another where that one is in use, which is said."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                typer.echo(f"port {port} is in use, {service} gets another", err=True)
                continue
            return int(probe.getsockname()[1])
    raise Failure("no port is free on 127.0.0.1", Exit.UNAVAILABLE)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)
