"""CR LF made LF, whatever the split."""

from hypothesis import given
from hypothesis import strategies as st

from postane.sinks.line_ends import LineEnds, with_line_ends


@given(st.lists(st.text("\r\nx", max_size=4).map(str.encode)))
def test_any_split_gives_the_same(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    assert b"".join(with_line_ends(chunks, LineEnds.LF)) == whole.replace(b"\r\n", b"\n")
    assert b"".join(with_line_ends(chunks, LineEnds.CRLF)) == whole


def test_what_stands_alone_stays() -> None:
    assert b"".join(with_line_ends([b"a\r", b"\r\nb\n\r"], LineEnds.LF)) == b"a\r\nb\n\r"
