"""A PEM file that cannot be used is told before anybody is connected to, wherever it is named."""

from pathlib import Path

import pytest

from postane.config.fetching import Account, Deliver, FetchConfig
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.troubles import told_of_sink
from postane.fetching.destinations import open_sink
from postane.fetching.origins import open_way
from postane.fetching.pem_files import check_files, trouble_with_files
from postane.fetching.readiness import examine, examine_files
from postane.net.base import TlsPolicy
from postane.sinks.base import SinkError
from support.certificates import Authority, Wish

NOWHERE = Path("/nowhere/ca.pem")
PIN = "sha256:" + "0" * 64
MISSING = "tls_ca: cannot read the certificate /nowhere/ca.pem: No such file or directory"
UNASKED = 1
"""A port that nobody listens on: who is asked is told apart by another trouble."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def account(url: str, **keys: object) -> Account:
    return Account.model_validate(
        {"name": "work", "url": url, "password": "x", "deliver": [{"mbox": "/nowhere/mbox"}], **keys}
    )


async def test_files_that_can_be_used(authority: Authority) -> None:
    own = authority.issue("own", Wish())
    await check_files(TlsPolicy())
    await check_files(TlsPolicy(authority=authority.path))
    await check_files(TlsPolicy(certificate=own.chain, key=own.key))
    await check_files(TlsPolicy(authority=NOWHERE, pin=PIN))


def test_what_is_wrong_is_told_by_the_key(tmp_path: Path, authority: Authority) -> None:
    own, other = authority.issue("own", Wish()), authority.issue("other", Wish())
    (tmp_path / "empty.pem").write_text("")
    for policy, words in (
        (TlsPolicy(authority=NOWHERE), MISSING),
        (TlsPolicy(authority=tmp_path / "empty.pem"), "tls_ca: .*empty.pem holds no certificate in PEM"),
        (TlsPolicy(certificate=own.chain, key=NOWHERE, pin=PIN), "client_certificate: cannot load .*/nowhere/ca.pem"),
        (TlsPolicy(certificate=own.chain, key=other.key), "client_certificate: .* is not the key of the certificate"),
    ):
        error = trouble_with_files(policy)
        assert error is not None
        assert error.trouble is Trouble.CONFIGURATION
        with pytest.raises(FetchError, match=words):
            raise error


@pytest.mark.parametrize("scheme", ["pop3s", "pop2s", "pop1s", "imaps"])
async def test_no_server_is_asked_first(scheme: str) -> None:
    table = account(f"{scheme}://anna@127.0.0.1:{UNASKED}", tls_ca=str(NOWHERE))
    with pytest.raises(FetchError) as raised:
        await open_way(FetchConfig(), table, lambda _: None).source().open()
    assert (raised.value.text, raised.value.trouble) == (MISSING, Trouble.CONFIGURATION)
    error = examine_files(FetchConfig(), table)
    assert error is not None
    assert error.text == MISSING
    assert examine_files(FetchConfig(), account("pop3s://anna@h")) is None


@pytest.mark.parametrize(
    "keys",
    [
        {"lmtp": f"127.0.0.1:{UNASKED}"},
        {"smtp": f"127.0.0.1:{UNASKED}", "recipients": ["anna@example.org"]},
        {"imap": f"imaps://anna@127.0.0.1:{UNASKED}", "password": "x"},
    ],
)
async def test_no_server_that_mail_goes_to_is_asked_first(keys: dict[str, object]) -> None:
    table = Deliver.model_validate({**keys, "tls_ca": str(NOWHERE)})
    owner = account("pop3s://anna@h", deliver=[table])
    with pytest.raises(SinkError) as raised:
        await open_sink(FetchConfig(), owner, table).open()
    assert raised.value.text == f"127.0.0.1:{UNASKED}: {MISSING}"
    assert told_of_sink(raised.value).trouble is Trouble.CONFIGURATION
    found = await examine(FetchConfig(), owner, table, connects=False)
    assert found.error is not None
    assert found.error.text.endswith(MISSING)
    assert found.error.trouble is Trouble.CONFIGURATION
