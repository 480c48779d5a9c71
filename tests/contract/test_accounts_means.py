"""The suite for account stores, continued: every way to prove who somebody is besides a password.

What a store's means do not name it refuses; that is looked at too, nothing is skipped.
"""

import hashlib
import hmac

import pytest
import scramp

from postane.accounts.base import LoginRefused, Proof
from postane.sasl.base import KeyPair, Means, ScramDigest, ScramKeys, Surroundings
from postane.sasl.scram import ScramServer
from support.account_houses import HOSTILE, OURS, OWN_DOMAINS, STRANGE
from support.file_houses import CHAINS_OF_OURS

STAMP = "<1896.697170952@postoffice.reston.mci.net>"
MECHANISMS = {ScramDigest.SHA_1: "SCRAM-SHA-1", ScramDigest.SHA_256: "SCRAM-SHA-256"}
DIGESTS = {ScramDigest.SHA_1: Means.SCRAM_SHA_1, ScramDigest.SHA_256: Means.SCRAM_SHA_256}

every_digest = pytest.mark.parametrize("digest", list(DIGESTS))
ours = pytest.mark.parametrize("house", [*OURS, *CHAINS_OF_OURS], indirect=True)
"""The stores whose accounts have device passwords."""
every_name = pytest.mark.parametrize("name", [*HOSTILE, *STRANGE])


def apop(secret: str, stamp: str = STAMP) -> str:
    return hashlib.md5((stamp + secret).encode()).hexdigest()


def cram(secret: str, challenge: str = STAMP) -> str:
    return hmac.new(secret.encode(), challenge.encode(), "md5").hexdigest()


WAYS = {
    "apop": (apop, lambda store, name, answer: store.verify_apop(name, STAMP, answer)),
    "cram": (cram, lambda store, name, answer: store.verify_cram(name, STAMP.encode(), answer)),
}


@pytest.fixture(params=list(WAYS))
def way(request):
    """How a client makes its answer of a secret, and how that is checked."""
    return WAYS[request.param]


async def refused(verifying) -> LoginRefused:
    with pytest.raises(LoginRefused) as caught:
        await verifying
    return caught.value


def scram_pair(password: bytes, keys: ScramKeys, digest: ScramDigest) -> KeyPair:
    """RFC 5802 s3, written down once more."""
    salted = hashlib.pbkdf2_hmac(digest.value, password, keys.salt, keys.iterations)
    client_key = hmac.digest(salted, b"Client Key", digest.value)
    stored_key = hashlib.new(digest.value, client_key).digest()
    return KeyPair(stored_key, hmac.digest(salted, b"Server Key", digest.value))


def fits(entry, password: str, digest: ScramDigest) -> bool:
    return scram_pair(password.encode(), entry.keys, digest) in entry.keys.pairs


# What the store says


async def test_means_are_as_declared_and_tell_what_the_suite_looks_at(house):
    assert house.store.means == house.means


async def test_who_is_proven_outside_is_admitted(house, mrose):
    if Means.OUTSIDE not in house.means:
        await refused(house.store.admit("mrose", "certificate"))
        return
    proof = await house.store.admit("MRose", "certificate")
    assert (proof.account, proof.credential) == (mrose, "certificate")
    assert (await house.store.admit("mrose", "token")).credential == "token"
    for domain in OWN_DOMAINS:
        assert (await house.store.admit(f"mrose@{domain}", "certificate")).account == mrose
    await refused(house.store.admit("mrose@elsewhere.example", "certificate"))


async def test_nobody_else_is_admitted(house, mrose):
    texts = {(await refused(house.store.admit("nobody", "certificate"))).text}
    house.registry.set_enabled("mrose", False)
    texts.add((await refused(house.store.admit("mrose", "certificate"))).text)
    house.registry.remove("mrose")
    texts.add((await refused(house.store.admit("mrose", "certificate"))).text)
    assert texts == {"invalid user name or password"}


@every_name
async def test_hostile_names_are_nobody_by_any_means(house, mrose, name, way):
    if Means.SECRET in house.means:
        house.give_secret("mrose", "tanstaaf")
    await refused(house.store.admit(name, "certificate"))
    await refused(house.store.verify_token(name, "token"))
    answer, verify = way
    await refused(verify(house.store, name, answer("tanstaaf")))


