"""What other servers keep of a password: values that `doveadm pw -p secret` has made."""

import pytest

from postane.accounts.imported import HashError
from postane.accounts.kept import Kept, check_scheme, fits, parse_kept, schemes
from postane.sasl.base import Means, ScramDigest

SHA_512 = "vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayrW/isg=="
VALUES = {
    "ARGON2ID": "$argon2id$v=19$m=65536,t=3,p=1$h8wV+PXCkYMOwFnJXmXfIg$CHWpvy//+kh0W62lZWtx2jdfhpotZ+ELHib7wC4IJw4",
    "ARGON2I": "$argon2i$v=19$m=32768,t=4,p=1$N9H/PPKXDUeBpKkdVT6fDw$6rdjRi7TTMt1I+kFA1U5jBTqsWwTVUnLdml1+sa7dGI",
    "BLF-CRYPT": "$2y$05$a9LXnvr5uCawn/kds4xKvO9Khv5OjZ3.Nk9mqajgQU7pjWSuqqihy",
    "SHA512-CRYPT": "$6$kC4rsp7juD1nE7ne$8.dhReqfF.e6yJk79.bZsxdotL3t6wJnqp3CRgXtjaMtcLVYNi4zp01O1teodYiILxWoageP1Z"
    "DteHmXHg7wp0",
    "SHA256-CRYPT": "$5$y4Of7lvuKzJNSDCW$hGCVEzUKFIIbFA54yjlbigGxgCciiDL1hLCa2QAwQJ6",
    "MD5-CRYPT": "$1$2h8UOae4$Jb1RQp8sE5WXUWPjVXYjg0",
    "CRYPT": "$2y$05$bI191c2K1xa8MHKvaJGc.eYaWPBquFMEtYANZ4P2YBJYMUKPHEf9K",
    "SHA": "5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "SHA1": "5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "SSHA": "BV3Il466O4/rxAC+76y+ryVahKDbJ8S0",
    "SHA256": "K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
    "SSHA256": "fXfIx0g5SdAi2XRl6h5f53ZUqs69YfNaC1siThCFnlvU/pV4",
    "SSHA256.HEX": "9b6cd4226d70ed44a57345b6952de000652eb5863e9be036670f2514c32190d83e5ec6b3",
    "SHA512": SHA_512,
    "SHA512.B64": SHA_512,
    "SSHA512": "AzSDQ8JVw3LuiN4QqlW4O7SCzF2cPSOyFuaaDpvESw5YS84FyM8zXkc1kf9aQuufooLr5j5w3rJpApWVwt4FPwCtdgA=",
    "PLAIN": "secret",
    "CLEARTEXT": "secret",
    "CRAM-MD5": "cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56",
    "HMAC-MD5": "cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56",
    "SCRAM-SHA-1": "4096,+s4+oTYjNrrKJ/cG19aUBg==,Wnrw09CbTCchFx0KdOTc6xLIqQw=,9Kv497Kgr1Oa6NSvokkGe9lOnV0=",
    "SCRAM-SHA-256": "4096,sUWe2jfxRdy9fXe5MPEpsA==,f6VSqAV6a7K8eSK2qxtLAVqOoSc5kSAqzZwEdATwDR4=,"
    "75HU9VT/+Kh3TzI32mx84osE9RsHUz3WxqMvbVdVi9I=",
}

every = pytest.mark.parametrize("scheme", list(VALUES))


@every
def test_the_right_password_fits_and_no_other(scheme):
    kept = parse_kept(f"{{{scheme}}}{VALUES[scheme]}", "CRYPT")
    assert fits(kept, "secret")
    for wrong in ("", "Secret", "secret ", "secret\0", "secre", "\udcff", VALUES[scheme] if "PL" in scheme else "x"):
        assert fits(kept, wrong) is (wrong == "secret")


@every
def test_a_value_alone_is_of_the_scheme_that_is_named(scheme):
    assert fits(parse_kept(VALUES[scheme], check_scheme(scheme.lower())), "secret")


@every
def test_the_case_of_a_scheme_does_not_matter(scheme):
    assert fits(parse_kept(f"{{{scheme.lower()}}}{VALUES[scheme]}", "CRYPT"), "secret")


@every
def test_nothing_kept_is_shown(scheme):
    kept = parse_kept(f"{{{scheme}}}{VALUES[scheme]}", "CRYPT")
    assert VALUES[scheme][-12:] not in repr(kept)
    assert kept.scram is None or repr(kept.scram[1].pairs[0].stored_key) not in repr(kept)


