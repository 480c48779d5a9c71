"""A journal in memory, for tests and for whoever keeps no state: what it knows ends with the process.

Must not know: files.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .base import Compared, Counts, Entry, JournalError, Listed, Step


@dataclass(slots=True)
class _Account:
    entries: dict[str, Entry] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    is_running: bool = False
    last_run: float | None = None
    run: "MemoryRun | None" = None


class MemoryRun:
    """See Run."""

    def __init__(self, account: str, known: _Account, clock: Callable[[], float]) -> None:
        self._name = account
        self._known = known
        self._clock = clock
        self._listing: dict[int, Listed] | None = None
        self._new: set[str] = set()  # keys that this listing was the first to have
        self.is_suspect = known.is_running

    async def take_listing(self, listing: AsyncIterator[Sequence[Listed]], *, spared: str = "") -> Sequence[Listed]:
        """See Run."""
        self._check()
        self._listing = None
        taken = [each async for piece in listing for each in piece]
        times = Counter(each.key for each in taken)
        once = [each for each in taken if times[each.key] == 1]
        self._forget(key for key in self._known.entries if not times[key] and not (spared and key.startswith(spared)))
        self._listing, self._new = {}, set()
        self._note(once)
        return sorted((each for each in taken if times[each.key] > 1), key=lambda each: each.number)

    async def rekey(self, listed: Sequence[Listed]) -> None:
        """See Run."""
        self._check()
        self._note(listed)
        here = {each.key for each in (self._listing or {}).values()}
        self._forget(key for key in self._known.entries if key not in here)

    def _forget(self, keys: Iterable[str]) -> None:
        entries = self._known.entries
        for key in [key for key in keys if entries[key].step is Step.DELETED]:
            del entries[key]

    def _note(self, listed: Iterable[Listed]) -> None:
        now, entries = self._clock(), self._known.entries
        assert self._listing is not None, "there is a listing to add to"
        for each in listed:
            self._listing.setdefault(each.number, each)
            if each.key in entries:
                entries[each.key] = replace(entries[each.key], listed=now)
            else:
                entries[each.key] = Entry(self._name, each.key, Step.SEEN, each.octets, now, now)
                self._new.add(each.key)

    async def compare(self, *, steps: Collection[Step | None], piece: int = 1000) -> AsyncIterator[Sequence[Compared]]:
        """See Run."""
        self._check()
        found: list[Compared] = []
        for _, each in sorted((self._listing or {}).items()):
            compared = self._compared(each)
            if compared.step in steps:
                found.append(compared)
            if len(found) == piece:
                yield found
                found = []
        if found:
            yield found

    def _compared(self, listed: Listed) -> Compared:
        entry = self._known.entries[listed.key]
        step = self._step(entry)
        return Compared(listed, step, entry.seen, entry.delivered, entry.attempts, entry.sinks, entry.octets)

    def _step(self, entry: Entry) -> Step | None:
        return None if entry.step is Step.SEEN and entry.key in self._new else entry.step

    async def count(self) -> Mapping[Step | None, int]:
        """See Run."""
        self._check()
        return Counter(self._compared(each).step for each in (self._listing or {}).values())

    async def record_fetched(self, keys: Iterable[str]) -> None:
        """See Run."""
        self._record(keys, lambda entry, now: replace(entry, step=Step.FETCHED, fetched=now))

    async def record_sink(self, keys: Iterable[str], sink: str) -> None:
        """See Run."""
        self._record(keys, lambda entry, now: replace(entry, sinks=tuple(dict.fromkeys([*entry.sinks, sink]))))

    async def record_delivered(self, keys: Iterable[str]) -> None:
        """See Run."""
        step = Step.DELIVERED
        self._record(keys, lambda entry, now: replace(entry, step=step, delivered=now, reason="", sinks=()))

    async def record_failed(self, reasons: Mapping[str, str]) -> None:
        """See Run."""
        self._record(reasons, lambda entry, now: replace(entry, reason=reasons[entry.key], attempts=entry.attempts + 1))

    async def record_skipped(self, reasons: Mapping[str, str]) -> None:
        """See Run."""
        self._record(reasons, lambda entry, now: replace(entry, step=Step.SKIPPED, reason=reasons[entry.key]))

    async def record_deleted(self, keys: Iterable[str]) -> None:
        """See Run."""
        self._record(keys, lambda entry, now: replace(entry, step=Step.DELETED, deleted=now))

    def _record(self, keys: Iterable[str], change: Callable[[Entry, float], Entry]) -> None:
        self._check()
        now, entries = self._clock(), self._known.entries
        for key in keys:
            entries[key] = change(entries.get(key) or Entry(self._name, key, Step.SEEN, 0, now, now), now)

    async def remember(self, name: str, value: str) -> None:
        """See Run."""
        self._check()
        self._known.words[name] = value

    async def recall(self, name: str) -> str | None:
        """See Run."""
        self._check()
        return self._known.words.get(name)

    async def finish(self, *, is_clean: bool) -> None:
        """See Run."""
        if self._known.run is not self:
            return
        self._known.run = None
        if is_clean:
            self._known.is_running = False
            self._known.last_run = self._known.last_run if self._listing is None else self._clock()

    def _check(self) -> None:
        if self._known.run is not self:
            raise JournalError("the run of this account is over: begin another one")


class MemoryJournal:
    """See Journal. Closed, it has still what it knew, and may be used again."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._accounts: dict[str, _Account] = {}

    async def begin(self, account: str) -> MemoryRun:
        """See Journal."""
        self._check(account)
        known = self._accounts.setdefault(account, _Account())
        known.run = run = MemoryRun(account, known, self._clock)
        known.is_running = True
        return run

    async def counts(self) -> Sequence[Counts]:
        """See Journal."""
        return [
            Counts(name, Counter(entry.step for entry in known.entries.values()), known.last_run, not known.is_running)
            for name, known in sorted(self._accounts.items())
        ]

    async def entries(self, account: str, *, steps: Collection[Step] = ()) -> AsyncIterator[Entry]:
        """See Journal."""
        for entry in list(self._accounts.get(account, _Account()).entries.values()):
            if not steps or entry.step in steps:
                yield entry

    async def forget(self, account: str, keys: Collection[str] | None = None) -> int:
        """See Journal."""
        self._check(account)
        if keys is None:
            return len(self._accounts.pop(account, _Account()).entries)
        entries = self._accounts.get(account, _Account()).entries
        return len([entries.pop(key) for key in set(keys) if key in entries])

    async def prune(self, account: str, before: float) -> int:
        """See Journal."""
        self._check(account)
        entries = self._accounts.get(account, _Account()).entries
        return len([entries.pop(key) for key, entry in list(entries.items()) if entry.listed < before])

    async def close(self) -> None:
        """See Journal. Runs that have not ended stay suspect."""
        for known in self._accounts.values():
            known.run = None

    def _check(self, account: str) -> None:
        known = self._accounts.get(account)
        if known is not None and known.run is not None:
            text = f"{account} is in use by another run: wait until that has ended, then try again"
            raise JournalError(text, may_pass=True)
