"""SCRAM keys: derived when a password is set, kept sealed, and found at a login at the same cost for every name.

SCRAM (RFC 5802, RFC 7677) is held with keys of the user's own password and of each device password. Its 4096 rounds
guard a password far worse than the argon2id beside it: whoever copied the database would attack the keys, not the hash.
So they are sealed with the key file outside the database like device passwords, for some microseconds a login, and a
copy of the database alone gives away no more than its argon2id hashes. Who has both files can try passwords at the
speed of SCRAM (decision 0010).

A client is told one salt before it shows which password it has: it is derived of the key file and the name, for a name
that nobody has too, and so is not kept. An account whose hash was imported gets keys at its first login in clear text.

Must not know: the exchange (`sasl/scram`), how accounts are changed.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from postane.sasl.base import KeyPair, ScramDigest
from postane.sasl.scram import derive_pair

from .base import Account, AccountsUnavailable, Proof, ScramEntry
from .devices import Vault, credential_of
from .hashes import octets_of
from .partial import SCRAM_ITERATIONS, Decoys, Salts

OWN = ""
"""Stands where a device's label would, for the account's own password."""

KeyRing = Mapping[ScramDigest, KeyPair]
"""The keys of one password, for each digest."""

Rings = Mapping[tuple[str, str], KeyRing]
"""Key rings by account and label."""

KEEP = "INSERT OR REPLACE INTO scram VALUES (?, ?, ?, ?)"
"""Takes what `KeyMaker.seal` gives; after the password: a trigger removes the old one's keys."""

_SALTS = "scram salts"
_ANY_SEALED = "SELECT 1 WHERE EXISTS (SELECT 1 FROM device) OR EXISTS (SELECT 1 FROM scram)"
_KEYS = "SELECT label, keys FROM scram WHERE account = :name AND digest = :digest"
_COUNT = "SELECT count(*) FROM scram WHERE account = :name AND label = :label"
_LACKING = (
    "SELECT label FROM device WHERE account = :name AND"  # noqa: S608 - our own number
    f" (SELECT count(*) FROM scram WHERE scram.account = :name AND scram.label = device.label) < {len(ScramDigest)}"
)
_COUNTS = (
    "SELECT (SELECT count(*) FROM scram WHERE label = '' AND digest = 'sha256'),"
    " (SELECT count(*) FROM account WHERE password IS NOT NULL)"
)
_ANY_KEYS = "SELECT account, label, digest, keys FROM scram LIMIT 1"

_NOBODY = ""
"""A name that no account can have."""

Ask = Callable[[str, dict[str, str]], Sequence[Any]]
"""Puts a question to the database."""


def derive(password: str, name: str, salts: Salts) -> KeyRing:
    """The keys of a password of the account `name`: a tenth of the work of a full hash."""
    octets = octets_of(password)
    return {digest: derive_pair(octets, salts.of(name, digest), SCRAM_ITERATIONS, digest) for digest in ScramDigest}


def seal(vault: Vault, owner: tuple[str, str], digest: ScramDigest, pair: KeyPair) -> bytes:
    """What is stored of keys: they open for this owner (account and label) and digest alone. Raises
    AccountsUnavailable."""
    account, label = owner
    return vault.seal(account, _name(digest, label), pair.stored_key + pair.server_key)


def unseal(vault: Vault, owner: tuple[str, str], digest: ScramDigest, sealed: bytes) -> KeyPair:
    """The keys again. Raises AccountsUnavailable."""
    account, label = owner
    octets = vault.open(account, _name(digest, label), sealed)
    size = hashlib.new(digest.value, usedforsecurity=False).digest_size
    return KeyPair(octets[:size], octets[size:])


def _name(digest: ScramDigest, label: str) -> str:
    return f"\0scram {digest} {label}"  # no device can be called so


