"""Senders rewritten, and led back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.mail.address import Address, parse_mailbox
from postane.sinks.srs import DAYS_VALID, BadRewriting, restore, rewrite

SECRET, NOW = b"secret", 1_700_000_000.0
ANNA = Address("anna", "example.org")
DAY = 86400.0


def test_the_form() -> None:
    made = rewrite(ANNA, "home.test", SECRET, NOW)
    kind, digest, stamp, domain, local_part = made.local_part.split("=")
    assert (kind, len(digest), len(stamp), domain, local_part) == ("SRS0", 6, 2, "example.org", "anna")
    assert made.domain == "home.test"


@given(st.text("abz.=+-019_", min_size=1, max_size=30), st.floats(0, 4e9))
def test_it_is_led_back(local_part: str, now: float) -> None:
    sender = Address(f"x{local_part}", "example.org")
    made = rewrite(sender, "home.test", SECRET, now)
    assert restore(made, SECRET, now) == sender
    assert restore(parse_mailbox(str(made)), SECRET, now + DAYS_VALID * DAY) == sender
    shouted = Address(made.local_part.upper(), made.domain)
    assert str(restore(shouted, SECRET, now)).lower() == str(sender).lower()


def test_a_second_host_does_not_make_it_longer() -> None:
    first = rewrite(ANNA, "one.test", b"1", NOW)
    second = rewrite(first, "two.test", b"2", NOW)
    third = rewrite(second, "three.test", b"3", NOW)
    assert second.local_part.startswith("SRS1=")
    assert "one.test" in third.local_part
    assert "two.test" not in third.local_part
    assert restore(second, b"2", NOW) == first
    assert restore(third, b"3", NOW) == first
    assert len(third.local_part) == len(second.local_part)


def test_one_of_our_own_stays() -> None:
    assert rewrite(Address("anna", "Home.Test"), "home.test", SECRET, NOW) == Address("anna", "Home.Test")
    assert rewrite(Address("postmaster"), "home.test", SECRET, NOW) == Address("postmaster")


@pytest.mark.parametrize(
    "local_part", ["anna", "SRS0=x", "SRS1=x=y", "SRS0=AAAAAA=AA=example.org=anna", "SRS1=AAAAAA=x==y", "SRS0====", "="]
)
def test_what_we_did_not_make(local_part: str) -> None:
    with pytest.raises(BadRewriting):
        restore(Address(local_part, "home.test"), SECRET, NOW)


def test_one_that_is_too_old() -> None:
    made = rewrite(ANNA, "home.test", SECRET, NOW)
    for days in (DAYS_VALID + 1, 300):
        with pytest.raises(BadRewriting, match="too old"):
            restore(made, SECRET, NOW + days * DAY)
    with pytest.raises(BadRewriting, match="not made here"):
        restore(made, b"other", NOW)