def test_what_each_can_prove():
    def means(scheme: str) -> set[Means]:
        return set(parse_kept(VALUES[scheme], scheme).means)

    assert means("PLAIN") == {Means.PASSWORD, Means.SECRET, Means.SCRAM_SHA_1, Means.SCRAM_SHA_256}
    assert means("SCRAM-SHA-1") == {Means.PASSWORD, Means.SCRAM_SHA_1}
    assert means("SCRAM-SHA-256") == {Means.PASSWORD, Means.SCRAM_SHA_256}
    assert means("CRAM-MD5") == {Means.PASSWORD, Means.SECRET}
    assert means("SSHA512") == means("BLF-CRYPT") == {Means.PASSWORD}
    assert parse_kept("", "PLAIN").means == set()


def test_the_same_work_has_the_same_name():
    costs = {scheme: parse_kept(VALUES[scheme], scheme).cost for scheme in VALUES}
    assert costs["BLF-CRYPT"] == costs["CRYPT"] == "$2y$05"
    assert costs["SHA512-CRYPT"] == "$6$"
    assert costs["ARGON2ID"] == "$argon2id$v=19$m=65536,t=3,p=1"
    assert costs["SCRAM-SHA-1"] != costs["SCRAM-SHA-256"] != ""
    assert {costs[scheme] for scheme in ("PLAIN", "SHA", "SSHA512")} == {""}


def test_scram_keys_are_read_as_they_stand():
    kept = parse_kept(VALUES["SCRAM-SHA-256"], "SCRAM-SHA-256")
    assert kept.scram is not None
    digest, keys = kept.scram
    assert (digest, keys.iterations, len(keys.salt)) == (ScramDigest.SHA_256, 4096, 16)
    assert [len(pair.stored_key) for pair in keys.pairs] == [32]


@pytest.mark.parametrize("password", ["", "x"])
def test_nothing_kept_fits_nothing(password):
    assert not fits(Kept(), password)
    assert not fits(parse_kept("", "PLAIN"), password)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("hunter2", "known are"),  # no {PLAIN}: it is no crypt(3) string
        ("{DES-CRYPT}hunter2hunte", "known are"),
        ("{PLAIN}", "empty"),
        ("{PLAIN}hunter2\r", "line end"),
        ("{SSHA}hunter2", "damaged"),
        ("{CRAM-MD5}hunter2", "64 hexadecimal digits"),
        ("{CRAM-MD5}" + "ab" * 31, "64 hexadecimal digits"),
        ("{SCRAM-SHA-1}hunter2", "ITERATIONS,SALT,STORED,SERVER"),
        ("{SCRAM-SHA-1}4096,hunter2,x,y", "ITERATIONS,SALT,STORED,SERVER"),
        ("{SCRAM-SHA-1}4096,aGk=,aGk=,aGk=", "20 octets"),
        ("{SCRAM-SHA-1}4096,aGk=,aGk=,aGk=,aGk=", "ITERATIONS,SALT"),
        ("{SCRAM-SHA-256}" + VALUES["SCRAM-SHA-1"], "32 octets"),
        ("{SCRAM-SHA-1}999999999" + VALUES["SCRAM-SHA-1"][4:], "too many iterations"),
        ("{SCRAM-SHA-1}0" + VALUES["SCRAM-SHA-1"][4:], "too many iterations"),
        ("{SCRAM-SHA-1}²" + VALUES["SCRAM-SHA-1"][4:], "too many iterations"),
    ],
)
def test_what_cannot_be_read_is_refused_without_being_repeated(value, words):
    with pytest.raises(HashError, match=words) as caught:
        parse_kept(value, "CRYPT")
    assert "hunter2" not in str(caught.value)


def test_every_scheme_that_is_told_is_known():
    assert [check_scheme(scheme) for scheme in schemes()] == schemes()
    for unknown in ("", "DES-CRYPT", "ROT13", "SHA.ROT"):
        with pytest.raises(HashError, match="is no scheme"):
            check_scheme(unknown)


@pytest.mark.parametrize("value", ["{ROT13}frperg", "$9$salt$frperg"])
def test_what_is_of_no_known_kind_is_told_all_that_there_are(value):
    with pytest.raises(HashError) as caught:
        parse_kept(value, "CRYPT")
    assert all(scheme in str(caught.value) for scheme in schemes())
    assert "frperg" not in str(caught.value)
