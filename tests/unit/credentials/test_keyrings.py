"""Passwords in the system's keyring: a keyring of the tests', and the errors that the library knows."""

import sys

import keyring
import pytest
from keyring.errors import InitError, KeyringLocked, NoKeyringError

from postane.credentials.base import NoSecret, Secret, SecretKind
from postane.credentials.keyrings import Keyring, KeyringSecret


class Ring(keyring.backend.KeyringBackend):
    """A keyring that is gone with its test."""

    priority = 1

    def __init__(self):
        super().__init__()
        self.kept = {}
        self.error = None

    def get_password(self, service, username):
        if self.error:
            raise self.error
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        del self.kept[service, username]


@pytest.fixture
def ring():
    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


async def test_what_is_kept(ring):
    ring.kept["pop.example.org", "mrose"] = "tanstaaf"
    source = KeyringSecret("pop.example.org", "mrose")
    await source.refuse()
    assert await source.get() == Secret(SecretKind.PASSWORD, "tanstaaf")


async def test_nothing_is_kept(ring):
    with pytest.raises(NoSecret, match=r"no password of mrose for mail: keyring set mail mrose"):
        await KeyringSecret("mail", "mrose").get()


@pytest.mark.parametrize(
    ("error", "words", "may_pass"),
    [
        (NoKeyringError("none"), "there is no keyring here .*password = { file", False),
        (KeyringLocked("by its user"), r"the keyring is locked \(by its user\): unlock it", True),
        (InitError("no bus"), r"the keyring does not answer \(no bus\)", False),
        (InitError(), r"the keyring does not answer \(InitError\)", False),
    ],
)
async def test_a_keyring_that_cannot_be_used(ring, error, words, may_pass):
    ring.error = error
    with pytest.raises(NoSecret, match=words) as caught:
        await KeyringSecret("mail", "mrose").get()
    assert caught.value.may_pass is may_pass


async def test_no_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(NoSecret, match="pip install keyring"):
        await Keyring("mail").get("mrose")


async def test_keeping_and_removing(ring):
    mail = Keyring("mail")
    await mail.put("mrose", "one")
    await mail.put("mrose", "two")
    assert await mail.get("mrose") == "two"
    await mail.remove("mrose")
    await mail.remove("mrose")
    assert await mail.get("mrose") is None
