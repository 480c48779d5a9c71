"""A passwd-file of Dovecot's own making: every scheme that `doveadm pw` writes, and the same file read by Dovecot."""

import pytest

from postane.accounts.base import LoginRefused
from postane.accounts.kept import schemes
from postane.accounts.passwd_file import PasswdFile, PasswdFileAccounts
from support.programs import require, run

pytestmark = pytest.mark.interop

ENCODED = ("SHA256.HEX", "SSHA512.HEX", "SSHA.B64", "SHA512.B64")


@pytest.fixture(scope="module")
def lines() -> dict[str, str]:
    """A line for each scheme, whose user has the scheme's name."""
    doveadm = require("doveadm")
    made = {}
    for scheme in (*schemes(), *ENCODED):
        value = run([doveadm, "pw", "-s", scheme, "-p", f"secret of {scheme}"]).stdout.decode().strip()
        made[scheme] = f"{scheme.lower()}:{value}:1000:1000::/tmp::userdb_quota_rule=*:storage=1G"
    return made


@pytest.mark.parametrize("scheme", [*schemes(), *ENCODED])
async def test_what_dovecot_writes_is_checked(lines, tmp_path, scheme):
    path = tmp_path / "users"
    path.write_text(f"# by doveadm\n{lines[scheme]}\n")
    path.chmod(0o640)
    store = PasswdFileAccounts(PasswdFile(path))
    proof = await store.verify_password(scheme.lower(), f"secret of {scheme}")
    assert (proof.account.name, proof.account.quota.octets) == (scheme.lower(), 1024**3)
    for wrong in (f"secret of {scheme.lower()}", "", f"secret of {scheme}\0", lines[scheme]):
        with pytest.raises(LoginRefused):
            await store.verify_password(scheme.lower(), wrong)
    await store.close()


def test_the_schemes_are_those_that_dovecot_has():
    known = run([require("doveadm"), "pw", "-l"]).stdout.decode().split()
    assert set(schemes()) <= set(known)
