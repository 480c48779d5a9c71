"""One name of one kind, or none: a certificate without the expected name proves nobody (CVE-2019-3814)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postane.net.client_names import NameKind, Nameless, account_named
from support.certificates import Authority, Wish, der

NOW = datetime.now(UTC)


def named(folder: Path, wish: Wish, kind: NameKind) -> str:
    return account_named(der(Authority(folder).issue("client", wish).chain), kind, NOW)


@pytest.mark.parametrize(
    ("wish", "kind", "name"),
    [
        (Wish(emails=["Anna@Example.org"]), NameKind.EMAIL, "anna@example.org"),
        (Wish(subject_email="anna@example.org", common="x"), NameKind.EMAIL, "anna@example.org"),
        (Wish(subject_email="A@example.org", emails=["a@example.org"]), NameKind.EMAIL, "a@example.org"),
        (Wish(common="Anna", emails=["b@example.org"]), NameKind.COMMON_NAME, "anna"),
        (Wish(dns=["anna.example.org"], emails=["a@b", "c@d"]), NameKind.DNS, "anna.example.org"),
    ],
)
def test_the_name_of_the_kind_that_is_asked_for(tmp_path: Path, wish: Wish, kind: NameKind, name: str) -> None:
    assert named(tmp_path, wish, kind) == name


@pytest.mark.parametrize(
    ("wish", "kind", "why"),
    [
        (Wish(common="anna", dns=["anna"]), NameKind.EMAIL, "0 names"),
        (Wish(emails=["anna@example.org"]), NameKind.COMMON_NAME, "0 names"),
        (Wish(emails=["anna@example.org"]), NameKind.DNS, "0 names"),
        (Wish(emails=["a@example.org", "b@example.org"]), NameKind.EMAIL, "2 names"),
        (Wish(emails=["a@example.org"], subject_email="b@example.org"), NameKind.EMAIL, "2 names"),
        (Wish(dns=["a.example", "b.example"]), NameKind.DNS, "2 names"),
        (Wish(dns=["*.example"]), NameKind.DNS, "characters"),
        (Wish(common="anna\0.evil"), NameKind.COMMON_NAME, r"characters .*\\x00"),
        (Wish(common="anna\n"), NameKind.COMMON_NAME, "characters"),
        (Wish(common=" anna"), NameKind.COMMON_NAME, "characters"),
        (Wish(common="\u212aate"), NameKind.COMMON_NAME, "would become others"),
        (Wish(common="\uff4bate"), NameKind.COMMON_NAME, "would become others"),
        (Wish(emails=["a" * 400 + "@example.org"]), NameKind.EMAIL, "characters"),
        (Wish(common="anna", begins=-9, ends=-1), NameKind.COMMON_NAME, "expired"),
    ],
)
def test_no_name_where_there_is_any_doubt(tmp_path: Path, wish: Wish, kind: NameKind, why: str) -> None:
    with pytest.raises(Nameless, match=why):
        named(tmp_path, wish, kind)


def test_it_has_expired_since_the_session_that_is_gone_on_with(tmp_path: Path) -> None:
    shown = der(Authority(tmp_path).issue("client", Wish(common="anna", ends=2)).chain)
    assert account_named(shown, NameKind.COMMON_NAME, NOW) == "anna"
    with pytest.raises(Nameless, match="expired"):
        account_named(shown, NameKind.COMMON_NAME, NOW + timedelta(days=3))


def test_a_name_is_not_cut_at_a_nul(tmp_path: Path) -> None:
    shown = der(Authority(tmp_path).issue("client", Wish(emails=["anna@example.org|evil.example"])).chain)
    with pytest.raises(Nameless, match=r"characters .*anna@example\.org\\x00evil"):
        account_named(shown.replace(b"org|evil", b"org\0evil"), NameKind.EMAIL, NOW)


def test_octets_that_are_no_certificate() -> None:
    with pytest.raises(Nameless, match="cannot be read"):
        account_named(b"0\x03\x02\x01\x00", NameKind.EMAIL, NOW)
