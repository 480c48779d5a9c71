"""Listings as they are sent: a line for each message, its number first (RFC 1939 s5, LIST; s7, UIDL).

One large %-format makes many lines at once, in C. In a long listing a thousand lines differ from the next thousand only
by what stands before the last three digits of their numbers, and so are made of one pattern: 100,000 lines of LIST in
7 ms and not in 14, and of UIDL in 3, as uids mostly follow each other like the numbers.

Must not know: which messages are listed.
"""

from collections.abc import Iterator, Sequence

BLOCK = 1000
"""Lines of a pattern. It begins at a number that ends in as many zeros."""

RUN = 4 * BLOCK
"""Uids that follow each other from which on they are worth a pattern."""


def number_integers(numbers: Sequence[int], entries: Sequence[int], stem: bytes = b"") -> bytes:
    """The lines of entries that are numbers, each with `stem`, which is printable, in front of it."""
    form = b" " + stem.replace(b"%", b"%%") + b"%d\r\n"
    if not isinstance(numbers, range) or numbers.step != 1 or len(numbers) < 2 * BLOCK:
        return _plain(numbers, entries, form)
    pattern = b"".join([b"\0%03d" % low + form for low in range(BLOCK)])
    texts = []
    for at, end in _blocks(numbers):
        if end - at == BLOCK and numbers[at]:
            lines = pattern.replace(b"\0", b"%d" % (numbers[at] // BLOCK))
            texts.append(lines % tuple(entries[at:end]))
        else:
            texts.append(_plain(numbers[at:end], entries[at:end], form))
    return b"".join(texts)


def number_ascending(numbers: range, entries: Sequence[int], stem: bytes) -> bytes:
    """The same where the entries ascend."""
    form = b" " + stem.replace(b"%", b"%%") + b"%d\r\n"
    texts, pattern, made_for = [], b"", -1
    for at, end in _blocks(numbers):
        number, entry = numbers[at], entries[at]
        is_run = end - at == BLOCK and number > 0 and entry >= BLOCK and entries[end - 1] - entry == BLOCK - 1
        low = entry % BLOCK
        if is_run and low != made_for and _is_long_run(entries, at):
            pattern, made_for = _pattern(low, stem), low
        if is_run and low == made_for:
            high = entry // BLOCK
            lines = pattern.replace(b"\0", b"%d" % (number // BLOCK)).replace(b"\1", b"%d" % high)
            texts.append(lines.replace(b"\2", b"%d" % (high + 1)))
        else:
            texts.append(_plain(numbers[at:end], entries[at:end], form))
    return b"".join(texts)


def number_words(numbers: Sequence[int], entries: Sequence[str]) -> bytes:
    """The lines of entries that are words of ASCII."""
    return (("%d %s\r\n" * len(numbers)) % _woven(numbers, entries)).encode("ascii")


def _blocks(numbers: range) -> Iterator[tuple[int, int]]:
    """From where to where they go: up to each number that ends in zeros."""
    at = 0
    while at < len(numbers):
        end = min(at + BLOCK - numbers[at] % BLOCK, len(numbers))
        yield at, end
        at = end


def _is_long_run(entries: Sequence[int], at: int) -> bool:
    return at + RUN <= len(entries) and entries[at + RUN - 1] - entries[at] == RUN - 1


def _pattern(low: int, stem: bytes) -> bytes:
    """A block whose first entry ends in `low`: NUL is for what is before a number's last digits, SOH and STX before an
    entry's, as the thousands change within it."""
    first = [b"\0%03d " % number + stem + b"\1%03d\r\n" % (low + number) for number in range(BLOCK - low)]
    second = [
        b"\0%03d " % number + stem + b"\2%03d\r\n" % (low + number - BLOCK) for number in range(BLOCK - low, BLOCK)
    ]
    return b"".join(first + second)


def _plain(numbers: Sequence[int], entries: Sequence[int], form: bytes) -> bytes:
    return ((b"%d" + form) * len(numbers)) % _woven(numbers, entries)


def _woven(numbers: Sequence[int], entries: Sequence[object]) -> tuple[object, ...]:
    """One of the numbers, one of the entries, and so on."""
    both: list[object] = [None] * (2 * len(numbers))
    both[::2] = numbers
    both[1::2] = entries
    return tuple(both)
