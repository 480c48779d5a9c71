import argon2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postane.accounts import hashes
from postane.accounts.hashes import FULL, LIGHT, PASSWORD_LIMIT, BadPassword, Cost

TINY = Cost(memory=8, passes=1)  # for tests of everything but the cost


def test_the_default_is_what_owasp_asks_for():
    found = argon2.extract_parameters(hashes.hash_password("secret"))
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (argon2.Type.ID, 19 * 1024, 2, 1)
    assert (found.salt_len, found.hash_len) == (16, 32)


def test_two_hashes_of_one_password_differ():
    assert hashes.hash_password("secret", TINY) != hashes.hash_password("secret", TINY)


@settings(max_examples=50)
@given(st.binary(max_size=100), st.binary(max_size=100))
def test_a_hash_fits_its_password_alone(octets, others):
    password, other = (each.decode("utf-8", "surrogateescape") for each in (octets, others))
    stored = hashes.hash_password(password, TINY)
    assert hashes.verify(stored, password)
    assert hashes.verify(stored, other) == (octets == others)


@pytest.mark.parametrize(
    "stored", ["", "x", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$", "{SSHA}", "$6$", "!"]
)
def test_a_damaged_hash_fits_nothing(stored):
    assert not hashes.verify(stored, "")
    assert not hashes.verify(stored, "secret")


def test_octets_of_a_password():
    assert hashes.octets_of("ü") == b"\xc3\xbc"
    assert hashes.octets_of("a\udcff") == b"a\xff"
    assert hashes.octets_of("\ud800") == b"\xed\xa0\x80"


@pytest.mark.parametrize("password", ["", "x" * (PASSWORD_LIMIT + 1), "ü" * PASSWORD_LIMIT, "a\r", "a\nb", "\0"])
def test_passwords_that_no_program_can_send_are_refused_without_being_told(password):
    with pytest.raises(BadPassword) as caught:
        hashes.checked(password)
    assert not password or password not in str(caught.value)


def test_a_password_is_kept_in_the_form_in_which_it_is_compared():
    assert hashes.checked("Ⅸ\u00adx") == "IXx"  # RFC 6856 s2.2
    assert hashes.checked("a\udcff") == "a\udcff"
    assert hashes.checked("\U0001f512") == "\U0001f512"
    for password, is_stored in (("a\tb", False), ("\U0001f512", True)):
        with pytest.raises(BadPassword, match="SASLprep"):
            hashes.checked(password, is_stored=is_stored)


def test_the_longest_password_fits_into_a_pass_command():
    password = hashes.checked("x" * PASSWORD_LIMIT)
    assert len(f"PASS {password}\r\n") == 255  # RFC 2449 s4


@pytest.mark.parametrize(
    ("stored", "cost"),
    [
        (hashes.hash_password("x", TINY), TINY),
        (hashes.hash_password("x", LIGHT), LIGHT),
        (argon2.PasswordHasher(1, 16, 2).hash("x"), None),
        (argon2.PasswordHasher(1, 8, 1, type=argon2.Type.I).hash("x"), None),
        ("{SHA}abc", None),
    ],
    ids=["tiny", "light", "two lanes", "argon2i", "not argon2"],  # a salted hash would be another name in each process
)
def test_the_cost_of_a_hash(stored, cost):
    assert hashes.cost_of(stored) == cost
    assert hashes.needs_upgrade(stored)


def argon2id(memory: int, passes: int, lanes: int = 1) -> str:
    """A hash that says so of itself."""
    return f"$argon2id$v=19$m={memory},t={passes},p={lanes}$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43


@pytest.mark.parametrize(
    ("memory", "passes"),
    [(FULL.memory, FULL.passes - 1), (FULL.memory - 1, FULL.passes), (FULL.memory // 2, FULL.passes * 4)],
)
@pytest.mark.parametrize("lanes", [1, 4])
def test_a_weaker_hash_is_to_be_replaced(memory, passes, lanes):
    assert hashes.needs_upgrade(argon2id(memory, passes, lanes))


def test_a_hash_of_an_older_argon2_is_to_be_replaced():
    assert hashes.needs_upgrade(argon2id(FULL.memory, FULL.passes).replace("v=19", "v=16"))


@pytest.mark.parametrize(
    ("memory", "passes", "lanes"),
    [
        (FULL.memory, FULL.passes, 1),
        (FULL.memory, FULL.passes + 1, 1),
        (FULL.memory + 1, FULL.passes, 1),
        (46 * 1024, 1, 1),  # OWASP's equal of FULL
        (64 * 1024, 3, 4),  # RFC 9106 s4, the second recommended
    ],
)
def test_a_stronger_hash_stays(memory, passes, lanes):
    assert not hashes.needs_upgrade(argon2id(memory, passes, lanes))


def test_a_new_hash_needs_no_upgrade():
    assert not hashes.needs_upgrade(hashes.hash_password("x"))


@pytest.mark.parametrize("stored", [None, LIGHT, FULL])
def test_every_failure_is_the_same_work(stored, monkeypatch):
    text = None if stored is None else hashes.hash_password("secret", stored)
    work = [] if stored is None else [stored]
    monkeypatch.setattr(hashes, "hash_password", lambda password, cost: work.append(cost))
    assert not hashes.check(text, "wrong")
    assert sorted(work, key=lambda cost: cost.memory) == [LIGHT, FULL]


def test_success_is_told():
    assert hashes.check(hashes.hash_password("secret", TINY), "secret")
