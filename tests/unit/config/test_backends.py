"""[[accounts]]: one class a kind."""

import pytest
from pydantic import ValidationError

from postane.config.backends import KINDS, LocalBackend, PamBackend, PasswdFileBackend, _OfSomeKind, parse_backend
from postane.config.model import Config


def backends(*tables: object) -> tuple[object, ...]:
    return Config.model_validate({"accounts": tables}).accounts


def test_where_nothing_is_said_the_accounts_are_those_of_postane_user():
    assert Config().accounts == (LocalBackend(),)


def test_several_are_kept_in_their_order():
    assert backends({"kind": "pam"}, {"kind": "passwd-file", "path": "/p"}, {"kind": "local"}) == (
        PamBackend(kind="pam"),
        PasswdFileBackend(kind="passwd-file", path="/p"),
        LocalBackend(),
    )


def test_a_value_is_taken_as_it_is():
    assert backends(PamBackend(kind="pam", first_uid=5)) == (PamBackend(kind="pam", first_uid=5),)


def test_every_kind_can_be_written():
    with pytest.raises(ValidationError, match="'" + "'.*'".join(KINDS) + "'"):
        parse_backend({"kind": "none"})
    assert all(_OfSomeKind.model_validate({"kind": kind}).kind == kind for kind in KINDS)
    assert all(KINDS[kind].model_fields["kind"] for kind in KINDS)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"kind": "oauth"}, "give one of them"),
        ({"kind": "ldap", "url": "a", "base": "b", "bind_dn": "c"}, "bind_dn and password_file belong together"),
        ({"kind": "oauth", "jwks": "a", "introspection": "https://b.example"}, "give one of them"),
        ({"kind": "oauth", "jwks": "a", "issuer": "b"}, "issuer and audience"),
        ({"kind": "pam", "first_uid": -1}, "0"),
        ({"kind": "pam", "first_uid": 70000}, "last_uid is below first_uid"),
        ({"kind": "ldap", "url": "u", "base": "b", "timeout": 0}, "greater than 0"),
        ({"kind": ["local"]}, "'local'"),
        ({}, "Field required"),
        (3, "in a line of its own"),
    ],
)
def test_what_cannot_be_is_refused(table, words):
    with pytest.raises(ValidationError, match=words):
        backends(table)


def test_every_required_key_has_an_example():
    lacking = [
        f"{kind}.{name}"
        for kind, model in KINDS.items()
        for name, field in model.model_fields.items()
        if field.is_required() and name != "kind" and not field.examples
    ]
    assert not lacking
