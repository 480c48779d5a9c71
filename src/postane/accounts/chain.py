"""Several account stores as one, asked in their order: the first that knows a name decides about it.

What keeps people apart is that an account of a later store is nobody where an earlier store knows its name: it does not
log in, gets no mail and reads nothing, since the maildrop of that name is the other's. A store that cannot be asked may
know any name: those that an earlier store knows go on, all others wait until it can be asked again.

Must not know: what the stores are made of.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import fields, replace

from postane.sasl.base import Means, ScramDigest

from .base import Account, AccountStore, AccountsUnavailable, LoginRefused, Proof, ScramEntry, Spread
from .names import bare_name, canonical, fold_domain, show_name
from .partial import REFUSED, PartialAccounts

SCRAM_MEANS = {ScramDigest.SHA_1: Means.SCRAM_SHA_1, ScramDigest.SHA_256: Means.SCRAM_SHA_256}
_SCRAM = frozenset(SCRAM_MEANS.values())

_TOKENS = frozenset({Means.TOKEN})
"""All that a store can do which has no accounts of its own."""

_INABILITY = {
    Means.PASSWORD: "takes no passwords",
    Means.SECRET: "knows no secrets: it can check neither APOP nor CRAM-MD5",
    Means.OUTSIDE: "takes nobody's word for it",
}
"""Why a store does not vouch for a name of its own."""


class ChainAccounts(PartialAccounts):
    """An AccountStore of `stores`, all of which are told the same `own_domains`. It closes them.

    Mail programs take SCRAM where it is offered, fail where their account has no keys, and mostly try nothing else.
    What is offered cannot depend on who comes: so it is where every store that takes passwords has it, or, with
    `scram_of_any`, any of them, for an operator who wants it so.
    """

    def __init__(
        self, stores: Sequence[AccountStore], *, own_domains: tuple[str, ...] = (), scram_of_any: bool = False
    ) -> None:
        super().__init__()
        self._stores = tuple(stores)
        self._scram_of_any = scram_of_any
        self._each: tuple[frozenset[Means], ...] = ()  # what they said last, and what that is together
        self._means = frozenset[Means]()
        self._own_domains = frozenset(fold_domain(domain) for domain in own_domains)

    @property
    def means(self) -> frozenset[Means]:
        """See AccountStore. What any of them can, but for SCRAM."""
        each = tuple(store.means for store in self._stores)
        if each != self._each:
            self._each, self._means = each, self._join(each)
        return self._means

    async def verify_password(self, name: str, password: str) -> Proof:
        """See AccountStore. A name that nobody knows is refused by one of them, with the work that this costs there."""
        return await self._verify(name, Means.PASSWORD, lambda store: store.verify_password(name, password))

    def recall(self, name: str, password: str) -> Proof | None:
        """See AccountStore. Of those that know names the first alone: it decides about whom it knows."""
        first = self._first
        return None if first is None else first.recall(name, password)

    async def verify_apop(self, name: str, stamp: str, digest: str) -> Proof:
        """See AccountStore."""
        return await self._verify(name, Means.SECRET, lambda store: store.verify_apop(name, stamp, digest))

    def recall_apop(self, name: str, stamp: str, digest: str) -> Proof | None:
        """See AccountStore. As `recall`."""
        first = self._first
        return None if first is None else first.recall_apop(name, stamp, digest)

    def recall_cram(self, name: str, challenge: bytes, digest: str) -> Proof | None:
        """See AccountStore. As `recall`."""
        first = self._first
        return None if first is None else first.recall_cram(name, challenge, digest)

    async def verify_cram(self, name: str, challenge: bytes, digest: str) -> Proof:
        """See AccountStore."""
        return await self._verify(name, Means.SECRET, lambda store: store.verify_cram(name, challenge, digest))

    async def scram(self, name: str, digest: ScramDigest) -> ScramEntry:
        """See AccountStore. All decoys are those of one store, the first that has such keys of anybody."""
        owner = await self._owner(name)
        if owner is not None and SCRAM_MEANS[digest] in owner.means:
            entry = await owner.scram(name, digest)
            if not entry.proofs or await self._is_owner(owner, entry.proofs[0].account):
                return entry
        able = self._first_with(SCRAM_MEANS[digest])
        entry = self._decoys.entry(name, digest)
        if able is None:
            return entry
        shown = (await able.scram(name, digest)).keys  # of somebody else of that name, it may be: never the keys
        return ScramEntry(replace(entry.keys, salt=shown.salt, iterations=shown.iterations), ())

    async def verify_token(self, name: str | None, token: str) -> Proof:
        """See AccountStore. Whoever takes tokens is asked, since a token need not say whose it is."""
        trouble: AccountsUnavailable | LoginRefused | None = None
        for store in self._stores:
            if Means.TOKEN not in store.means:
                continue
            try:
                proof = await store.verify_token(name, token)
                known = await store.find(proof.account.name)
                if known is None or await self._is_owner(store, proof.account):  # None: it speaks for another's account
                    return proof
            except AccountsUnavailable as error:
                trouble = error
            except LoginRefused as error:
                trouble = trouble or error
        raise trouble or self._refusal(name or "", "nobody takes this token")

    async def admit(self, name: str, credential: str) -> Proof:
        """See AccountStore."""
        return await self._verify(name, Means.OUTSIDE, lambda store: store.admit(name, credential))

    async def find(self, name: str) -> Account | None:
        """See AccountStore."""
        for store in self._stores:
            if account := await store.find(name):
                return account
        return None

    async def resolve(self, local_part: str, domain: str | None) -> Account | None:
        """See AccountStore. Whoever has that very name goes before everybody's aliases and catch-alls."""
        owner = await self._owner(local_part if domain is None else f"{local_part}@{domain}")
        first: tuple[AccountStore, ...] = () if owner is None else (owner,)
        for store in (*first, *self._stores):
            account = await store.resolve(local_part, domain)
            if account is not None and await self._is_owner(store, account):
                return account
        return None

    def recall_address(self, local_part: str, domain: str) -> Account | None:
        """See AccountStore. Of the first that knows names alone, and only by the account's own name: what is an alias
        there, or in a catch-all's domain, may be the very name of somebody in a later store."""
        first = self._first
        account = None if first is None else first.recall_address(local_part, domain)
        if account is None:
            return None
        address = f"{local_part}@{domain}"
        if canonical(address) == account.name:
            return account
        bare = bare_name(address, self._own_domains)
        return account if bare is not None and canonical(bare) == account.name else None

    async def shared_with(self, reader: str, owner: str) -> Account | None:
        """See AccountStore. Only accounts of the same store have leave to read each other's."""
        store = await self._owner_of_very_name(owner)
        if store is None or await self._owner_of_very_name(reader) is not store:
            return None
        return await store.shared_with(reader, owner)

    async def is_local(self, domain: str) -> bool:
        """See AccountStore."""
        trouble = None
        for store in self._stores:
            try:
                if await store.is_local(domain):
                    return True
            except AccountsUnavailable as error:
                trouble = error
        if trouble is not None:
            raise trouble
        return False

    async def spread(self) -> Spread:
        """See AccountStore."""
        return _join_spreads([await store.spread() for store in self._stores])

    def recall_spread(self) -> Spread | None:
        """See AccountStore. Where all of them know theirs."""
        known = [store.recall_spread() for store in self._stores]
        spreads = [spread for spread in known if spread is not None]
        return _join_spreads(spreads) if len(spreads) == len(known) else None

    async def close(self) -> None:
        """See AccountStore."""
        for store in self._stores:
            await store.close()

    async def _verify(self, name: str, means: Means, ask: Callable[[AccountStore], Awaitable[Proof]]) -> Proof:
        owner = await self._owner(name)
        asked = owner if owner is not None and means in owner.means else self._first_with(means)
        if asked is None:
            raise self._refusal(name, "no account store can check this")
        if owner is not None and asked is not owner:
            with suppress(LoginRefused):  # the same work as for a name that nobody knows
                await ask(asked)
            raise self._refusal(name, f"the store that knows this name {_INABILITY[means]}")
        proof = await ask(asked)
        if asked is owner and await self._is_owner(asked, proof.account):
            return proof
        raise self._refusal(name, "the store that knows this name does not vouch for it")

    async def _owner(self, name: str) -> AccountStore | None:
        """The first store that knows whom a client means: mail programs give the whole address of a bare name too."""
        bare = bare_name(name, self._own_domains)
        for store in self._stores:
            if await store.find(name) is not None or (bare is not None and await store.find(bare) is not None):
                return store
            if Means.OUTSIDE in store.means and await _admits(store, name):
                return store
        return None

    async def _owner_of_very_name(self, name: str) -> AccountStore | None:
        for store in self._stores:
            if await store.find(name) is not None:
                return store
        return None

    async def _is_owner(self, store: AccountStore, account: Account) -> bool:
        """Whether no earlier store has an account of that name, and so a maildrop: it is not this one's then."""
        for each in self._stores:
            if each is store:
                return True
            if await each.find(account.name) is not None:
                return False
        return False

    def _join(self, each: Sequence[frozenset[Means]]) -> frozenset[Means]:
        lacking = set[Means]()
        if not self._scram_of_any:
            lacking.update(*(_SCRAM - means for means in each if Means.PASSWORD in means))
        return frozenset[Means]().union(*each) - lacking

    @property
    def _first(self) -> AccountStore | None:
        """The first that knows names."""
        return next((store for store in self._stores if store.means != _TOKENS), None)

    def _first_with(self, means: Means) -> AccountStore | None:
        return next((store for store in self._stores if means in store.means), None)

    def _refusal(self, name: str, why: str) -> LoginRefused:
        return LoginRefused(REFUSED, f"{show_name(name)}: {why}")


def _join_spreads(spreads: Sequence[Spread]) -> Spread:
    joined = {}
    for each in fields(Spread):
        ends = [found for spread in spreads if (found := getattr(spread, each.name)) is not None]
        joined[each.name] = (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None
    return Spread(**joined)


async def _admits(store: AccountStore, name: str) -> bool:
    """Whether a name that is no account's means one all the same, to that store."""
    try:
        await store.admit(name, "name")
    except LoginRefused:
        return False
    return True
