"""How a client logs in to the fake server: USER and PASS, APOP, AUTH.

RFC 1939 s7, RFC 5034 s4; XOAUTH2 as its makers tell it, RFC 7628 s3.1 (OAUTHBEARER).

Must not know: messages.
"""

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from .faults import Missing, Refuse, RefuseLogin, Stamp, Troubles, TwoLines

WRONG = "[AUTH] that is not right"


@dataclass(frozen=True, slots=True)
class Account:
    """Who may log in. With a `token`, also by XOAUTH2 and OAUTHBEARER."""

    name: str = "mrose"
    password: str = field(default="tanstaaf", repr=False)
    token: str | None = field(default=None, repr=False)


class Refused(Exception):
    """No; `text` is the reply's."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Porter:
    """Lets one connection in, or not. `ask` says a challenge and gives what comes back, base64 away."""

    def __init__(
        self, account: Account, troubles: Troubles, stamp: str, ask: Callable[[bytes], Awaitable[bytes]]
    ) -> None:
        self._account = account
        self._troubles = troubles
        self._ask = ask
        self._named: str | None = None
        self._missing = {fault.name for fault in troubles.every(Missing)}
        stamps = [fault.text for fault in troubles.every(Stamp)]
        self.stamp = "" if "APOP" in self._missing else (stamps or [stamp])[0]

    @property
    def mechanisms(self) -> list[str]:
        """What AUTH takes."""
        offered = ["PLAIN"] if self._account.token is None else ["PLAIN", "XOAUTH2", "OAUTHBEARER"]
        return [name for name in offered if name not in self._missing]

    def user(self, name: str) -> None:
        """USER: whoever it is."""
        self._named = name

    async def enter(self, verb: str, argument: str) -> None:
        """PASS, APOP or AUTH. Raises Refused."""
        refusal = self._troubles.strike(Refuse, lambda fault: fault.verb == verb)
        if refusal is not None:
            raise Refused(refusal.text)
        match verb:
            case "PASS":
                is_right = (self._named, argument) == (self._account.name, self._account.password)
            case "APOP":
                is_right = self._is_digest(argument)
            case _:
                is_right = await self._auth(argument)
        if not is_right:
            raise Refused(WRONG)
        later = self._troubles.strike(RefuseLogin)
        if later is not None:
            raise Refused(f"[{later.code}] {later.text}")

    def _is_digest(self, argument: str) -> bool:
        name, _, digest = argument.partition(" ")
        right = hashlib.md5((self.stamp + self._account.password).encode(), usedforsecurity=False).hexdigest()
        return bool(self.stamp) and (name, digest) == (self._account.name, right)

    async def _auth(self, argument: str) -> bool:
        mechanism, _, initial = argument.partition(" ")
        mechanism = mechanism.upper()
        if mechanism not in self.mechanisms:
            raise Refused("no such mechanism")
        if initial and any(fault.mechanism == mechanism for fault in self._troubles.every(TwoLines)):
            raise Refused("that was too much at once")
        response = decode(initial) if initial else await self._ask(b"")
        if self._fits(mechanism, response):
            return True
        if mechanism != "PLAIN":  # tells why, and wants to hear something before it refuses
            await self._ask(b'{"status":"401"}')
        return False

    def _fits(self, mechanism: str, response: bytes) -> bool:
        name, bearer = self._account.name, f"\1auth=Bearer {self._account.token}\1".encode()
        match mechanism:
            case "PLAIN":
                authority, _, rest = response.partition(b"\0")
                return authority in (b"", name.encode()) and rest == f"{name}\0{self._account.password}".encode()
            case "XOAUTH2":
                return response == f"user={name}".encode() + bearer + b"\1"
            case _:
                return response.startswith(f"n,a={name},".encode()) and bearer in response


def decode(text: str) -> bytes:
    """A response of the client. Raises Refused."""
    if text == "=":
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("that is no base64") from None
