"""What clients will see of a certificate, and what is amiss with it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postane.net.shown import complaints, shown
from postane.net.tls import BadCertificate, Certificate
from support.certificates import Authority, Wish

NOW = datetime.now(UTC)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    made = Authority(tmp_path).issue("own", Wish(dns=["a.example", "*.B.example"], ends=30, begins=-1))
    made.key.chmod(0o600)
    return made


def test_for_whom_and_how_long(certificate: Certificate) -> None:
    seen = shown(certificate)
    assert seen.names == ("a.example", "*.b.example")
    assert str(seen) == f"{certificate.chain}, for a.example, *.b.example, until {seen.until:%Y-%m-%d}"


def test_for_nobody(tmp_path: Path) -> None:
    seen = shown(Authority(tmp_path).issue("own", Wish(common="somebody")))
    assert "for no host name" in str(seen)


@pytest.mark.parametrize(
    ("days", "words"), [(0, None), (29, None), (31, "expired on"), (365, "expired on"), (-2, "is not good before")]
)
def test_when_it_is_good(certificate: Certificate, days: int, words: str | None) -> None:
    found = list(complaints(certificate, NOW + timedelta(days=days)))
    assert len(found) == (words is not None)
    assert all(words in each and str(certificate.chain) in each for each in found if words)


@pytest.mark.parametrize(("mode", "is_open"), [(0o600, False), (0o640, False), (0o644, True), (0o660, True)])
def test_a_key_that_others_can_read_or_change(certificate: Certificate, mode: int, is_open: bool) -> None:
    certificate.key.chmod(mode)
    expected = [f"{certificate.key} is open to others (mode {mode:04o}): chmod 600 {certificate.key}"]
    assert list(complaints(certificate, NOW)) == (expected if is_open else [])


def test_what_has_gone_is_told(certificate: Certificate) -> None:
    certificate.key.unlink()
    with pytest.raises(BadCertificate, match="cannot look at the key"):
        list(complaints(certificate, NOW))
    certificate.chain.unlink()
    with pytest.raises(BadCertificate, match="cannot read the certificate"):
        shown(certificate)