# APOP (RFC 1939 s7) and CRAM-MD5 (RFC 2195 s2): digests of a secret


async def test_the_digests_of_the_rfcs(house):
    house.registry.add("tim", password="secret")
    if Means.SECRET not in house.means:
        await refused(house.store.verify_cram("tim", STAMP.encode(), "b913a602c7eda7a495b4e6e7334d3890"))
        return
    said = house.give_secret("tim", "tanstaaftanstaaf")
    proof = await house.store.verify_cram("tim", STAMP.encode(), "b913a602c7eda7a495b4e6e7334d3890")
    assert (proof.account.name, proof.credential) == ("tim", said)


async def test_a_digest_of_the_secret_proves_the_account(house, mrose, way):
    answer, verify = way
    if Means.SECRET not in house.means:
        await refused(verify(house.store, "mrose", answer("secret")))
        return
    said = house.give_secret("mrose", "ikinci şifre")
    for name in ("mrose", "MROSE", *(f"mrose@{domain}" for domain in OWN_DOMAINS)):
        proof = await verify(house.store, name, answer("ikinci şifre"))
        assert (proof.account, proof.credential) == (mrose, said)
    await refused(verify(house.store, "mrose@elsewhere.example", answer("ikinci şifre")))


@pytest.mark.parametrize("wrong", ["", "0" * 32, "upper", "short", "long", "é" * 32, "\udcff", "other"])
async def test_no_other_digest_does(house, mrose, way, wrong):
    answer, verify = way
    if Means.SECRET in house.means:
        house.give_secret("mrose", "tanstaaf")
    right = answer("tanstaaf")
    ways = {
        "upper": right.upper(),
        "short": right[:-1],
        "long": right + "0",
        "other": answer("tanstaaf", "<other@stamp>"),
    }
    error = await refused(verify(house.store, "mrose", ways.get(wrong, wrong)))
    assert error.text == "invalid user name or password"
    assert "tanstaaf" not in error.log


async def test_the_other_ways_digest_is_refused(house, mrose):
    if Means.SECRET in house.means:
        house.give_secret("mrose", "tanstaaf")
    await refused(house.store.verify_apop("mrose", STAMP, cram("tanstaaf")))
    await refused(house.store.verify_cram("mrose", STAMP.encode(), apop("tanstaaf")))


async def test_a_digest_of_nothing_is_refused(house, mrose, way):
    answer, verify = way
    for name in ("mrose", "nobody"):
        await refused(verify(house.store, name, answer("")))


async def test_a_digest_ends_with_the_account(house, mrose, way):
    answer, verify = way
    if Means.SECRET in house.means:
        house.give_secret("mrose", "tanstaaf")
    house.registry.set_enabled("mrose", False)
    texts = {(await refused(verify(house.store, "mrose", answer("tanstaaf")))).text}
    house.registry.remove("mrose")
    texts.add((await refused(verify(house.store, "mrose", answer("tanstaaf")))).text)
    assert texts == {"invalid user name or password"}


# SCRAM (RFC 5802, RFC 7677)


@every_digest
async def test_scram_keys_are_those_of_the_password(house, mrose, digest):
    entry = await house.store.scram("mrose", digest)
    if DIGESTS[digest] not in house.means:
        assert entry.proofs == ()
        assert not fits(entry, "secret", digest)
        return
    assert entry.proofs == (Proof(mrose, house.scram_credential),)
    assert fits(entry, "secret", digest)
    assert not fits(entry, "Secret", digest)
    assert await house.store.scram("mrose", digest) == entry, "the same salt each time"


def forms(house, name: str, digest: ScramDigest) -> list[str]:
    """What means the same account; a store that has no keys of anybody need not know of its own domains here."""
    domains = OWN_DOMAINS if DIGESTS[digest] in house.means else ()
    return [name, name.upper(), *(f"{name.title()}@{domain.upper()}" for domain in domains)]


