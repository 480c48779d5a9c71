"""Hashes in tables of others."""

import pytest

from postane.accounts import foreign, hashes
from postane.accounts.imported import Credential, HashError

SHA512 = "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"
"""Of "password", by mkpasswd."""


@pytest.mark.parametrize(
    ("value", "scheme"),
    [
        (SHA512, "CRYPT"),
        ("{CRYPT}" + SHA512, "PLAIN"),
        ("{SHA512-CRYPT}" + SHA512, "CRYPT"),
        (SHA512, "SHA512-CRYPT"),
        ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "CRYPT"),
        ("5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", "SHA.HEX"),
        ("{PLAIN}password", "CRYPT"),
        ("password", "PLAIN"),
    ],
)
def test_a_password_fits_what_is_stored_of_it(value, scheme):
    stored = foreign.read_stored(value, foreign.check_scheme(scheme))
    assert foreign.fits(stored, "password")
    assert not foreign.fits(stored, "Password")
    assert not foreign.fits(stored, "")


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_stored_fits_nothing(value):
    stored = foreign.read_stored(value, "PLAIN")
    assert stored == Credential()
    for password in ("", "None", "password"):
        assert not foreign.fits(stored, password)


def test_an_empty_password_in_clear_fits_nothing():
    assert not foreign.fits(foreign.read_stored("{PLAIN}", "CRYPT"), "")


@pytest.mark.parametrize("scheme", ["", "{UNKNOWN}", "{SHA}", "$1$", "{SHA512-CRYPT}"])
def test_what_cannot_be_read_is_no_password_in_clear(scheme):
    with pytest.raises(HashError) as caught:
        foreign.read_stored(f"{scheme}hunter2", "CRYPT")
    assert "hunter2" not in str(caught.value)


def test_a_scheme_is_known_in_any_case():
    assert foreign.check_scheme("sha512-crypt") == "SHA512-CRYPT"
    with pytest.raises(HashError, match=r"'MD4' is no scheme: there are .*SSHA512"):
        foreign.check_scheme("MD4")


def test_a_stronger_hash_is_one_that_others_read_too():
    made = foreign.stronger("password")
    assert made.startswith("{ARGON2ID}$argon2id$")
    stored = foreign.read_stored(made, "PLAIN")
    assert foreign.fits(stored, "password")
    assert not foreign.needs_upgrade(stored)


@pytest.mark.parametrize("value", [SHA512, "{PLAIN}password", hashes.hash_password("password", hashes.LIGHT)])
def test_weaker_ones_are_to_be_replaced(value):
    assert foreign.needs_upgrade(foreign.read_stored(value, "CRYPT"))


def test_what_is_stored_is_not_shown():
    assert "hunter2" not in repr(foreign.read_stored("{PLAIN}hunter2", "CRYPT"))
