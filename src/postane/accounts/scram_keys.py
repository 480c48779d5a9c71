"""SCRAM keys: derived when a password is set, kept sealed, and found at a login at the same cost for every name.

SCRAM (RFC 5802, RFC 7677) is held with keys of the user's own password. Its 4096 rounds guard a password far worse
than the argon2id beside it: whoever copied the database would attack the keys, not the hash. So they are sealed with
the key file outside the database like device passwords, for some microseconds a login, and a copy of the database alone
gives away no more than its argon2id hashes. Who has both files can try passwords at the speed of SCRAM (decision 0010).

Keys need the password in clear text: an account whose hash was imported gets them at its first login by one.

Must not know: the exchange (`sasl/scram`), how accounts are changed.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from postane.sasl.base import ScramDigest, ScramKeys
from postane.sasl.scram import derive_keys

from .base import Account, AccountsUnavailable, Proof, ScramEntry
from .devices import Vault
from .hashes import octets_of
from .partial import SCRAM_ITERATIONS, Decoys

SALT_OCTETS = 16
"""RFC 7677 s3 shows as many; random for each password and digest (RFC 5802 s5.1)."""

KeyRing = Mapping[ScramDigest, ScramKeys]
"""The keys of one password, for each digest."""

ANY_SEALED = "SELECT 1 WHERE EXISTS (SELECT 1 FROM device) OR EXISTS (SELECT 1 FROM scram)"
"""A row if anything is sealed with the key file."""

_KEYS = "SELECT keys FROM scram WHERE account = :name AND digest = :digest"
_COUNT = "SELECT count(*) FROM scram WHERE account = :name"
_ANY_KEYS = "SELECT account, digest, keys FROM scram LIMIT 1"

_COUNT_OCTETS = 4
_NOBODY = ""
"""A name that no account can have."""


def derive(password: str) -> KeyRing:
    """New keys for a password, with new salts: a tenth of the work of a full hash."""
    octets = octets_of(password)
    return {
        digest: derive_keys(octets, secrets.token_bytes(SALT_OCTETS), SCRAM_ITERATIONS, digest)
        for digest in ScramDigest
    }


def seal(vault: Vault, account: str, digest: ScramDigest, keys: ScramKeys) -> bytes:
    """What is stored of keys: they open for this account and digest alone. Raises AccountsUnavailable."""
    count = keys.iterations.to_bytes(_COUNT_OCTETS, "big")
    return vault.seal(account, _label(digest), count + keys.stored_key + keys.server_key + keys.salt)


def unseal(vault: Vault, account: str, digest: ScramDigest, sealed: bytes) -> ScramKeys:
    """The keys again. Raises AccountsUnavailable."""
    octets = vault.open(account, _label(digest), sealed)
    size = hashlib.new(digest.value, usedforsecurity=False).digest_size
    stored, server = _COUNT_OCTETS + size, _COUNT_OCTETS + 2 * size
    count = int.from_bytes(octets[:_COUNT_OCTETS], "big")
    return ScramKeys(octets[server:], count, octets[_COUNT_OCTETS:stored], octets[stored:server])


def _label(digest: ScramDigest) -> str:
    return f"\0scram {digest}"  # no device can be called so


class ScramSafe:
    """Finds the keys of accounts, and makes decoys for names that have none. `ask` puts a question to the database."""

    def __init__(self, vault: Vault, ask: Callable[[str, dict[str, str]], Sequence[Any]]) -> None:
        self._vault = vault
        self._ask = ask
        self._decoys: Decoys | None = None
        self._passing = Decoys()
        self._stand_ins: dict[ScramDigest, bytes] = {}

    def entry(self, name: str, account: Account | None, digest: ScramDigest) -> ScramEntry:
        """The keys of an account, or a decoy for `name` where there are none.

        Both are the same work: a question, a seal opened, a decoy made. A disabled account keeps its salt, so that
        nobody sees when it is disabled. Raises AccountsUnavailable, for every name, where keys cannot be opened.
        """
        decoys = self._trusted_decoys()
        if decoys is None:
            return self._passing.entry(name, digest)
        decoy = decoys.entry(name, digest)
        found = self._ask(_KEYS, {"name": _NOBODY if account is None else account.name, "digest": digest.value})
        if account is None or not found:
            unseal(self._vault, _NOBODY, digest, self._stand_in(digest, decoy.keys))
            return decoy
        keys = unseal(self._vault, account.name, digest, found[0][0])
        if not account.is_enabled:
            return ScramEntry(replace(decoy.keys, salt=keys.salt, iterations=keys.iterations), None)
        return ScramEntry(keys, Proof(account, "password"))

    def is_complete(self, name: str) -> bool:
        """Whether the account has keys for every digest."""
        return int(self._ask(_COUNT, {"name": name})[0][0]) == len(ScramDigest)

    def _trusted_decoys(self) -> Decoys | None:
        """Decoys by a key that all workers share and that outlives them, made of the key file.

        While nobody has keys there may be no such file, and one that cannot be made is no harm, since every name gets a
        decoy: None. Where somebody has keys, the file must be the one that they were sealed with.
        """
        if self._decoys is None:
            sealed = self._ask(_ANY_KEYS, {})
            try:
                for account, digest, keys in sealed:
                    unseal(self._vault, account, ScramDigest(digest), keys)
                if not sealed and not self._ask(ANY_SEALED, {}):
                    self._vault.make_key()
                self._decoys = Decoys(self._vault.derive("scram decoys"))
            except AccountsUnavailable:
                if sealed:
                    raise
        return self._decoys

    def _stand_in(self, digest: ScramDigest, keys: ScramKeys) -> bytes:
        """Something sealed to open where there are no keys."""
        if digest not in self._stand_ins:
            self._stand_ins[digest] = seal(self._vault, _NOBODY, digest, keys)
        return self._stand_ins[digest]
