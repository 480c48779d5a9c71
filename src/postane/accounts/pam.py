"""The users of this machine, proven by PAM: for Linux.

Who exists is asked of the system (`getpwnam`), so of whatever nsswitch.conf names; who may come in is PAM's to say, by
password and by its account management (an account that has expired, a time of day). PAM tells nobody when a password
has changed, so that no login is remembered: each asks anew. Modules block and sleep: they do so in a few threads.

A refusal is held back to the next full half second, be the user unknown, not one of `uids` or somebody with another
password. PAM is never asked about the first two: it may lock whom it counts failures of, root among them.

The module pam_unix checks other users' passwords for root alone: with `server.user`, choose modules that ask a service
(pam_sss, pam_ldap, pam_winbind) or have a file of their own (pam_pwdfile). Where there is no file for the service, PAM
takes that of the service `other`.

Must not know: protocols, how PAM is called (`libpam`).
"""

import asyncio
import math
import pwd
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from . import hashes
from .base import Account, AccountsUnavailable, LoginRefused, Proof
from .libpam import Answer, LibraryMissing, Pam, Word
from .names import bare_name, canonical, fold_domain, meanings, show_name
from .partial import REFUSED, PartialAccounts
from .schema import UNAVAILABLE

THREADS = 8
"""Questions to PAM at once; others wait. A module that hangs holds one of them."""

GRID = 0.5
"""Seconds: refusals come at multiples of it. Hashes take less."""

NOBODY = 65534
"""Who owns what belongs to nobody, by the kernel's own number: never a person, whatever the last user is."""

ResultT = TypeVar("ResultT")


class User(Protocol):
    """What is asked of an entry of passwd(5)."""

    @property
    def pw_name(self) -> str: ...

    @property
    def pw_uid(self) -> int: ...


@dataclass(frozen=True, slots=True)
class PamService:
    """The service's name; where the files of services are, if not in /etc/pam.d; the first user with a maildrop and the
    last, as Debian's login.defs numbers people."""

    name: str = "postane"
    folder: Path | None = None
    first_uid: int = 1000
    last_uid: int = 60000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where users are looked up (KeyError: there is none), the clock that never jumps, and how to wait."""

    find_user: Callable[[str], User] = pwd.getpwnam
    steady: Callable[[], float] = time.monotonic
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep


class PamAccounts(PartialAccounts):
    """An AccountStore over the users of this machine. Raises AccountsUnavailable where there is no Linux-PAM.

    `own_domains` are those whose mail belongs to them. Threads are started at the first question.
    """

    def __init__(
        self, service: PamService, *, own_domains: tuple[str, ...] = (), surroundings: Surroundings | None = None
    ) -> None:
        super().__init__()
        self._uids = range(service.first_uid, service.last_uid + 1)
        self._own_domains = frozenset(fold_domain(domain) for domain in own_domains)
        self._surroundings = surroundings or Surroundings()
        self._pam = _open(service)
        self._asking = ThreadPoolExecutor(THREADS, "postane-pam")
        self._finding = ThreadPoolExecutor(THREADS, "postane-users")  # mail goes on where logins hang

    async def verify_password(self, name: str, password: str) -> Proof:
        """See AccountStore."""
        return await self._evenly(self._verify(name, hashes.octets_of(password)))

    async def admit(self, name: str, credential: str) -> Proof:
        """See AccountStore. PAM's account management must agree."""
        account = await self._claimed(name)
        if account is None:
            raise _refusal(name, "no such user")
        answer = await self._in(self._asking, lambda: self._pam.check_account(account.name))
        return _proof(account, credential, answer)

    async def find(self, name: str) -> Account | None:
        """See AccountStore. PAM does not tell who is disabled before somebody wants to come in: nobody is, here."""
        wanted = canonical(name)
        return None if wanted is None else await self._in(self._finding, lambda: self._look_up(wanted))

    async def resolve(self, local_part: str, domain: str | None) -> Account | None:
        """See AccountStore. The system knows no aliases."""
        for name in meanings(local_part, domain, self._own_domains):
            if account := await self.find(name):
                return account
        return None

    async def is_local(self, domain: str) -> bool:
        """See AccountStore. Users have no domains: only those that the post office was told."""
        return fold_domain(domain) in self._own_domains

    async def close(self) -> None:
        """See AccountStore. A module that hangs is not waited for."""
        for pool in (self._asking, self._finding):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _verify(self, name: str, password: bytes) -> Proof:
        account = await self._claimed(name)
        if account is None:
            raise _refusal(name, "no such user")
        if not password or b"\0" in password:  # C ends it there
            raise _refusal(name, "the password is empty or has a NUL in it")
        answer = await self._in(self._asking, lambda: self._pam.check_password(account.name, password))
        return _proof(account, "password", answer)

    async def _evenly(self, verifying: Awaitable[Proof]) -> Proof:
        """Hold a refusal back, so that its time does not tell why."""
        start = self._surroundings.steady()
        try:
            return await verifying
        except LoginRefused:
            spent = self._surroundings.steady() - start
            await self._surroundings.wait(math.ceil(spent / GRID) * GRID - spent)
            raise

    async def _claimed(self, name: str) -> Account | None:
        """Whom a client means that logs in by `name`: mail programs give the whole address of a bare name too."""
        account, bare = await self.find(name), bare_name(name, self._own_domains)
        return await self.find(bare) if account is None and bare is not None else account

    def _look_up(self, name: str) -> Account | None:
        try:
            user = self._surroundings.find_user(name)
        except (KeyError, ValueError):  # ValueError: a name that no system can have
            return None
        if user.pw_uid not in self._uids or user.pw_uid == NOBODY or canonical(user.pw_name) != user.pw_name:
            return None
        return Account(user.pw_name, user.pw_name) if user.pw_name == name else None

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], ResultT]) -> ResultT:
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work)
        except OSError as error:
            raise AccountsUnavailable(UNAVAILABLE, f"{error.strerror or error}") from error


def _open(service: PamService) -> Pam:
    if sys.platform != "linux":
        raise AccountsUnavailable(UNAVAILABLE, "accounts by PAM are for Linux")
    try:
        return Pam(service.name, service.folder)
    except LibraryMissing as error:
        raise AccountsUnavailable(UNAVAILABLE, str(error)) from error


def _proof(account: Account, credential: str, answer: Answer) -> Proof:
    if answer.word is Word.YES:
        return Proof(account, credential)
    if answer.word is Word.NO:
        raise _refusal(account.name, f"PAM says no: {answer.text}")
    raise AccountsUnavailable(UNAVAILABLE, f"PAM, for {show_name(account.name)}: {answer.text}")


def _refusal(name: str, why: str) -> LoginRefused:
    return LoginRefused(REFUSED, f"{show_name(name)}: {why}")
