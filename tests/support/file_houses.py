"""Account stores over files that others write, and several stores in a row, for the contract suite."""

import contextlib
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import SimpleNamespace

from passlib.hash import sha256_crypt

from postane.accounts.base import Account, AccountStore
from postane.accounts.chain import ChainAccounts
from postane.accounts.hashes import LIGHT, octets_of
from postane.accounts.local import LocalAccounts
from postane.accounts.memory import MemoryAccounts
from postane.accounts.pam import PamAccounts, PamService, Surroundings
from postane.accounts.passwd_file import PasswdFile, PasswdFileAccounts
from postane.accounts.records import Place
from postane.accounts.registry import Registry
from postane.sasl.base import Means, ScramDigest
from postane.sasl.scram import derive_pair
from support.account_houses import OUR_MEANS, OWN_DOMAINS, House
from support.programs import missing

PASSWORDS = frozenset({Means.PASSWORD, Means.OUTSIDE})


def hashed(password: str) -> str:
    """As `doveadm pw -s SHA256-CRYPT` makes it, with less work."""
    return "{SHA256-CRYPT}" + sha256_crypt.using(rounds=1000).hash(octets_of(password))


def clear(password: str) -> str:
    """As it is."""
    return "{PLAIN}" + password


def scram_256(password: str) -> str:
    """As `doveadm pw -s SCRAM-SHA-256` makes it."""
    salt = secrets.token_bytes(16)
    pair = derive_pair(octets_of(password), salt, 4096, ScramDigest.SHA_256)
    words = (b64encode(octets).decode() for octets in (salt, pair.stored_key, pair.server_key))
    return "{SCRAM-SHA-256}4096," + ",".join(words)


class PasswdKeeper:
    """Who has the file: others replace it, or write in it."""

    def __init__(self, path: Path, notation: Callable[[str], str], *, in_place: bool = False) -> None:
        self.path = path
        self.notation = notation
        self._in_place = in_place
        self._lines: dict[str, list[str]] = {}
        self.write()

    def add(self, name: str, *, password: str | None = None) -> Account:
        self._lines[name] = [name, "" if password is None else self.notation(password), *[""] * 6]
        self.write()
        return Account(name, name)

    def set_password(self, name: str, password: str) -> None:
        self.store(name, self.notation(password))

    def store(self, name: str, kept: str) -> None:
        self._lines[name][1] = kept
        self.write()

    def set_enabled(self, name: str, is_enabled: bool) -> None:
        self._lines[name][7] = "" if is_enabled else "nologin=y"
        self.write()

    def remove(self, name: str) -> None:
        del self._lines[name]
        self.write()

    def write(self) -> None:
        # Somebody is always there, so that the file tells what it can be asked.
        lines = [f"resident:{self.notation('their own')}", *(":".join(fields) for fields in self._lines.values())]
        text = "# accounts\n\n" + "".join(line + "\n" for line in lines)
        path = self.path if self._in_place else self.path.with_suffix(".new")
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        path.chmod(0o640)
        if not self._in_place:
            path.replace(self.path)

    def give_clear(self, name: str, secret: str) -> str:
        self.store(name, clear(secret))
        return "password"


def _passwd_file(
    notation: Callable[[str], str], means: frozenset[Means], *, in_place: bool = False
) -> Callable[[Path], AbstractAsyncContextManager[House]]:
    @contextlib.asynccontextmanager
    async def open_house(folder: Path) -> AsyncIterator[House]:
        keeper = PasswdKeeper(folder / "passwd", notation, in_place=in_place)
        store = PasswdFileAccounts(PasswdFile(keeper.path), own_domains=OWN_DOMAINS)
        try:
            yield House(store, keeper, means, keeper.give_clear, own_password_answers=Means.SECRET in means)
        finally:
            await store.close()

    return open_house


