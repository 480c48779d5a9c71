"""Tokens joined with a directory, for the contract suite: an authorization server that is asked, accounts in memory."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from postane.accounts.chain import ChainAccounts
from postane.accounts.memory import MemoryAccounts
from postane.accounts.oauth import OauthSettings, open_oauth
from postane.net.http import HttpsClient
from postane.sasl.base import Means
from support.account_houses import OUR_MEANS, OWN_DOMAINS, House
from support.authorization import CLIENT, open_authorization


@contextlib.asynccontextmanager
async def open_tokens(folder: Path) -> AsyncIterator[House]:
    """A chain of both, as a server with two [[accounts]] has it."""
    secret = folder / "secret"
    secret.write_text(CLIENT[1])
    secret.chmod(0o600)
    memory = MemoryAccounts(own_domains=OWN_DOMAINS)
    async with open_authorization() as server:
        settings = OauthSettings(
            introspection=f"{server.url}/introspect", client_id=CLIENT[0], client_secret_file=secret
        )
        tokens = open_oauth(settings, memory, time.time, HttpsClient())
        chain = ChainAccounts([tokens, memory], own_domains=OWN_DOMAINS)

        def give_token(name: str, token: str) -> str:
            server.tokens[token] = {"username": name, "exp": time.time() + 300}
            return "token"

        def give_secret(name: str, secret: str) -> str:
            memory.add_device(name, "phone", secret)
            return "device phone"

        try:
            yield House(chain, memory, OUR_MEANS | {Means.TOKEN}, give_secret, give_token)
        finally:
            await chain.close()


TOKENS: dict[str, Callable[[Path], AbstractAsyncContextManager[House]]] = {"tokens and memory": open_tokens}
"""By the name in the tests' ids."""
