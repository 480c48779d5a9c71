"""Random words."""

from postane.server.tokens import OCTETS, WORDS, Tokens


def test_no_word_is_given_twice() -> None:
    first, second = Tokens(), Tokens()
    given = [tokens() for _ in range(3 * WORDS + 1) for tokens in (first, second)]
    assert len(set(given)) == len(given)
    assert {len(bytes.fromhex(word)) for word in given} == {OCTETS}


def test_they_are_drawn_anew_for_each_process_and_each_block() -> None:
    """Every digit is any digit: no prefix and no counter that somebody could go on with."""
    tokens = Tokens()
    given = [tokens() for _ in range(2 * WORDS)]
    for place in range(2 * OCTETS):
        assert len({word[place] for word in given}) == 16
