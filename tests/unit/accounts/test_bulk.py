import pytest

from postane.accounts import bulk
from postane.accounts.bulk import Line, Problem, cost_for, hash_lines, parse_lines
from postane.accounts.hashes import FULL, LIGHT, cost_of, verify
from postane.accounts.imported import Credential
from postane.accounts.partial import SCRAM_ITERATIONS, Salts
from postane.sasl.base import ScramDigest
from postane.sasl.scram import derive_pair

SALTS = Salts(b"k" * 32)


def names(octets):
    lines, problems = parse_lines(octets)
    assert problems == []
    return [(line.number, line.name, line.credential.password) for line in lines]


def problems(octets):
    return parse_lines(octets)[1]


@pytest.mark.parametrize(
    ("octets", "read"),
    [
        (b"", []),
        (b"anna:secret", [(1, "anna", "secret")]),
        (b"anna:secret\nben:other\n", [(1, "anna", "secret"), (2, "ben", "other")]),
        (b"anna:secret\r\nben:other\r\n", [(1, "anna", "secret"), (2, "ben", "other")]),
        (b"# people\n\n  \t\nanna:secret\n", [(4, "anna", "secret")]),
        (b"\xef\xbb\xbfanna:secret\n", [(1, "anna", "secret")]),
        (b"Anna@Example.org:a:b:c\n", [(1, "anna@example.org", "a:b:c")]),
        (b"anna: with space \n", [(1, "anna", " with space ")]),
        (b"anna:#hash\n", [(1, "anna", "#hash")]),
        ("şükrü:şifre\n".encode(), [(1, "şükrü", "şifre")]),
        (b"anna:\xff\xfe\n", [(1, "anna", "\udcff\udcfe")]),
        (b"anna:{PLAIN}{x}\n", [(1, "anna", "{x}")]),
    ],
)
def test_lines(octets, read):
    assert names(octets) == read


@pytest.mark.parametrize(
    ("octets", "number", "words"),
    [
        (b"\n\nanna\n", 3, "no colon"),
        (b"anna:\n", 1, "empty"),
        (b"anna:{PLAIN}\n", 1, "empty"),
        (b":secret\n", 1, "not a name"),
        (b"an na:secret\n", 1, "a space"),
        (b"../anna:secret\n", 1, "dot"),
        (b"\xff:secret\n", 1, "\\udcff"),
        (b"anna:" + b"x" * 300, 1, "longer"),
        (b"anna:a\rb\n", 1, "line end"),
        (b"anna:secret\nben:x\nANNA:other\n", 3, "in line 1 already"),
        (b"anna:{UNKNOWN}x\n", 1, "known are"),
        (b"anna:$6$salt$short\n", 1, "damaged"),
    ],
)
def test_problems(octets, number, words):
    (problem,) = problems(octets)
    assert problem.number == number
    assert words in problem.text
    assert problem.text.isprintable()


def test_all_problems_are_told_and_no_password():
    found = problems(b"anna secret1\nb b:secret2\nben:{WHAT}secret3\nfine:secret4\nfine:secret5\n")
    assert [problem.number for problem in found] == [1, 2, 3, 5]
    assert not any("secret" in problem.text for problem in found)


def test_hashes_are_taken_as_they_are():
    (line,) = parse_lines(b"anna:{SSHA}irN1UprNwGtboQqHvrXPJla38t5o0SYm\n")[0]
    (entry,) = hash_lines([line], FULL, SALTS, lambda: None)
    assert (entry.name, entry.hash) == ("anna", "{SSHA}irN1UprNwGtboQqHvrXPJla38t5o0SYm")


def test_passwords_are_hashed_in_their_order():
    lines, _ = parse_lines(b"".join(b"user%d:secret%d\n" % (n, n) for n in range(20)))
    ready = []
    entries = hash_lines(lines, LIGHT, SALTS, lambda: ready.append(1))
    assert [entry.name for entry in entries] == [f"user{n}" for n in range(20)]
    assert all(verify(entry.hash, f"secret{n}") for n, entry in enumerate(entries))
    assert {cost_of(entry.hash) for entry in entries} == {LIGHT}
    assert len(ready) == 20


@pytest.mark.parametrize(("passwords", "cost"), [(0, FULL), (bulk.LIGHT_OVER, FULL), (bulk.LIGHT_OVER + 1, LIGHT)])
def test_many_passwords_get_the_light_cost(passwords, cost):
    lines = [Line(n, f"user{n}", Credential(password="x")) for n in range(passwords)]
    lines += [Line(n, f"hashed{n}", Credential(hash="{SHA}")) for n in range(2000)]
    assert cost_for(lines) == cost


def test_passwords_of_the_full_cost_get_keys_and_those_of_the_light_one_none():
    lines, _ = parse_lines(b"anna:secret\nben:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n")
    anna, ben = hash_lines(lines, FULL, SALTS, lambda: None)
    assert set(anna.keys) == set(ScramDigest)
    for digest, keys in anna.keys.items():
        assert keys == derive_pair(b"secret", SALTS.of("anna", digest), SCRAM_ITERATIONS, digest)
    assert ben.keys == {}, "nobody knows the password"
    assert hash_lines(lines, LIGHT, SALTS, lambda: None)[0].keys == {}
    assert hash_lines(lines, FULL, None, lambda: None)[0].keys == {}, "without a key file"


def test_a_password_is_hashed_in_the_form_in_which_it_is_compared():
    lines, _ = parse_lines("anna:{PLAIN}\u2168\u00adx\n".encode())  # RFC 4013 s3
    (entry,) = hash_lines(lines, LIGHT, SALTS, lambda: None)
    assert verify(entry.hash, "IXx")


def test_a_problem_is_a_value():
    assert Problem(1, "x") == Problem(1, "x")
