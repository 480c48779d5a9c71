"""Lines of a passwd-file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postane.accounts.base import Account
from postane.accounts.kept import fits
from postane.accounts.passwd_line import BadLine, parse_line
from postane.maildrop.base import Quota


def line(text: str, scheme: str = "PLAIN"):
    return parse_line(text, scheme)


@pytest.mark.parametrize("text", ["", "   ", "\t", "# mrose:secret", "#"])
def test_what_is_no_line(text):
    assert line(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "mrose:secret",
        "mrose:secret:",
        "MRose:secret:1000:1000::/home/mrose::",
        "mrose:secret:1000:1000:M. Rose:/home/mrose:/bin/false:userdb_mail=maildir:~/Maildir",
        "mrose:{PLAIN}secret:::::::",
    ],
)
def test_an_account(text):
    entry = line(text)
    assert (entry.account, entry.trouble) == (Account("mrose", "mrose"), "")
    assert fits(entry.kept, "secret")
    assert "secret" not in repr(entry)


@pytest.mark.parametrize(
    ("extra", "quota"),
    [
        ("userdb_quota_rule=*:storage=1G", Quota(1024**3)),
        ("userdb_quota_rule=*:storage=10", Quota(10 * 1024)),
        ("userdb_quota_rule=*:bytes=10:messages=7", Quota(10, 7)),
        ("userdb_mail=mbox:~/mail userdb_quota_rule=*:storage=5MB x=y", Quota(5 * 1024**2)),
        ("userdb_quota_rule=*:messages=7", Quota(None, 7)),
        ("userdb_quota_rule=*:storage=0", Quota()),
        ("userdb_quota_rule=Trash:storage=1G", Quota()),
        ("userdb_quota_storage_size=2G", Quota(2 * 1024**3)),
        ("userdb_quota_storage_size=2048", Quota(2048)),
        ("", Quota()),
    ],
)
def test_the_quota(extra, quota):
    entry = line(f"mrose:secret::::::{extra}")
    assert (entry.account.quota, entry.trouble) == (quota, "")


@pytest.mark.parametrize(
    "extra", ["userdb_quota_rule=*:storage=lots", "userdb_quota_rule=*:messages=²", "userdb_quota_storage_size=10%"]
)
def test_a_quota_that_cannot_be_read_is_told(extra):
    entry = line(f"mrose:secret::::::{extra}")
    assert entry.account == Account("mrose", "mrose")
    assert "the quota cannot be read" in entry.trouble
    assert fits(entry.kept, "secret")


@pytest.mark.parametrize(
    ("extra", "trouble"),
    [
        ("nologin", ""),
        ("nologin=y", ""),
        ("proxy host=mail.example.org", ""),
        ("allow_nets=192.0.2.0/24", "allow_nets cannot be kept here: nobody may log in"),
        ("allow_real_nets=192.0.2.0/24", "allow_real_nets cannot be kept here: nobody may log in"),
    ],
)
def test_a_restriction_is_never_passed_over(extra, trouble):
    entry = line(f"mrose:secret::::::{extra}")
    assert (entry.account.is_enabled, entry.trouble) == (False, trouble)


@pytest.mark.parametrize("kept", ["", "*", "!", "!!", "*LK*", "!$6$abc$def"])
def test_a_name_without_a_password_is_known_and_lets_nobody_in(kept):
    for text in (f"mrose:{kept}", f"mrose:{kept}::::::nopassword=y"):
        entry = line(text)
        assert (entry.account, entry.trouble) == (Account("mrose", "mrose"), "")
        assert not any(fits(entry.kept, password) for password in ("", kept, "x"))


def test_a_name_alone_is_known_and_lets_nobody_in():
    assert line("mrose").account == Account("mrose", "mrose")
    assert not fits(line("mrose").kept, "")


def test_a_hash_that_cannot_be_read_is_told_and_the_name_known():
    entry = line("mrose:{ROT13}hunter2")
    assert entry.account == Account("mrose", "mrose")
    assert "nobody may log in" in entry.trouble
    assert "hunter2" not in entry.trouble
    assert not fits(entry.kept, "hunter2")


@pytest.mark.parametrize("text", [":secret", "a/b:secret", "@example.org:secret", "mro\udcffse:secret", "a b:secret"])
def test_a_line_of_nobody(text):
    with pytest.raises(BadLine, match="name") as caught:
        line(text)
    assert "secret" not in str(caught.value)


def test_what_may_be_a_password_alone_is_not_repeated():
    with pytest.raises(BadLine, match="has no colon") as caught:
        line("hunter2 hunter2")
    assert "hunter2" not in str(caught.value)


@given(st.text(st.characters(exclude_categories=[])), st.sampled_from(["PLAIN", "CRYPT", "SCRAM-SHA-1", "CRAM-MD5"]))
def test_any_line_is_an_account_or_a_bad_line(text, scheme):
    try:
        entry = parse_line(text, scheme)
    except BadLine:
        return
    assert entry is None or entry.account.name
