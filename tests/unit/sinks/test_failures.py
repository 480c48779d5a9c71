"""What the system's errors mean for a destination."""

import errno

import pytest

from postane.sinks.base import Outcome, SinkError
from postane.sinks.failures import deferred, in_words, refused, told_as


def test_an_error_names_its_file() -> None:
    assert in_words(OSError(2, "No such file", "/x")) == "No such file: /x"
    assert in_words(OSError(2, "No such file")) == "No such file"
    assert in_words(OSError("odd")) == "odd"


@pytest.mark.parametrize(
    ("number", "may_pass"), [(errno.EACCES, False), (errno.EROFS, False), (errno.ENOSPC, True), (errno.EIO, True)]
)
def test_some_errors_need_a_person(number: int, may_pass: bool) -> None:
    with pytest.raises(SinkError, match="it fails: why") as raised, told_as("it fails"):
        raise OSError(number, "why")
    assert raised.value.may_pass is may_pass


def test_outcomes() -> None:
    assert deferred("a").outcome is Outcome.DEFERRED
    assert refused("a").outcome is Outcome.REFUSED
