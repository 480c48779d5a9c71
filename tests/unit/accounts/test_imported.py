"""The hashes were made by other programs: Dovecot's `doveadm pw`, `openssl passwd`."""

import re

import bcrypt
import pytest

from postane.accounts import imported
from postane.accounts.hashes import octets_of, verify
from postane.accounts.imported import HashError, parse

PASSWORD = "tanstaaf ü"

MADE_ELSEWHERE = [
    "{ARGON2I}$argon2i$v=19$m=32768,t=3,p=1$LKO3O5r4eAzEvWscwJsdow$2g/0r1IpdqIA+7GhNRs1mlhbuOLqFaUwu59z+uNoe78",
    "{BLF-CRYPT}$2y$04$wDtYDpU.N/YQbbBykDLdYuM1cbjAXVGnL37OjNtXOmqzO50eEdnyu",
    "{SHA512-CRYPT}$6$zGQ8DtIGSHkfKe1p$orPs5SeOfS5hNs0slhGnpsNAU8TMrrFiCFX17PXM/YgP6d0Q61ZYslWU3u3UJnhZ1k0Gob9lw4UiJhfpNmTu2/",
    "{SHA256-CRYPT}$5$fCx0dtNZtJXH5cO/$A5p12x3cVSwgiS5XeZlqyem9CsNeEQZO9dvb/OorcJ.",
    "{MD5-CRYPT}$1$h5Uk4IX7$SG52bGO68cIKcazrQFBxQ0",
    "{CRYPT}$2y$05$hJC.t8lxH19Clyb1PuZ7GOBMsyHbfftIpdsiFI9IrXtG/7DfD6Mpi",
    "{SHA}mOhF2bZZAmc92U3e+EuFSf9nJmQ=",
    "{SSHA}irN1UprNwGtboQqHvrXPJla38t5o0SYm",
    "{SHA256}dn0RSGyctaQL3nB3Y0WyAuD+sXN5LqHljtWTzhR09Go=",
    "{SSHA256}ruDKYa5rfKi6BIKCcwakr07R84ol5WeLFE+Jp/hndpreap6/",
    "{SHA512}w2FnrnMySfvzhPCp6uKzWFYyh/LKCg+qbRq3o43exCXhTMy+osDAiPhx6i41MrIK7OfM1V+BN1XXnSE1N72aAg==",
    "{SSHA512}0EIocs4YkAuwe30nSL6tsyP6EjcURCLRF/mXxBwAi3QL2hJ7l4FZFszAVrgD9kEQny9BPjgOjB6MY2gPwMywC1tw0TI=",
    "{SSHA256.HEX}12a2258df0dd8ed9e8d077ec5b4cab43e55ebf1a84920c74a167bbb22c4ce37f4c2d0b0f",
    "{SHA512.HEX}c36167ae733249fbf384f0a9eae2b358563287f2ca0a0faa6d1ab7a38ddec425e14cccbea2c0c088f871ea2e3532b20aece7ccd55f813755d79d213537bd9a02",
    "$6$kurt$y0PdV6gJLhPNB30nGcPd0fxtkwvJ.rmAG.pbmYAxWUgsx8pGoP.uq0/lLqxPtFYgW9RiuI1hqIflmHunxcXbl.",
]


@pytest.mark.parametrize("value", MADE_ELSEWHERE, ids=lambda value: value[:14])
def test_a_hash_made_elsewhere_fits_its_password_alone(value):
    stored = parse(value).hash
    assert stored is not None
    assert parse(stored).hash == stored
    assert verify(stored, PASSWORD)
    for wrong in ("", "tanstaaf", PASSWORD + "x", PASSWORD + "\0", "\udcff", "x" * 10_000):
        assert not verify(stored, wrong)


@pytest.mark.parametrize("scheme", ["{ssha}", "{Ssha}", "{SSHA.b64}"])
def test_schemes_are_written_in_any_case(scheme):
    assert parse(f"{scheme}irN1UprNwGtboQqHvrXPJla38t5o0SYm").hash == "{SSHA}irN1UprNwGtboQqHvrXPJla38t5o0SYm"


@pytest.mark.parametrize(
    ("value", "password"),
    [
        ("secret", "secret"),
        ("{PLAIN}secret", "secret"),
        ("{plain}{SSHA}x", "{SSHA}x"),
        ("{CLEARTEXT}$6$x", "$6$x"),
        ("{", "{"),
        ("{}x", "{}x"),
        ("{not a scheme}x", "{not a scheme}x"),
        ("$ecret", "$ecret"),
        ("$9$", "$9$"),
    ],
)
def test_clear_text_is_to_be_hashed(value, password):
    credential = parse(value)
    assert (credential.password, credential.hash) == (password, None)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("{SCRAM-SHA-256}4096,abc", "known are ARGON2ID"),
        ("{PBKDF2}$1$salt$5000$abc", "known are ARGON2ID"),
        ("{CRYPT}abJnggxhB/yWI", "known are ARGON2ID"),  # DES
        ("$y$j9T$salt$abc", "cannot be read"),
        ("$2x$05$abc", "cannot be read"),
        ("{SSHA}", "damaged"),
        ("{SSHA}!!!!", "damaged"),
        ("{SSHA}mOhF2bZZAmc92U3e+EuFSf9nJmQ=", "damaged"),  # no salt
        ("{SHA}irN1UprNwGtboQqHvrXPJla38t5o0SYm", "damaged"),  # with salt
        ("{SSHA.UTF7}abc", "may be .B64 or .HEX"),
        ("{SHA512-CRYPT}$5$salt$abc", "begins with $6$"),
        ("{BLF-CRYPT}secret", "begins with $2a$"),
        ("$2y$05$short", "60 characters"),
        ("$2y$31$" + "a" * 53, "too much"),
        ("$6$salt$short", "damaged"),
        ("$6$salt$" + "a" * 86 + ":1000:1000", "damaged"),
        ("$6$rounds=999999999$salt$" + "a" * 86, "rounds"),
        ("$1$salt$short", "damaged"),
        ("$argon2id$v=19$m=8", "damaged"),
        ("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$", "damaged"),
        ("$argon2id$v=19$m=8388608,t=1,p=1$c2FsdHNhbHQ$c2FsdHNhbHQ", "too much"),
        ("$argon2id$v=19$m=8,t=100000,p=1$c2FsdHNhbHQ$c2FsdHNhbHQ", "too much"),
    ],
)
def test_what_cannot_be_taken_over_is_refused_without_being_told(value, words):
    with pytest.raises(HashError, match=re.escape(words)) as caught:
        parse(value)
    assert value == "{SSHA}" or value not in str(caught.value)
    assert "salt" not in str(caught.value).replace("its salt", "")


def test_bcrypt_looks_at_72_octets_as_everywhere():
    stored = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert imported.verify(stored, b"x" * 100)
    assert not imported.verify(stored, b"x" * 71)


def test_nothing_secret_is_shown():
    shown = repr(parse("secret")) + repr(parse(MADE_ELSEWHERE[-1]))
    assert "secret" not in shown
    assert "kurt" not in shown


def test_the_schemes_are_those_of_the_examples():
    shown = {value[1:].partition("}")[0].partition(".")[0] for value in MADE_ELSEWHERE if value.startswith("{")}
    assert shown | {"ARGON2ID", "PLAIN"} == set(imported.schemes())
    assert octets_of(PASSWORD) == b"tanstaaf \xc3\xbc"
