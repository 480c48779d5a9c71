"""Access tokens as the proof of who somebody is (OAUTHBEARER, XOAUTH2): an account store that knows no accounts.

An authorization server says whose a token is; another store, the directory, says whether that is an account here.
RFC 7628 s3.1.

Must not know: protocols; how a token is checked (`jwt`, `introspection`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from postane.net.base import Http
from postane.sasl.base import Means

from .base import Account, AccountStore, AccountsUnavailable, LoginRefused, Proof
from .claims import BadToken, Demands, TokenChecker
from .names import show_name
from .partial import REFUSED, PartialAccounts
from .schema import UNAVAILABLE

NO_CHECK = "this account store takes access tokens alone"


@dataclass(frozen=True, slots=True)
class OauthSettings:
    """How tokens are checked: by the keys of `jwks` (a file or a URL), or by asking `introspection`.

    The names are those of the configuration, which says what each means. `cache` is for how many seconds an answer of
    `introspection` holds.
    """

    issuer: str | None = None
    audience: str | None = None
    jwks: str | None = None
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    introspection: str | None = None
    client_id: str | None = None
    client_secret_file: Path | None = None
    claim: str | None = None
    scope: str | None = None
    cache: float = 60.0


class OauthAccounts(PartialAccounts):
    """An AccountStore for tokens; `directory`, which it does not close, has the accounts."""

    def __init__(self, checker: TokenChecker, directory: AccountStore) -> None:
        super().__init__()
        self._checker = checker
        self._directory = directory

    @property
    def means(self) -> frozenset[Means]:
        """See AccountStore."""
        return frozenset({Means.TOKEN})

    async def verify_token(self, name: str | None, token: str) -> Proof:
        """See AccountStore."""
        try:
            claimed = await self._checker.check(token)
        except BadToken as error:
            raise LoginRefused(REFUSED, f"{show_name(name or '')}: the token was not taken: {error}") from None
        try:
            proof = await self._directory.admit(claimed, "token")
        except LoginRefused as error:
            raise LoginRefused(REFUSED, f"the token was right, but not whom it names: {error.log}") from None
        if name is not None:
            said = await self._directory.admit(name, "token")  # the directory knows which names mean the same account
            if said.account.name != proof.account.name:
                raise LoginRefused(REFUSED, f"{show_name(name)}: the token is that of {show_name(claimed)}")
        return proof

    async def verify_password(self, name: str, password: str) -> Proof:
        """See AccountStore. Nobody has a password here, so that no time can tell who exists."""
        del password
        raise LoginRefused(REFUSED, f"{show_name(name)}: {NO_CHECK}")

    async def admit(self, name: str, credential: str) -> Proof:
        """See AccountStore."""
        del credential
        raise LoginRefused(REFUSED, f"{show_name(name)}: {NO_CHECK}")

    async def find(self, name: str) -> Account | None:
        """See AccountStore."""
        del name
        return None

    async def resolve(self, local_part: str, domain: str | None) -> Account | None:
        """See AccountStore."""
        del local_part, domain
        return None

    async def is_local(self, domain: str) -> bool:
        """See AccountStore."""
        del domain
        return False

    async def close(self) -> None:
        """See AccountStore."""
        await self._checker.close()


def open_oauth(
    settings: OauthSettings, directory: AccountStore, clock: Callable[[], float], http: Http
) -> OauthAccounts:
    """The store of these settings; nothing is asked before the first token. `clock` is the time of day; `http`, which
    follows no redirects, is closed with the store.

    Raises AccountsUnavailable where what it needs is not installed.
    """
    try:
        return OauthAccounts(_checker(settings, clock, http), directory)
    except ModuleNotFoundError as error:
        words = f"access tokens need the module {(error.name or '').partition('.')[0]}: pip install 'postane[oauth]'"
        raise AccountsUnavailable(UNAVAILABLE, words) from None


def _checker(settings: OauthSettings, clock: Callable[[], float], http: Http) -> TokenChecker:
    from .https import Https
    from .introspection import Introspector, Server  # these need a library that few have a use for
    from .jwks import FileKeys, UrlKeys
    from .jwt import JwtChecker

    https = Https(http)
    if settings.introspection is not None:
        server = Server(settings.introspection, settings.client_id, settings.client_secret_file)
        return Introspector(server, https, _demands(settings, "username"), clock, settings.cache)
    where = settings.jwks or ""
    keys = UrlKeys(where, https, clock) if "://" in where else FileKeys(Path(where))
    return JwtChecker(keys, _demands(settings, "email"), settings.algorithms, clock)


def _demands(settings: OauthSettings, claim: str) -> Demands:
    return Demands(
        claim=settings.claim or claim,
        issuer=settings.issuer,
        audience=settings.audience,
        scope=settings.scope,
        must_end=settings.introspection is None,
    )
