import multiprocessing
import os
import stat

import pytest

from postane.accounts import devices
from postane.accounts.base import AccountsUnavailable
from postane.accounts.devices import ALPHABET, Vault, apop_digest, cram_digest, generate_secret, is_same, match


@pytest.fixture
def path(tmp_path):
    return tmp_path / "storage" / "device.key"


@pytest.fixture
def vault(path):
    vault = Vault(path)
    vault.make_key()
    return vault


def test_a_sealed_secret_opens_again(vault, path):
    sealed = vault.seal("mrose", "phone", b"tanstaaf")
    assert b"tanstaaf" not in sealed
    assert Vault(path).open("mrose", "phone", sealed) == b"tanstaaf"
    assert vault.seal("mrose", "phone", b"tanstaaf") != sealed


@pytest.mark.parametrize(("account", "label"), [("anna", "phone"), ("mrose", "scanner"), ("mrose\0phone", "")])
def test_it_opens_for_its_own_device_alone(vault, account, label):
    with pytest.raises(AccountsUnavailable):
        vault.open(account, label, vault.seal("mrose", "phone", b"tanstaaf"))


@pytest.mark.parametrize(
    "damage", [lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]), lambda sealed: sealed[:5], lambda sealed: b""]
)
def test_a_damaged_one_does_not_open(vault, damage):
    with pytest.raises(AccountsUnavailable):
        vault.open("mrose", "phone", damage(vault.seal("mrose", "phone", b"tanstaaf")))


def test_the_key_is_32_random_octets_for_its_owner_alone(vault, path):
    assert len(path.read_bytes()) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["device.key"]
    key = path.read_bytes()
    vault.make_key()
    assert path.read_bytes() == key, "a key that is there stays"


def _make(path, barrier):
    barrier.wait()
    Vault(path).make_key()


def test_processes_that_make_it_at_once_get_one_key(path):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    workers = [context.Process(target=_make, args=(path, barrier)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    assert [each.name for each in path.parent.iterdir()] == ["device.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_key_that_others_may_touch_is_refused(vault, path, mode):
    path.chmod(mode)
    with pytest.raises(AccountsUnavailable) as caught:
        Vault(path).seal("mrose", "phone", b"tanstaaf")
    assert f"its mode is {mode:04o}" in caught.value.log
    assert "chmod 600" in caught.value.log
    assert str(path) not in caught.value.text, "a client is not told of paths"


@pytest.mark.parametrize("octets", [b"", b"x" * 31, b"x" * 33])
def test_a_key_of_another_size_is_refused(path, vault, octets):
    path.write_bytes(octets)
    with pytest.raises(AccountsUnavailable, match="32 octets"):
        Vault(path).seal("mrose", "phone", b"tanstaaf")


def test_a_missing_key_is_told_and_not_replaced(path, vault):
    path.unlink()
    with pytest.raises(AccountsUnavailable, match="No such file"):
        Vault(path).seal("mrose", "phone", b"tanstaaf")
    assert not path.exists()


def test_a_full_disk_leaves_no_half_key(path, monkeypatch):
    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(AccountsUnavailable, match="No space left"):
        Vault(path).make_key()
    assert list(path.parent.iterdir()) == []


def test_generated_secrets_are_long_and_easy_to_type():
    for _ in range(100):
        groups = generate_secret().split("-")
        assert [len(group) for group in groups] == [4] * 5
        assert set("".join(groups)) <= set(ALPHABET)
    assert not set("ilo01IO") & set(ALPHABET)
    assert len(ALPHABET) ** 20 > 2**80


def test_the_digest_of_rfc_1939():
    assert apop_digest("<1896.697170952@dbc.mtview.ca.us>", b"tanstaaf") == b"c4c9334bac560ecc979e58001b3e22fb"


def test_comparison():
    assert is_same(b"abc", b"abc")
    assert not is_same(b"abc", b"abd")
    assert not is_same(b"abc", b"abcd")


def test_the_digest_of_rfc_2195():
    challenge = b"<1896.697170952@postoffice.reston.mci.net>"
    assert cram_digest(challenge, b"tanstaaftanstaaf") == b"b913a602c7eda7a495b4e6e7334d3890"


def test_a_derived_key_is_the_same_as_long_as_the_key_file_is(vault, path):
    key = vault.derive("decoys")
    assert Vault(path).derive("decoys") == key
    assert vault.derive("something else") != key
    assert key != path.read_bytes()
    path.write_bytes(b"x" * 32)
    assert Vault(path).derive("decoys") != key
    path.unlink()
    with pytest.raises(AccountsUnavailable, match="No such file"):
        Vault(path).derive("decoys")


@pytest.fixture
def sealed(vault):
    return [(label, vault.seal("mrose", label, label.encode())) for label in ("one", "two", "three")]


@pytest.mark.parametrize(("answer", "label"), [(b"one", "one"), (b"three", "three"), (b"four", None), (b"", None)])
def test_the_device_that_answers(vault, sealed, answer, label):
    assert match(vault, "mrose", sealed, answer, lambda secret: secret) == (label, None)
    digest = cram_digest(b"<challenge>", answer)
    assert match(vault, "mrose", sealed, digest, lambda secret: cram_digest(b"<challenge>", secret)) == (label, None)


@pytest.mark.parametrize(("count", "compared"), [(0, 1), (1, 1), (3, 3)])
@pytest.mark.parametrize("answer", [b"one", b"three", b"wrong"])
def test_all_devices_are_compared_and_a_decoy_where_there_are_none(vault, sealed, count, compared, answer, monkeypatch):
    asked, made, opened, cipher = [], [], [], Vault._cipher
    monkeypatch.setattr(devices, "is_same", lambda left, right: asked.append(right) or is_same(left, right))
    monkeypatch.setattr(Vault, "_cipher", lambda vault: opened.append(1) or cipher(vault))
    match(vault, "mrose", sealed[:count], answer, lambda secret: made.append(secret) or secret)
    assert (len(asked), len(made), len(opened)) == (compared, compared, compared)


def test_a_decoy_is_never_right(vault):
    assert match(vault, "mrose", [], b"answer", lambda secret: secret) == (None, None)


def test_a_decoy_needs_no_key(tmp_path):
    vault = Vault(tmp_path / "missing")
    assert match(vault, "nobody", [], b"answer", lambda secret: secret) == (None, None)


def test_a_secret_that_does_not_open_is_told_and_the_others_are_tried(vault, sealed):
    broken = ("broken", sealed[0][1])
    label, trouble = match(vault, "mrose", [broken, *sealed], b"two", lambda secret: secret)
    assert label == "two"
    assert "device 'broken' of 'mrose'" in trouble.log
