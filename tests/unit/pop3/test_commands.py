"""POP3's commands as values."""

import pytest

from postane.pop3.commands import Apop, Auth, AuthResponse, Pass


@pytest.mark.parametrize(
    "command", [Pass("s3cret"), Apop("mrose", "s3cret"), Auth("PLAIN", b"s3cret"), AuthResponse(b"s3cret")]
)
def test_no_command_shows_its_secret(command):
    assert "s3cret" not in repr(command)
    assert "s3cret" not in str(command)
