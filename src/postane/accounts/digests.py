"""Digests that are made of device passwords: checked, and with what they were checked is remembered, so that a client
that polls by APOP or CRAM-MD5 costs no look at the accounts while nobody has changed anything in them.

RFC 1939 s7 (APOP), RFC 2195 s2. What is kept is what the database has: sealed secrets. They are opened for each digest
anew, and for a name of which nothing is known a decoy is, so that the time tells nobody who logged in a moment ago.

Must not know: protocols.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .base import Account, AccountsUnavailable, LoginRefused, Proof
from .devices import Vault, credential_of, match
from .names import show_name
from .partial import REFUSED
from .reader import Reader
from .traces import Traces

NAMES_LIMIT = 20_000
"""Names remembered at once, about 600 octets each; one too many, and all of them go."""

NAME_LENGTH = 320
DEVICES_LIMIT = 8
"""Of a name that is remembered: characters and devices at most. Others are looked up each time."""

_NOBODY = Account("", "")
_DECOY_OCTETS = 24
"""As many as a generated secret has."""


DEVICES = "SELECT label, secret FROM device WHERE account = :name"


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody says that it is `name`, and that `digest` is what `expected` makes of its secret."""

    name: str
    digest: bytes = field(repr=False)
    expected: Callable[[bytes], bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Devices:
    """Those of an account when the accounts were of that `version`: pairs of label and sealed secret."""

    account: Account
    sealed: Sequence[tuple[str, bytes]]
    version: int


class Digests:
    """The digests of the accounts that `reader` reads; who was right leaves `traces`."""

    def __init__(self, vault: Vault, reader: Reader, traces: Traces, limit: int = NAMES_LIMIT) -> None:
        self._vault = vault
        self._reader = reader
        self._traces = traces
        self._limit = limit
        self._known: dict[str, _Devices] = {}  # by names, as they were said, that have proven themselves so
        self._decoy: _Devices | None = None

    def verify(self, claim: Claim, account: Account, version: int) -> str:
        """The label of the device of `account` that answers so; the account was read when all were of that `version`.
        Raises LoginRefused, AccountsUnavailable."""
        name, devices = claim.name, self._reader.ask(DEVICES, {"name": account.name})
        label, trouble = match(self._vault, account.name, devices, claim.digest, claim.expected)
        if label is not None:
            self._keep(name, _Devices(account, devices, version))
            return label
        if trouble is None and not devices:
            raise LoginRefused(REFUSED, f"{show_name(name)}: a digest needs a device password, and there is none")
        words = f"{show_name(name)}: wrong digest; it is made of a device password, never of the user's own"
        raise trouble or LoginRefused(REFUSED, words)

    def recall(self, claim: Claim) -> Proof | None:
        """Who it is, where the name was right before and nothing has changed since; None: nothing was found out, and
        the time does not tell what was tried. Raises nothing."""
        try:
            devices = self._known.get(claim.name) or self._nobodys()
        except AccountsUnavailable:
            return None
        account = devices.account
        label, _ = match(self._vault, account.name, devices.sealed, claim.digest, claim.expected)
        if label is None or devices is self._decoy or not self._reader.is_still(devices.version):
            return None
        self._traces.used_again(account.name, label)
        return Proof(account, credential_of(label))

    def _keep(self, name: str, devices: _Devices) -> None:
        if len(name) > NAME_LENGTH or len(devices.sealed) > DEVICES_LIMIT:
            return
        if len(self._known) >= self._limit:
            self._known.clear()
        self._known[name] = devices

    def _nobodys(self) -> _Devices:
        if self._decoy is None:
            sealed = self._vault.seal("", "", secrets.token_bytes(_DECOY_OCTETS))
            self._decoy = _Devices(_NOBODY, [("", sealed)], 0)
        return self._decoy
