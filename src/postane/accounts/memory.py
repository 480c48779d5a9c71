"""Accounts in memory, for tests and for the `pytest` plugin: passwords in clear, nothing outlives the process.

SCRAM keys are derived when they are first asked for, so that a test which does not pays nothing.

Must not know: files, hashes, protocols.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from postane.maildrop.base import Quota
from postane.sasl.base import Means, ScramDigest

from .base import Account, LoginRefused, NameTaken, Proof, ScramEntry, Spread, UnknownName
from .devices import apop_digest, cram_digest, credential_of, device_of, generate_secret, is_same
from .hashes import octets_of
from .leave import check_share, not_shared
from .names import (
    bare_name,
    canonical,
    domain_of,
    fold_domain,
    meanings,
    parse_address,
    parse_label,
    parse_name,
    show_name,
)
from .partial import REFUSED, PartialAccounts
from .scram_keys import OWN, KeyRing, derive


@dataclass(slots=True)
class _Entry:
    account: Account
    password: str | None = field(repr=False)
    devices: dict[str, str] = field(default_factory=dict, repr=False)
    rings: dict[str, KeyRing] = field(default_factory=dict, repr=False)  # of secrets

    @property
    def secrets(self) -> dict[str, str]:
        """What SCRAM may be held with, by the label of the device, or OWN."""
        return self.devices if self.password is None else {OWN: self.password, **self.devices}


class MemoryAccounts(PartialAccounts):
    """An AccountStore of dicts, changed by methods of the same names as those of `registry.Registry`."""

    def __init__(self, *, own_domains: tuple[str, ...] = ("localhost",)) -> None:
        super().__init__()
        self._own_domains = frozenset(fold_domain(domain) for domain in own_domains)
        self._entries: dict[str, _Entry] = {}
        self._aliases: dict[str, str] = {}
        self._shares: set[tuple[str, str]] = set()  # owner, reader

    def add(
        self, name: str, *, password: str | None = None, quota: Quota | None = None, aliases: Iterable[str] = ()
    ) -> Account:
        """A new account. Raises BadName, NameTaken."""
        name = parse_name(name)
        addresses = [parse_address(alias) for alias in aliases]
        for address in (name, *addresses):
            self._check_free(address)
        account = Account(name, name, quota=quota or Quota())
        self._entries[name] = _Entry(account, password)
        self._aliases |= dict.fromkeys(addresses, name)
        return account

    def set_password(self, name: str, password: str) -> None:
        """Replace the password. Raises UnknownName."""
        entry = self._known(name)
        entry.password = password
        entry.rings.pop(OWN, None)

    def set_enabled(self, name: str, is_enabled: bool) -> None:
        """Let an account log in or not. Raises UnknownName."""
        entry = self._known(name)
        entry.account = replace(entry.account, is_enabled=is_enabled)

    def set_quota(self, name: str, quota: Quota) -> None:
        """Bound what the maildrop may hold. Raises UnknownName."""
        entry = self._known(name)
        entry.account = replace(entry.account, quota=quota)

    def configure(self, account: Account) -> None:
        """Take over the quota and what `account` has of its own. Raises UnknownName."""
        entry = self._known(account.name)
        entry.account = replace(account, is_enabled=entry.account.is_enabled)

    def remove(self, name: str) -> None:
        """Remove an account with its aliases, devices and leaves to read. Raises UnknownName."""
        known = self._known(name).account.name
        del self._entries[known]
        self._aliases = {address: owner for address, owner in self._aliases.items() if owner != known}
        self._shares = {pair for pair in self._shares if known not in pair}

    def add_alias(self, name: str, address: str) -> None:
        """One more address of an account. Raises UnknownName, BadName, NameTaken."""
        alias = parse_address(address)
        self._check_free(alias)
        self._aliases[alias] = self._known(name).account.name

    def remove_alias(self, name: str, address: str) -> None:
        """Take an address away. Raises UnknownName, BadName."""
        alias = parse_address(address)
        if self._aliases.get(alias) != self._known(name).account.name:
            raise UnknownName(f"there is no {show_name(alias)}")
        del self._aliases[alias]

    def add_device(self, name: str, label: str, secret: str | None = None) -> str:
        """A device password, generated where none is given, and returned. Raises UnknownName, NameTaken, BadName."""
        devices, label = self._known(name).devices, parse_label(label)
        if label in devices:
            raise NameTaken(f"{show_name(name)} has a device {show_name(label)} already")
        return devices.setdefault(label, generate_secret() if secret is None else secret)

    def revoke_device(self, name: str, label: str) -> None:
        """End a device password at once. Raises UnknownName, BadName."""
        entry, label = self._known(name), parse_label(label)
        entry.rings.pop(label, None)
        if entry.devices.pop(label, None) is None:
            raise UnknownName(f"{show_name(name)} has no device {show_name(label)}")

    def share(self, owner: str, reader: str) -> None:
        """Let `reader` read the maildrop of `owner`. Raises UnknownName, BadName."""
        self._shares.add(check_share(self._known(owner).account.name, self._known(reader).account.name))

    def unshare(self, owner: str, reader: str) -> None:
        """End that. Raises UnknownName."""
        pair = (self._known(owner).account.name, self._known(reader).account.name)
        if pair not in self._shares:
            raise not_shared(*pair)
        self._shares.remove(pair)

    @property
    def means(self) -> frozenset[Means]:
        """See AccountStore."""
        return frozenset(Means) - {Means.TOKEN}

    async def verify_password(self, name: str, password: str) -> Proof:
        """See AccountStore."""
        entry, claimed = self._enabled(name), octets_of(password)
        if entry.password is not None and is_same(octets_of(entry.password), claimed):
            return Proof(entry.account, "password")
        for label, secret in entry.devices.items():
            if is_same(octets_of(secret), claimed):
                return Proof(entry.account, credential_of(label))
        raise LoginRefused(REFUSED, f"{show_name(name)}: wrong password")

    async def verify_apop(self, name: str, stamp: str, digest: str) -> Proof:
        """See AccountStore."""
        return self._verify_digest(name, digest, lambda secret: apop_digest(stamp, secret))

    async def verify_cram(self, name: str, challenge: bytes, digest: str) -> Proof:
        """See AccountStore."""
        return self._verify_digest(name, digest, lambda secret: cram_digest(challenge, secret))

    async def scram(self, name: str, digest: ScramDigest) -> ScramEntry:
        """See AccountStore."""
        entry = self._meant(name)
        meant = (bare_name(name, self._own_domains) or name) if entry is None else entry.account.name
        decoy = self._decoys.entry(meant, digest)
        if entry is None or not entry.account.is_enabled or not entry.secrets:
            return decoy
        for label, secret in entry.secrets.items():
            if label not in entry.rings:
                entry.rings[label] = derive(secret, meant, self._decoys.salts)
        pairs = tuple(entry.rings[label][digest] for label in entry.secrets)
        proofs = tuple(Proof(entry.account, credential_of(label)) for label in entry.secrets)
        return ScramEntry(replace(decoy.keys, pairs=pairs), proofs)

    async def admit(self, name: str, credential: str) -> Proof:
        """See AccountStore."""
        entry, label = self._enabled(name), device_of(credential)
        if label is not None and label not in entry.devices:
            raise LoginRefused(REFUSED, f"{show_name(name)}: no such device")
        return Proof(entry.account, credential)

    async def find(self, name: str) -> Account | None:
        """See AccountStore."""
        entry = self._entries.get(canonical(name) or "")
        return None if entry is None else entry.account

    async def resolve(self, local_part: str, domain: str | None) -> Account | None:
        """See AccountStore."""
        for name in meanings(local_part, domain, self._own_domains):
            owner = self._aliases.get(name, name)
            if owner in self._entries:
                return self._entries[owner].account
        return None

    async def shared_with(self, reader: str, owner: str) -> Account | None:
        """See AccountStore."""
        pair = (canonical(owner) or "", canonical(reader) or "")
        return self._entries[pair[0]].account if pair in self._shares else None

    async def is_local(self, domain: str) -> bool:
        """See AccountStore."""
        place = fold_domain(domain)
        hosted = {domain_of(name) for name in (*self._entries, *self._aliases)} - {""}
        return place in self._own_domains or place in hosted

    async def spread(self) -> Spread:
        """See AccountStore."""
        return self.recall_spread()

    def recall_spread(self) -> Spread:
        """See AccountStore."""
        accounts = [entry.account for entry in self._entries.values()]
        retention = [account.retention for account in accounts if account.retention is not None]
        delay = [account.login_delay for account in accounts if account.login_delay is not None]
        return Spread(
            (min(retention), max(retention)) if retention else None, (min(delay), max(delay)) if delay else None
        )

    async def close(self) -> None:
        """See AccountStore."""

    def _known(self, name: str) -> _Entry:
        entry = self._entries.get(canonical(name) or "")
        if entry is None:
            raise UnknownName(f"there is no account {show_name(name)}")
        return entry

    def _verify_digest(self, name: str, digest: str, expected: Callable[[bytes], bytes]) -> Proof:
        entry = self._enabled(name)
        for label, secret in entry.devices.items():
            if is_same(expected(octets_of(secret)), digest.encode("utf-8", "surrogatepass")):
                return Proof(entry.account, credential_of(label))
        raise LoginRefused(REFUSED, f"{show_name(name)}: wrong digest")

    def _meant(self, name: str) -> _Entry | None:
        bare = bare_name(name, self._own_domains) or ""
        return self._entries.get(canonical(name) or "") or self._entries.get(canonical(bare) or "")

    def _enabled(self, name: str) -> _Entry:
        entry = self._meant(name)
        if entry is None or not entry.account.is_enabled:
            raise LoginRefused(REFUSED, f"{show_name(name)}: unknown or disabled")
        return entry

    def _check_free(self, address: str) -> None:
        if address in self._entries or address in self._aliases:
            raise NameTaken(f"{show_name(address)} exists already")
