"""Keys as they stand in people's mail: the form never changes."""

from postane.sinks.keys import MARK_LENGTH, by_mark, field_line, mark


def test_the_form_is_what_it_always_was() -> None:
    assert mark("work/uidl-1") == "33925e242838b1acc505f0bf7c2403df"
    assert len(mark("")) == MARK_LENGTH
    assert field_line("work/uidl-1") == b"X-Postane-Fetch: 33925e242838b1acc505f0bf7c2403df\r\n"


def test_keys_are_found_by_their_marks() -> None:
    assert by_mark(["a", "b"]) == {mark("a"): "a", mark("b"): "b"}
