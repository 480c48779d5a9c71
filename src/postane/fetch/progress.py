"""How far an account's run is: numbers that whoever shows them looks at whenever it likes.

Must not know: how they are shown.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import FetchError, Trouble


def tell_of(sink: str, words: str) -> str:
    """What a destination says, with its name in front of it; not twice where it says itself which one it is."""
    kind, _, place = sink.partition(":")
    if words.startswith(f"{kind}:"):
        return words
    if kind == "imap":
        place = place.rpartition("@")[2].partition("/")[0]
    place = place.partition(" for ")[0].removeprefix("unix:")
    return f"{kind}: {words}" if place and place in words else f"{sink}: {words}"


@dataclass(slots=True)
class Progress:
    """One account's run, as it is now. `step` is a word for people. Times are of the clock that it was made with.

    `messages` and `octets` count what has been fetched of `messages_total` and `octets_total`, as far as those are
    known; the rest is what became of messages. `troubles` are what went wrong with single messages, the first few.
    `login_delay`: seconds that the server wants until the next login. `patience`: of each destination that was asked,
    how many messages in a row it may put off yet. `down`: why one of several destinations cannot be used in this run.
    `next_at`: when the account's next run is, where it is watched and
    waits for that. `waits_for`: what others do that a destination has to wait for now.
    """

    account: str
    clock: Callable[[], float] = field(repr=False)
    step: str = "waiting"
    listed: int = 0
    messages: int = 0
    messages_total: int = 0
    octets: int = 0
    octets_total: int = 0
    delivered: int = 0
    present: int = 0
    skipped: int = 0
    deleted: int = 0
    failed: int = 0
    began: float | None = None
    ended: float | None = None
    error: FetchError | None = None
    troubles: list[str] = field(default_factory=list)
    worst: Trouble | None = None
    note: str = ""
    login_delay: float = 0.0
    patience: dict[str, int] = field(default_factory=dict, repr=False)
    down: dict[str, FetchError] = field(default_factory=dict, repr=False)
    next_at: float | None = None
    waits_for: str = ""

    TROUBLES = 10

    def begin(self) -> None:
        """The run begins."""
        self.began = self.clock()

    def end(self, error: FetchError | None = None) -> None:
        """The run is over."""
        self.ended, self.error = self.clock(), error
        self.step = "failed" if error is not None else "done"
        if error is not None:
            self._weigh(error.trouble)

    def fail(self, words: str, trouble: Trouble) -> None:
        """One message stays where it is, and why."""
        self.failed += 1
        self._weigh(trouble)
        if len(self.troubles) < self.TROUBLES:
            self.troubles.append(words)

    def remark(self, words: str) -> None:
        """Something that whoever reads of the run should know; said once."""
        if words not in self.note:
            self.note = f"{self.note}; {words}" if self.note else words

    def put_down(self, sink: str, error: FetchError) -> None:
        """One of several destinations cannot be used any more in this run. The others go on."""
        self.down[sink] = FetchError(f"{tell_of(sink, error.text)}; the other destinations went on", error.trouble)
        self.patience[sink] = 0

    def wait(self, words: str) -> None:
        """A destination waits for this; "": not any more."""
        self.waits_for = words

    @property
    def seconds(self) -> float:
        """How long it has run."""
        if self.began is None:
            return 0.0
        return (self.clock() if self.ended is None else self.ended) - self.began

    def _weigh(self, trouble: Trouble) -> None:
        order = list(Trouble)
        if self.worst is None or order.index(trouble) > order.index(self.worst):
            self.worst = trouble
