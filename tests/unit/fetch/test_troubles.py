"""From the library's errors to a run's."""

import pytest

from postane.client import errors
from postane.credentials.base import NoSecret
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.troubles import in_words_of_the_run, told_of_sink
from postane.sinks.base import Fault, SinkError


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (errors.ConnectionFailed("no such host"), Trouble.UNREACHABLE),
        (errors.ConnectionLost("gone"), Trouble.TEMPORARY),
        (errors.TimedOut("slow"), Trouble.TEMPORARY),
        (errors.InUse("PASS", "in use", "IN-USE"), Trouble.TEMPORARY),
        (errors.LoginDelayed("PASS", "too soon", "LOGIN-DELAY"), Trouble.TEMPORARY),
        (errors.SysTemp("PASS", "later", "SYS/TEMP"), Trouble.TEMPORARY),
        (errors.SysPerm("PASS", "never", "SYS/PERM"), Trouble.UNREACHABLE),
        (errors.login_refusal("PASS", "wrong", "AUTH", "USER"), Trouble.LOGIN),
        (errors.ClearTextRefused("in clear"), Trouble.LOGIN),
        (errors.NotOffered("no login that is allowed"), Trouble.LOGIN),
        (errors.NotSecured("no TLS"), Trouble.PROTOCOL),
        (errors.Misbehaved("nonsense"), Trouble.PROTOCOL),
        (errors.Refused("RETR", "no", ""), Trouble.TEMPORARY),
        (NoSecret("not set"), Trouble.LOGIN),
        (NoSecret("cannot be asked now", may_pass=True), Trouble.TEMPORARY),
    ],
)
def test_what_it_means_for_the_run(error, trouble):
    with pytest.raises(FetchError) as raised, in_words_of_the_run():
        raise error
    assert raised.value.trouble is trouble
    assert (raised.value.wait is not None) == isinstance(error, errors.LoginDelayed)


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (SinkError("gone"), Trouble.TEMPORARY),
        (SinkError("in use", fault=Fault.LOGIN), Trouble.TEMPORARY),
        (SinkError("not there", may_pass=False), Trouble.DESTINATION),
        (SinkError("not believed", may_pass=False, fault=Fault.TRUST), Trouble.PROTOCOL),
        (SinkError("refused", may_pass=False, fault=Fault.LOGIN), Trouble.LOGIN),
    ],
)
def test_what_a_destination_means_for_the_run(error, trouble):
    told = told_of_sink(error)
    assert (told.text, told.trouble) == (error.text, trouble)
