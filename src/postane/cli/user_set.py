"""`postane user set`: what an account has of its own, where the server's settings do not fit it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from postane.accounts.base import Account
from postane.config.units import (
    format_duration,
    format_retention,
    parse_duration,
    parse_retention,
    parse_size,
)
from postane.maildrop.base import LockPolicy

from .accounts import NameArgument, opened_registry, say
from .common import ConfigOption
from .words import Exit, Failure

EXAMPLE = "Example: postane user set anna@example.org quota=2GB retention=30d lock=takeover login-delay="


def set_settings(
    name: NameArgument,
    settings: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE...",
            help="quota=SIZE, messages=N, lock=POLICY, retention=TIME, login-delay=TIME, keep-deleted=yes|no."
            " Without a value the server's holds again.",
            show_default=False,
        ),
    ],
    config: ConfigOption = None,
) -> None:
    """Give an account settings of its own; sessions that begin later have them."""
    changes = [_parse(setting) for setting in settings]  # all are checked before one is kept
    with opened_registry(config) as registry:
        account = registry.show(name).account
        for change in changes:
            account = change(account)
        registry.configure(account)
    say(f"changed {account.name}")


def shown(account: Account) -> Mapping[str, object]:
    """The settings as a person writes them; those that are the server's are left out."""
    lines: dict[str, object] = {}
    if account.lock is not None:
        lines["lock"] = account.lock
    if account.retention is not None:
        lines["retention"] = format_retention(account.retention)
    if account.login_delay is not None:
        lines["login-delay"] = format_duration(account.login_delay)
    if account.keep_deleted:
        lines["keep-deleted"] = True
    return lines


def as_json(account: Account) -> Mapping[str, object]:
    """The settings for programs: seconds, and "never"; null is the server's."""
    never = account.retention == float("inf")
    return {
        "lock": account.lock,
        "retention": "never" if never else account.retention,
        "login_delay": account.login_delay,
        "keep_deleted": account.keep_deleted,
    }


@dataclass(frozen=True, slots=True)
class _Key:
    parse: Callable[[str], Any]
    put: Callable[[Account, Any], Account]
    server: Any = None  # what stands for the server's own


def _lock(text: str) -> LockPolicy:
    try:
        return LockPolicy(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a lock policy; write {', '.join(LockPolicy)}") from error


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise ValueError(f"{text!r} is not a number of messages")
    return int(text)


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(f'{text!r} is neither "yes" nor "no"')
    return text == "yes"


_KEYS: Mapping[str, _Key] = {
    "quota": _Key(parse_size, lambda account, value: replace(account, quota=replace(account.quota, octets=value))),
    "messages": _Key(_count, lambda account, value: replace(account, quota=replace(account.quota, messages=value))),
    "lock": _Key(_lock, lambda account, value: replace(account, lock=value)),
    "retention": _Key(parse_retention, lambda account, value: replace(account, retention=value)),
    "login-delay": _Key(parse_duration, lambda account, value: replace(account, login_delay=value)),
    "keep-deleted": _Key(_yes, lambda account, value: replace(account, keep_deleted=value), server=False),
}


def _parse(setting: str) -> Callable[[Account], Account]:
    """What one KEY=VALUE does to an account."""
    word, equals, text = setting.partition("=")
    key = _KEYS.get(word.replace("_", "-"))
    if key is None or not equals:
        raise Failure(f"{setting!r} is not KEY=VALUE with a key of {', '.join(_KEYS)}", Exit.USAGE)
    try:
        value = key.parse(text) if text else key.server
    except ValueError as error:
        raise Failure(f"{word}: {error}", Exit.USAGE) from error
    return lambda account: key.put(account, value)
