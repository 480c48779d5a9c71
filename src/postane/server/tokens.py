"""Random words: what sessions are called by, and what makes greetings and challenges new each time.

RFC 1939 s7 wants a stamp that is another one for each greeting, RFC 5802 s5.1 a nonce that nobody can foretell. They
are cut from the system's randomness, of which a block is drawn at a time.

Must not know: what they are used for.
"""

import secrets

OCTETS = 6
"""Of a word: 48 bits, twice as many hexadecimal digits."""

WORDS = 256
"""Drawn at a time."""


class Tokens:
    """Random words of one process, which must not fork any more: its child would give the same ones."""

    __slots__ = ("_words",)

    def __init__(self) -> None:
        self._words: list[str] = []

    def __call__(self) -> str:
        """The next one. Two are alike by chance alone: once in 2**48 pairs."""
        if not self._words:
            digits = secrets.token_hex(OCTETS * WORDS)
            self._words = [digits[start : start + 2 * OCTETS] for start in range(0, len(digits), 2 * OCTETS)]
        return self._words.pop()