@every_digest
async def test_scram_keys_are_found_by_every_form_of_the_name(house, mrose, digest):
    entry = await house.store.scram("mrose", digest)
    for name in forms(house, "mrose", digest):
        other = await house.store.scram(name, digest)
        assert (other.proofs, other.keys.salt) == (entry.proofs, entry.keys.salt)
    assert (await house.store.scram("mrose@elsewhere.example", digest)).proofs == ()


@every_digest
async def test_another_password_has_other_scram_keys_at_once(house, mrose, digest):
    old = await house.store.scram("mrose", digest)
    house.registry.set_password("mrose", "new")
    new = await house.store.scram("mrose", digest)
    assert not fits(new, "secret", digest)
    assert fits(new, "new", digest) is (DIGESTS[digest] in house.means)
    assert not set(new.keys.pairs) & set(old.keys.pairs)


@every_digest
async def test_what_a_password_has_proven_by_scram_stands_until_it_is_another(house, mrose, digest):
    """The gate asks once more when a client has made its proof, which may take it a minute."""
    before = await house.store.scram("mrose", digest)
    now = await house.store.scram("MROSE", digest)
    assert now.stands(before, 0) is (DIGESTS[digest] in house.means)
    house.registry.add("anna", password="secret")
    assert not (await house.store.scram("anna", digest)).stands(before, 0)
    house.registry.set_enabled("mrose", False)
    assert not (await house.store.scram("mrose", digest)).stands(before, 0)
    house.registry.set_enabled("mrose", True)
    house.registry.set_password("mrose", "new")
    assert not (await house.store.scram("mrose", digest)).stands(before, 0)
    house.registry.remove("mrose")
    assert not (await house.store.scram("mrose", digest)).stands(before, 0)


@ours
@every_digest
async def test_another_device_meanwhile_changes_nothing_for_the_first(house, mrose, digest):
    house.registry.add_device("mrose", "phone", "the phone's")
    before = await house.store.scram("mrose", digest)
    house.registry.add_device("mrose", "a phone before it", "another")
    house.registry.set_password("mrose", "new")
    now = await house.store.scram("mrose", digest)
    stands = {proof.credential: now.stands(before, pair) for pair, proof in enumerate(before.proofs)}
    assert stands == {"password": False, "device phone": True}


@every_digest
async def test_accounts_with_the_same_password_share_no_keys(house, mrose, digest):
    house.registry.add("anna", password="secret")
    anna, other = await house.store.scram("anna", digest), await house.store.scram("mrose", digest)
    assert anna.keys.salt != other.keys.salt
    assert anna.keys.pairs[0].stored_key != other.keys.pairs[0].stored_key
    assert anna.proofs == () or anna.proofs[0].account.name == "anna"


@every_digest
async def test_scram_proves_nobody_who_is_gone(house, mrose, digest):
    before = await house.store.scram("mrose", digest)
    house.registry.set_enabled("mrose", False)
    disabled = await house.store.scram("mrose", digest)
    assert disabled.proofs == ()
    assert not fits(disabled, "secret", digest)
    house.registry.set_enabled("mrose", True)
    assert (await house.store.scram("mrose", digest)).proofs == before.proofs
    house.registry.remove("mrose")
    removed = await house.store.scram("mrose", digest)
    assert removed.proofs == ()
    assert not fits(removed, "secret", digest)


@every_digest
async def test_a_decoy_looks_like_real_keys(house, mrose, digest):
    real = (await house.store.scram("mrose", digest)).keys
    entry = await house.store.scram("nobody", digest)
    assert entry.proofs == ()
    decoy = entry.keys
    assert decoy.iterations == real.iterations >= 4096
    for one, other in (
        (decoy.salt, real.salt),
        (decoy.pairs[0].stored_key, real.pairs[0].stored_key),
        (decoy.pairs[0].server_key, real.pairs[0].server_key),
    ):
        assert len(one) == len(other)
    assert len(decoy.salt) >= 16
    assert len(decoy.pairs[0].stored_key) == hashlib.new(digest.value).digest_size


@every_digest
async def test_a_decoy_is_the_same_for_every_form_of_a_name_and_another_for_others(house, digest):
    salt = (await house.store.scram("nobody", digest)).keys.salt
    for name in forms(house, "nobody", digest):
        assert (await house.store.scram(name, digest)).keys.salt == salt
    salts = {(await house.store.scram(name, digest)).keys.salt for name in ("nobody", "nobody1", "nobody@example.org")}
    assert len(salts) == 3


