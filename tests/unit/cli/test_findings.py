"""Findings as values."""

from postane.cli.findings import Finding, Severity, error, fine, warning


def test_how_bad_it_is() -> None:
    assert fine("disk", "much room") == Finding(Severity.OK, "disk", "much room", "")
    assert warning("disk", "little room", "make room").severity is Severity.WARNING
    assert error("disk", "no room", "make room") == Finding(Severity.ERROR, "disk", "no room", "make room")
