"""PAM's own library, with modules that read files of ours."""

import ctypes.util
from concurrent.futures import ThreadPoolExecutor

import pytest

from postane.accounts.libpam import Answer, LibraryMissing, Pam, Word
from support.file_houses import PamKeeper, require_module


@pytest.fixture
def keeper(tmp_path) -> PamKeeper:
    require_module("pam_pwdfile.so")
    keeper = PamKeeper(tmp_path)
    keeper.add("mrose", password="secret")
    return keeper


@pytest.fixture
def pam(keeper) -> Pam:
    return Pam(keeper.service.name, keeper.service.folder)


def described(tmp_path, *lines: str) -> Pam:
    (tmp_path / "described").write_text("".join(f"{line}\n" for line in lines))
    return Pam("described", tmp_path)


def test_a_password(pam):
    assert pam.check_password("mrose", b"secret") == Answer(Word.YES, "Success")
    assert pam.check_password("mrose", b"wrong").word is Word.NO
    assert pam.check_password("nobody", b"secret").word is Word.NO


def test_the_account_must_be_allowed_too(pam, keeper):
    assert pam.check_account("mrose").word is Word.YES
    keeper.set_enabled("mrose", False)
    assert pam.check_account("mrose").word is Word.NO
    assert pam.check_password("mrose", b"secret").word is Word.NO


def test_an_account_whose_password_is_to_be_changed_stays_outside(tmp_path):
    """PAM_NEW_AUTHTOK_REQD is no success."""
    require_module("pam_debug.so")
    pam = described(tmp_path, "auth required pam_permit.so", "account required pam_debug.so acct=new_authtok_reqd")
    assert pam.check_password("mrose", b"secret").word is Word.NO


@pytest.mark.parametrize(
    ("code", "word"),
    [("success", Word.YES), ("auth_err", Word.NO), ("maxtries", Word.NO), ("authinfo_unavail", Word.UNAVAILABLE)],
)
def test_what_modules_say(tmp_path, code, word):
    require_module("pam_debug.so")
    pam = described(tmp_path, f"auth required pam_debug.so auth={code}", "account required pam_permit.so")
    assert pam.check_password("mrose", b"secret").word is word


@pytest.mark.parametrize("line", ["auth required pam_nothing_of_this_name.so", "auth requ"])
def test_a_broken_service_lets_nobody_in(tmp_path, line):
    pam = described(tmp_path, line, "account required pam_permit.so")
    assert pam.check_password("mrose", b"secret").word is not Word.YES


def test_a_service_that_is_not_there_cannot_be_asked(tmp_path):
    with pytest.raises(OSError, match="cannot start the service nothing"):
        Pam("nothing", tmp_path).check_password("mrose", b"secret")


def test_no_failure_makes_a_thread_sleep(tmp_path):
    """pam_faildelay asks for a minute; the test's own limit would notice."""
    require_module("pam_faildelay.so")
    pam = described(tmp_path, "auth optional pam_faildelay.so delay=600000000", "auth required pam_deny.so")
    assert pam.check_password("mrose", b"secret").word is Word.NO


def test_only_a_hidden_prompt_is_answered(tmp_path, keeper):
    assert described(tmp_path, "account required pam_permit.so").check_account("mrose").word is Word.YES
    pam = described(tmp_path, f"account required pam_pwdfile.so pwdfile={tmp_path}/passwords")
    assert pam.check_account("mrose").word is not Word.YES


def test_threads_do_not_meet(pam, keeper):
    for number in range(8):
        keeper.add(f"user{number}", password=f"secret {number}")

    def ask(number: int) -> bool:
        user, wrong = number % 8, number % 3 == 0
        answer = pam.check_password(f"user{user}", f"secret {user}{'x' * wrong}".encode())
        return (answer.word is Word.YES) is not wrong

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(400)))


def test_a_machine_without_pam_says_so(monkeypatch):
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    with pytest.raises(LibraryMissing, match="no libpam"):
        Pam("postane")
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: "libm.so.6")
    with pytest.raises(LibraryMissing, match="cannot be used"):
        Pam("postane")
