"""What the contract suite does not show of stores that verify passwords only: the decoys' key."""

import pytest

from postane.accounts.base import LoginRefused, Spread
from postane.accounts.partial import Decoys, PartialAccounts
from postane.sasl.base import Means, ScramDigest


@pytest.mark.parametrize("digest", list(ScramDigest))
def test_a_shared_key_gives_the_same_salts(digest):
    one, other, stranger = Decoys(b"k" * 32), Decoys(b"k" * 32), Decoys()
    salt = one.entry("nobody", digest).keys.salt
    assert other.entry("NOBODY", digest).keys.salt == salt
    assert stranger.entry("nobody", digest).keys.salt != salt
    assert one.entry("somebody", digest).keys.salt != salt


def test_no_two_decoys_share_the_keys_that_decide():
    decoys = Decoys()
    entries = [decoys.entry("nobody", ScramDigest.SHA_256) for _ in range(2)]
    assert entries[0].keys.pairs[0].stored_key != entries[1].keys.pairs[0].stored_key
    assert entries[0].proofs == entries[1].proofs == ()


async def test_what_cannot_be_checked_is_refused():
    store = PartialAccounts()
    assert store.means == {Means.PASSWORD, Means.OUTSIDE}
    for verifying in (
        store.verify_apop("mrose", "<stamp>", "0" * 32),
        store.verify_cram("mrose", b"<stamp>", "0" * 32),
        store.verify_token(None, "hunter2"),
    ):
        with pytest.raises(LoginRefused) as caught:
            await verifying
        assert caught.value.text == "invalid user name or password"
        assert "hunter2" not in caught.value.log
    assert (await store.scram("mrose", ScramDigest.SHA_1)).proofs == ()
    assert await store.shared_with("mrose", "anna") is None
    assert await store.spread() == Spread()