class PamKeeper:
    """Who has the machine: its users, and a PAM service whose modules read files of ours."""

    def __init__(self, folder: Path) -> None:
        self.service = PamService("postane-test", folder, first_uid=1000)
        self._users: dict[str, int] = {"root": 0, "daemon": 1}
        self._passwords, self._denied = PasswdKeeper(folder / "passwords", crypted), folder / "denied"
        self._denied.touch()
        (folder / self.service.name).write_text(
            f"auth required pam_pwdfile.so pwdfile={folder}/passwords\n"
            f"account required pam_listfile.so item=user sense=deny file={self._denied} onerr=fail\n"
        )

    def find_user(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(pw_name=name, pw_uid=self._users[name])

    def add(self, name: str, *, password: str | None = None, uid: int = 1000) -> Account:
        self._users[name] = uid
        return self._passwords.add(name, password=password)

    def set_password(self, name: str, password: str) -> None:
        self._passwords.set_password(name, password)

    def set_enabled(self, name: str, is_enabled: bool) -> None:
        denied = set(self._denied.read_text().split()) - {name} | (set() if is_enabled else {name})
        self._denied.write_text("".join(f"{each}\n" for each in denied))

    def remove(self, name: str) -> None:
        del self._users[name]
        self._passwords.remove(name)


def crypted(password: str) -> str:
    """As crypt(3) makes it."""
    return hashed(password).removeprefix("{SHA256-CRYPT}")


async def no_wait(seconds: float) -> None:
    """Nobody waits in tests."""
    del seconds


def require_module(name: str) -> None:
    """The test is skipped without this module of PAM, and fails where everything has to be there (CI)."""
    folders = [*Path("/").glob("lib*/security"), *Path("/lib").glob("*/security")]
    if not any((folder / name).exists() for folder in folders):
        missing(f"{name} is not installed")


@contextlib.asynccontextmanager
async def open_pam(folder: Path) -> AsyncIterator[House]:
    """Users that are made up, and the PAM of this machine."""
    require_module("pam_pwdfile.so")
    keeper = PamKeeper(folder)
    surroundings = Surroundings(find_user=keeper.find_user, wait=no_wait)
    store = PamAccounts(keeper.service, own_domains=OWN_DOMAINS, surroundings=surroundings)
    try:
        yield House(store, keeper, PASSWORDS, tells_disabled=False)
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def open_chain_of_local(folder: Path) -> AsyncIterator[House]:
    """Accounts of `local`, asked after some in memory."""
    place = Place(folder / "storage")
    local, registry = LocalAccounts(place, own_domains=OWN_DOMAINS), Registry(place, cost=LIGHT)
    chain = ChainAccounts([_some_in_memory(), local], own_domains=OWN_DOMAINS)
    try:
        yield House(chain, registry, OUR_MEANS, _device(registry))
    finally:
        registry.close()
        await chain.close()


@contextlib.asynccontextmanager
async def open_chain_of_memory(folder: Path) -> AsyncIterator[House]:
    """Accounts in memory, asked after some of `local`, and before a file of passwords."""
    place = Place(folder / "storage")
    registry = Registry(place, cost=LIGHT)
    registry.add("resident", password="their own")
    registry.close()
    memory = MemoryAccounts(own_domains=OWN_DOMAINS)
    keeper = PasswdKeeper(folder / "passwd", hashed)
    stores: list[AccountStore] = [
        LocalAccounts(place, own_domains=OWN_DOMAINS),
        memory,
        PasswdFileAccounts(PasswdFile(keeper.path), own_domains=OWN_DOMAINS),
    ]
    chain = ChainAccounts(stores, own_domains=OWN_DOMAINS, scram_of_any=True)
    try:
        yield House(chain, memory, OUR_MEANS, _device(memory))
    finally:
        await chain.close()


def _some_in_memory() -> MemoryAccounts:
    memory = MemoryAccounts(own_domains=OWN_DOMAINS)
    memory.add("resident", password="their own")
    memory.add_device("resident", "phone", "tanstaaf")
    return memory


def _device(registry: Registry | MemoryAccounts) -> Callable[[str, str], str]:
    def give(name: str, secret: str) -> str:
        registry.add_device(name, "phone", secret)
        return "device phone"

    return give


CHAINS_OF_OURS = ("chain of local", "chain of memory")
"""Those of FILES whose accounts are changed by a registry of ours."""

FILES: dict[str, Callable[[Path], AbstractAsyncContextManager[House]]] = {
    "passwd-file of hashes": _passwd_file(hashed, PASSWORDS),
    "passwd-file in clear": _passwd_file(clear, frozenset(Means) - {Means.TOKEN}, in_place=True),
    "passwd-file of keys": _passwd_file(scram_256, PASSWORDS | {Means.SCRAM_SHA_256}),
    "pam": open_pam,
    "chain of local": open_chain_of_local,
    "chain of memory": open_chain_of_memory,
}
"""By the name in the tests' ids."""