async def test_the_digests_of_a_name_share_no_salt(house, mrose):
    for name in ("mrose", "nobody"):
        salts = {(await house.store.scram(name, digest)).keys.salt for digest in ScramDigest}
        assert len(salts) == len(ScramDigest)


@every_digest
@every_name
async def test_hostile_names_get_decoys(house, mrose, name, digest):
    entry = await house.store.scram(name, digest)
    assert entry.proofs == ()
    assert not fits(entry, "secret", digest)


@every_digest
async def test_no_key_is_shown(house, mrose, digest):
    entry = await house.store.scram("mrose", digest)
    for secret in (entry.keys.pairs[0].stored_key, entry.keys.pairs[0].server_key):
        assert repr(secret) not in repr(entry)


@every_digest
async def test_an_account_without_a_password_gets_a_decoy(house, digest):
    house.registry.add("mrose")
    assert (await house.store.scram("mrose", digest)).proofs == ()


async def exchange(store, client: scramp.ScramClient, digest: ScramDigest) -> Proof | None:
    """What a client proves to a store, which proves itself to the client then."""
    server = ScramServer(digest, Surroundings(b"", "3rfcNHYJY1ZVvWVs7j"), is_plus=False)
    wanted = server.start(client.get_client_first().encode())
    entry = await store.scram(wanted.name, digest)
    client.set_server_first(wanted.proceed(entry.keys).octets.decode())
    verdict = server.step(client.get_client_final().encode())
    proof = entry.proof_of(verdict.pair)
    if proof is not None:
        client.set_server_final(verdict.final.decode())
    return proof


@every_digest
@pytest.mark.parametrize(("name", "password"), [("mrose", "secret"), ("mrose", "Secret"), ("nobody", "secret")])
async def test_a_whole_exchange_with_somebody_elses_client(house, mrose, digest, name, password):
    mechanism = MECHANISMS[digest]
    proof = await exchange(house.store, scramp.ScramClient([mechanism], name, password), digest)
    is_right = DIGESTS[digest] in house.means and (name, password) == ("mrose", "secret")
    assert proof == (Proof(mrose, house.scram_credential) if is_right else None)
    if proof is not None:
        assert await house.store.admit(proof.account.name, proof.credential) == proof


# SCRAM with device passwords


async def by_scram(store, password: str, digest: ScramDigest, name: str = "mrose") -> str | None:
    """What the proof says of a client that knows the password, once the account has been admitted by it."""
    proof = await exchange(store, scramp.ScramClient([MECHANISMS[digest]], name, password), digest)
    return None if proof is None else (await store.admit(proof.account.name, proof.credential)).credential


@ours
@every_digest
async def test_every_password_of_an_account_proves_it_by_scram(house, mrose, digest):
    shown = (await house.store.scram("mrose", digest)).keys
    house.registry.add_device("mrose", "phone", "the phone's")
    tablet = house.registry.add_device("mrose", "tablet")
    for password, said in (("secret", "password"), ("the phone's", "device phone"), (tablet, "device tablet")):
        assert await by_scram(house.store, password, digest) == said
        assert await by_scram(house.store, password, digest, "MRose@localhost") == said
    assert await by_scram(house.store, "another", digest) is None
    entry = await house.store.scram("mrose", digest)
    assert (entry.keys.salt, entry.keys.iterations) == (shown.salt, shown.iterations), "one for all, from the first on"
    assert {proof.account for proof in entry.proofs} == {mrose}
    assert len(entry.proofs) == len(entry.keys.pairs) == 3


@ours
@every_digest
async def test_devices_alone_are_enough_for_scram(house, digest):
    house.registry.add("mrose")
    decoy = await house.store.scram("mrose", digest)
    secret = house.registry.add_device("mrose", "phone")
    assert await by_scram(house.store, secret, digest) == "device phone"
    assert (await house.store.scram("mrose", digest)).keys.salt == decoy.keys.salt
    assert await by_scram(house.store, "", digest) is None


