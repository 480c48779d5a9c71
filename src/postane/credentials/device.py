"""The device flow of OAuth: somebody opens a page elsewhere, types a code, and this program is let in (RFC 8628).

Must not know: where tokens are kept, how the code is shown.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from postane.net.base import Http, NetError

from .base import NoSecret
from .oauth import OauthRefusal, Provider, ask, may_pass, read_tokens, refused
from .tokens import Tokens

GRANT = "urn:ietf:params:oauth:grant-type:device_code"

INTERVAL = 5.0
"""Seconds between two questions, where the server says nothing (RFC 8628 s3.2)."""

SLOWER = 5.0
"""Seconds more after each "slow_down" (RFC 8628 s3.5)."""

LIFE = 900.0
"""Seconds that a code lives, where the server says nothing that can be believed."""

LIFE_LIMIT = 7200.0
INTERVAL_LIMIT = 300.0
"""What is believed of it at most."""


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What somebody has to do: open `url` and type `user_code`, or open `full_url`, where it is there; within `life`
    seconds."""

    user_code: str
    url: str
    full_url: str | None
    life: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """The clock, in seconds since the epoch, and how to wait for some seconds."""

    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)


async def authorize(http: Http, provider: Provider, show: Callable[[DeviceCode], object], waiting: Waiting) -> Tokens:
    """Have somebody let this program in: `show` is called once, with what to tell them. Raises NoSecret."""
    if provider.device_endpoint is None:
        raise NoSecret(
            f"{provider.name} has no device_endpoint: give one in [oauth.{provider.name}], or let it in by a browser"
        )
    form = {"scope": provider.scope} if provider.scope else {}
    try:
        members = await ask(http, provider, provider.device_endpoint, form)  # RFC 8628 s3.1
    except OauthRefusal as refusal:
        raise refused(provider, refusal) from None
    except NetError as error:
        raise NoSecret(f"{provider.name} cannot be asked: {error.text}", may_pass=may_pass(error)) from None
    code, device_code, interval = _read(members, provider)
    until = waiting.clock() + code.life
    show(code)
    return await _poll(http, provider, device_code, _Pace(interval, until, waiting))


@dataclass(slots=True)
class _Pace:
    interval: float
    until: float
    waiting: Waiting


async def _poll(http: Http, provider: Provider, device_code: str, pace: _Pace) -> Tokens:
    form = {"grant_type": GRANT, "device_code": device_code}  # RFC 8628 s3.4
    while pace.waiting.clock() + pace.interval <= pace.until:
        await pace.waiting.sleep(pace.interval)
        try:
            return read_tokens(await ask(http, provider, provider.token_endpoint, form), pace.waiting.clock())
        except OauthRefusal as refusal:  # RFC 8628 s3.5
            if refusal.code == "expired_token":
                break
            if refusal.code == "slow_down":
                pace.interval += SLOWER
            elif refusal.code != "authorization_pending":
                raise refused(provider, refusal) from None
        except NetError as error:
            if not may_pass(error):
                raise NoSecret(f"{provider.name} cannot be asked: {error.text}") from None
            pace.interval = min(2 * pace.interval, INTERVAL_LIMIT)  # RFC 8628 s3.5
        except NoSecret as error:
            if not error.may_pass:
                raise
            pace.interval = min(2 * pace.interval, INTERVAL_LIMIT)
    raise NoSecret(f"nobody has let this program in at {provider.name} while the code was good: log in again")


def _read(members: Mapping[str, Any], provider: Provider) -> tuple[DeviceCode, str, float]:
    device_code, user_code = members.get("device_code"), members.get("user_code")
    url = members.get("verification_uri") or members.get("verification_url")  # the second is older than the RFC
    full = members.get("verification_uri_complete")
    if not all(_is_plain(each) for each in (device_code, user_code, url)) or not _is_page(url):
        raise NoSecret(f"{provider.name} gave no code to type, or no page to type it in")
    life = _seconds(members.get("expires_in"), LIFE, LIFE_LIMIT)
    interval = _seconds(members.get("interval"), INTERVAL, INTERVAL_LIMIT)
    code = DeviceCode(str(user_code), str(url), full if _is_plain(full) and _is_page(full) else None, life)
    return code, str(device_code), max(interval, 1.0)


def _is_plain(value: object) -> bool:
    return isinstance(value, str) and value != "" and value.isprintable() and len(value) <= 2000


def _is_page(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def _seconds(value: object, otherwise: float, limit: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return min(float(value), limit) if is_number and value > 0 else otherwise  # type: ignore[arg-type, operator]
