import pytest

from postane.accounts.leave import check_share, not_shared
from postane.accounts.names import BadName


def test_two_accounts_may_share():
    assert check_share("anna", "ben") == ("anna", "ben")


def test_one_account_does_not():
    with pytest.raises(BadName, match="anna"):
        check_share("anna", "anna")


def test_both_are_named():
    assert str(not_shared("anna", "ben").text) == '"ben" has no leave to read the mail of "anna"'
