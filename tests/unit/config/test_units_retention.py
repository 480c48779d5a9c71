import math

import pytest

from postane.config.units import format_retention, parse_retention


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("never", math.inf), ("30d", 30 * 86400.0), ("36h", 129600.0), ("1ms", 0.001), ("0", 0.0), (0, 0.0)],
)
def test_times_to_keep_messages(text, seconds):
    assert parse_retention(text) == seconds
    assert parse_retention(format_retention(seconds)) == seconds


@pytest.mark.parametrize(
    "text", ["30", 30, 30.0, "", "soon", "Never", "-1d", True, None, math.nan, "1000000000000w", []]
)
def test_a_number_alone_is_refused_because_it_may_be_meant_as_days(text):
    with pytest.raises(ValueError, match="is not a time to keep messages"):
        parse_retention(text)