class KeyMaker:
    """Makes the key file, and with it keys and what is stored of them."""

    def __init__(self, vault: Vault, ask: Ask) -> None:
        self._vault = vault
        self._ask = ask

    def make_key(self) -> None:
        """Make the key file, if it has sealed nothing yet: afterwards a missing one is to be brought back. Raises
        AccountsUnavailable."""
        if not self._ask(_ANY_SEALED, {}):
            self._vault.make_key()

    def salts(self) -> Salts | None:
        """The salts of all names. None where the key file cannot be used: passwords can be changed all the same, and
        their first login in clear text tries again."""
        try:
            self.make_key()
            return Salts(self._vault.derive(_SALTS))
        except AccountsUnavailable:
            return None

    def ring(self, name: str, password: str) -> KeyRing:
        """The keys of a password; none where the key file cannot be used."""
        salts = self.salts()
        return {} if salts is None else derive(password, name, salts)

    def seal(self, rings: Rings) -> list[tuple[str, str, str, bytes]]:
        """Rows for KEEP; none where the key file cannot be used."""
        try:
            return [
                (owner[0], digest.value, owner[1], seal(self._vault, owner, digest, pair))
                for owner, ring in rings.items()
                for digest, pair in ring.items()
            ]
        except AccountsUnavailable:
            return []


class ScramSafe:
    """Finds the keys of accounts, and makes decoys for names that have none."""

    def __init__(self, vault: Vault, ask: Ask) -> None:
        self._vault = vault
        self._ask = ask
        self._maker = KeyMaker(vault, ask)
        self._decoys: Decoys | None = None
        self._passing = Decoys()
        self._stand_ins: dict[ScramDigest, bytes] = {}

    def entry(self, name: str, account: Account | None, digest: ScramDigest) -> ScramEntry:
        """The keys of an account, or a decoy for `name` where there are none.

        Both are the same work: a question, a seal opened, a decoy made; each further password of an account is one seal
        more, some microseconds. A disabled account gets as many decoys. Raises AccountsUnavailable, for every name,
        where keys cannot be opened.
        """
        decoys = self._trusted_decoys()
        if decoys is None:
            return self._passing.entry(name, digest)
        known = _NOBODY if account is None else account.name
        found = self._ask(_KEYS, {"name": known, "digest": digest.value})
        decoy = decoys.entry(known or name, digest, len(found) or 1)
        if account is None or not found:
            unseal(self._vault, (_NOBODY, OWN), digest, self._stand_in(digest, decoy.keys.pairs[0]))
            return decoy
        pairs = tuple(unseal(self._vault, (known, label), digest, sealed) for label, sealed in found)
        if not account.is_enabled:
            return decoy
        proofs = tuple(Proof(account, credential_of(label)) for label, _ in found)
        return ScramEntry(replace(decoy.keys, pairs=pairs), proofs)

    def is_complete(self, name: str, label: str = OWN) -> bool:
        """Whether there are keys of a password for every digest."""
        return int(self._ask(_COUNT, {"name": name, "label": label})[0][0]) == len(ScramDigest)

    def lacking(self, name: str) -> list[str]:
        """The devices of an account that have not all their keys: they are older than SCRAM here."""
        return [label for (label,) in self._ask(_LACKING, {"name": name})]

    def serves_most(self) -> bool:
        """Whether at least half of the users' own passwords have keys.

        A mail program takes SCRAM where it is offered, fails without keys, and mostly tries nothing else: after an
        import of hashes it must not be offered. That one account never logs in must not close it for all others.
        """
        with_keys, passwords = self._ask(_COUNTS, {})[0]
        return 2 * int(with_keys) >= int(passwords)

    def _trusted_decoys(self) -> Decoys | None:
        """Decoys by a key that all workers share and that outlives them, made of the key file.

        While nobody has keys there may be no such file, and one that cannot be made is no harm, since every name gets a
        decoy: None. Where somebody has keys, the file must be the one that they were sealed with.
        """
        if self._decoys is None:
            sealed = self._ask(_ANY_KEYS, {})
            try:
                for account, label, digest, keys in sealed:
                    unseal(self._vault, (account, label), ScramDigest(digest), keys)
                if not sealed:
                    self._maker.make_key()
                self._decoys = Decoys(self._vault.derive(_SALTS))
            except AccountsUnavailable:
                if sealed:
                    raise
        return self._decoys

    def _stand_in(self, digest: ScramDigest, pair: KeyPair) -> bytes:
        """Something sealed to open where there are no keys."""
        if digest not in self._stand_ins:
            self._stand_ins[digest] = seal(self._vault, (_NOBODY, OWN), digest, pair)
        return self._stand_ins[digest]
