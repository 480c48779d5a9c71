"""Who may enter: what the sections take, and what they do not."""

import pytest
from pydantic import ValidationError

from postane.accounts.failures import COUNT_LIMIT
from postane.accounts.throttle import Patience
from postane.config.access import Auth, Tls


@pytest.mark.parametrize("after", [0, 1, COUNT_LIMIT])
def test_failures_that_can_be_counted(after: int) -> None:
    assert Auth(lockout_after=after).lockout_after == after


@pytest.mark.parametrize("after", [-1, COUNT_LIMIT + 1])
def test_failures_that_can_not(after: int) -> None:
    with pytest.raises(ValidationError, match="lockout_after"):
        Auth(lockout_after=after)


def test_the_defaults_are_those_of_the_throttle() -> None:
    auth = Auth()
    assert Patience(auth.failure_delay, auth.lockout_after, auth.lockout) == Patience()


@pytest.mark.parametrize(
    "section",
    [{"certificate": "c.pem"}, {"key": "k.pem"}, {"client_certificates": "required"}, {"client_ca": "ca.pem"}],
    ids=str,
)
def test_what_belongs_together(section: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="belong together"):
        Tls.model_validate(section)
