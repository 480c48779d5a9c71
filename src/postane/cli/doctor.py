"""`postane doctor`: is everything in order, and if not, what is to be done?"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from postane.config.advice import advice
from postane.config.file import ConfigError, find_config, load_config
from postane.config.model import Config

from .common import ConfigOption, JsonOption
from .findings import Finding, Severity, error, fine, warning
from .words import Exit, print_json, show

_COLOURS = {Severity.OK: "green", Severity.WARNING: "yellow", Severity.ERROR: "red"}


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Ask neither listeners nor other servers.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Look at the configuration, the certificates, the files and the running server, and say what to do.

    Nothing is made or changed. The exit code is 78 where anything is wrong, 0 where all is well or only warned of:
    a certificate that expires within 21 days is a warning, one that has expired is wrong.

    Example: postane doctor -c postane.toml
    """
    findings = list(_examine(find_config(config), is_offline=offline))
    is_well = all(each.severity is not Severity.ERROR for each in findings)
    if json:
        print_json({"ok": is_well, "findings": [_as_data(each) for each in findings]})
    else:
        for each in findings:
            _print(each)
    raise typer.Exit(Exit.OK if is_well else Exit.CONFIG)


def _examine(path: Path | None, *, is_offline: bool) -> Iterator[Finding]:
    from .doctor_accounts import examine_accounts  # here: `--help` needs nothing of the house
    from .doctor_listeners import examine_listeners
    from .doctor_storage import examine_storage
    from .doctor_tls import examine_tls

    try:
        config = load_config(path, is_served=True)
    except ConfigError as trouble:
        for problem in trouble.problems:
            yield error("configuration", str(problem), "mend the file; postane config check looks at it alone")
        return
    yield from _examine_config(config, path)
    yield from _examine_descriptors(config)
    yield from examine_tls(config, datetime.now(UTC))
    yield from examine_storage(config)
    yield from examine_accounts(config, is_offline=is_offline)
    if not is_offline:
        yield from examine_listeners(config)


def _examine_config(config: Config, path: Path | None) -> Iterator[Finding]:
    where = "there is no configuration file: the defaults hold" if path is None else f"{path} can be used"
    yield fine("configuration", where)
    for words in advice(config, is_root=os.geteuid() == 0):
        yield warning("configuration", words, "")


def _examine_descriptors(config: Config) -> Iterator[Finding]:
    """How many a process started from here could have; a service has its own limit."""
    from postane.supervisor.descriptors import descriptors_possible, shortfall
    from postane.supervisor.plan import worker_count

    words = shortfall(config.limits.connections, worker_count(config), descriptors_possible())
    if words is None:
        yield fine(
            "open files", f"limits.connections ({config.limits.connections}) can be reached if started from here"
        )
    else:
        yield warning("open files", f"if started from here: {words}", "")


def _as_data(finding: Finding) -> dict[str, str]:
    return {
        "severity": finding.severity.value,
        "about": finding.about,
        "words": finding.words,
        "remedy": finding.remedy,
    }


def _print(finding: Finding) -> None:
    word = typer.style(f"{finding.severity.value:<8}", fg=_COLOURS[finding.severity])
    typer.echo(f"{word} {finding.about:<14} {show(finding.words)}")
    if finding.remedy:
        typer.echo(f"{'':<23} {show(finding.remedy)}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)
