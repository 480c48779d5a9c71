import pytest

from postane.accounts.logins import FileLogins, MemoryLogins, Period

DELAY = 300.0


@pytest.fixture(params=["memory", "file"])
def logins(request, tmp_path):
    return MemoryLogins() if request.param == "memory" else FileLogins(tmp_path / "logins")


def at(logins, now: float, name: str = "anna") -> float:
    """One attempt; gives what was left of the delay, and notes the login where nothing was."""
    left = logins.left(name, DELAY, now)
    if left == 0:
        logins.note(name, DELAY, now)
    return left


def test_the_first_login_is_free(logins):
    assert at(logins, 1000.0) == 0


def test_two_in_a_row_are_allowed_and_the_third_is_not(logins):
    assert [at(logins, now) for now in (1000.0, 1001.0, 1002.0, 1299.0)] == [0, 0, 298.0, 1.0]


def test_whoever_comes_after_the_delay_may_come_twice_again(logins):
    assert [at(logins, now) for now in (1000.0, 1001.0, 1300.0, 1301.0, 1302.0)] == [0, 0, 0, 0, 298.0]


def test_a_refusal_does_not_make_the_wait_longer(logins):
    assert [at(logins, 1000.0 + now) for now in (0, 0, 100, 200, 300)] == [0, 0, 200.0, 100.0, 0]


def test_accounts_do_not_share_it(logins):
    assert [at(logins, 1000.0, name) for name in ("anna", "anna", "ben", "anna")] == [0, 0, 0, DELAY]


def test_a_clock_that_was_put_back_locks_nobody_out(logins):
    assert [at(logins, now) for now in (9000.0, 9000.0, 1000.0)] == [0, 0, 0]


def test_another_process_sees_it(tmp_path):
    for now in (1000.0, 1000.0):
        FileLogins(tmp_path).note("../anna\udcff", DELAY, now)
    assert FileLogins(tmp_path).left("../anna\udcff", DELAY, 1001.0) == 299.0


@pytest.mark.parametrize("octets", [b"", b"x", b"1 2 3\n", b"\xff" * 100])
def test_a_record_that_cannot_be_read_is_none(tmp_path, octets):
    logins = FileLogins(tmp_path)
    logins.note("anna", DELAY, 1000.0)
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    file.write_bytes(octets)
    assert logins.left("anna", DELAY, 1000.0) == 0


def test_a_folder_that_cannot_be_made_lets_everybody_in(tmp_path):
    (tmp_path / "file").write_text("")
    logins = FileLogins(tmp_path / "file")
    logins.note("anna", DELAY, 1000.0)
    assert logins.left("anna", DELAY, 1000.0) == 0


def test_a_period_counts():
    period = Period().after_login(DELAY, 10.0).after_login(DELAY, 11.0)
    assert period == Period(10.0, 2)
    assert period.is_over(DELAY, 310.0)