@ours
@every_digest
async def test_a_revoked_device_is_nobody_by_scram(house, mrose, digest):
    for label in ("phone", "tablet"):
        house.registry.add_device("mrose", label, f"the {label}'s")
    entry = await house.store.scram("mrose", digest)
    house.registry.revoke_device("mrose", "phone")
    assert await by_scram(house.store, "the phone's", digest) is None
    assert await by_scram(house.store, "the tablet's", digest) == "device tablet"
    assert await by_scram(house.store, "secret", digest) == "password"
    house.registry.add_device("mrose", "phone", "another")
    assert await by_scram(house.store, "the phone's", digest) is None
    assert await by_scram(house.store, "another", digest) == "device phone"
    assert fits(entry, "the phone's", digest), "as an exchange that has begun before sees it"


@ours
async def test_a_device_that_is_revoked_during_an_exchange_is_not_admitted(house, mrose):
    house.registry.add_device("mrose", "phone")
    assert (await house.store.admit("mrose", "device phone")).credential == "device phone"
    house.registry.revoke_device("mrose", "phone")
    for credential in ("device phone", "device ", "device nobody's"):
        assert (await refused(house.store.admit("mrose", credential))).text == "invalid user name or password"
    assert (await house.store.admit("mrose", "password")).account == mrose


@ours
@every_digest
async def test_a_change_of_the_own_password_leaves_devices_and_the_salt_alone(house, mrose, digest):
    house.registry.add_device("mrose", "phone", "the phone's")
    before = await house.store.scram("mrose", digest)
    house.registry.set_password("mrose", "new")
    assert await by_scram(house.store, "secret", digest) is None
    assert await by_scram(house.store, "new", digest) == "password"
    assert await by_scram(house.store, "the phone's", digest) == "device phone"
    assert (await house.store.scram("mrose", digest)).keys.salt == before.keys.salt


@pytest.mark.parametrize("house", list(OURS), indirect=True)  # in a chain unknown names have the first store's salts
@every_digest
async def test_what_a_client_is_told_does_not_depend_on_who_is_there(house, digest):
    """Nobody, an account without and with a password, with a device, a disabled one, one that has been removed."""
    shown = []

    async def look() -> None:
        for name in forms(house, "mrose", digest):
            keys = (await house.store.scram(name, digest)).keys
            shown.append((keys.salt, keys.iterations))

    await look()
    house.registry.add("mrose")
    await look()
    house.registry.set_password("mrose", "secret")
    await look()
    house.registry.add_device("mrose", "phone", "the phone's")
    await look()
    house.registry.set_enabled("mrose", False)
    await look()
    assert await by_scram(house.store, "the phone's", digest) is None
    house.registry.remove("mrose")
    await look()
    assert len(set(shown)) == 1


# Tokens (RFC 7628)


async def test_a_token_proves_the_account_that_it_is_for(house, mrose):
    if Means.TOKEN not in house.means:
        for name in (None, "mrose", "nobody"):
            error = await refused(house.store.verify_token(name, "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="))
            assert "vF9dft4q" not in error.text + error.log + repr(error)
        return
    said = house.give_token("mrose", "a-token")
    for name in (None, "mrose", "MROSE"):
        proof = await house.store.verify_token(name, "a-token")
        assert (proof.account, proof.credential) == (mrose, said)
    house.registry.add("anna", password="hers")
    error = await refused(house.store.verify_token("anna", "a-token"))
    assert "a-token" not in error.text + error.log
    await refused(house.store.verify_token("mrose", "another-token"))


async def test_a_password_is_no_token(house, mrose):
    for name in (None, "mrose"):
        error = await refused(house.store.verify_token(name, "secret"))
        assert error.text == "invalid user name or password"


async def test_a_token_ends_with_the_account(house, mrose):
    if Means.TOKEN in house.means:
        house.give_token("mrose", "a-token")
    house.registry.set_enabled("mrose", False)
    await refused(house.store.verify_token("mrose", "a-token"))
    await refused(house.store.verify_token(None, "a-token"))
    house.registry.remove("mrose")
    await refused(house.store.verify_token("mrose", "a-token"))
