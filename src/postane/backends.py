"""Where the account stores are chosen and joined: from [[accounts]] tables to one store that asks all of them.

Stores whose libraries are extras are imported when a table names them: the message says what to install.

Must not know: how any of them works.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from postane.accounts.base import AccountStore, AccountsUnavailable
from postane.accounts.chain import ChainAccounts
from postane.accounts.local import LocalAccounts
from postane.accounts.records import Place
from postane.config.backends import (
    ANY_AUDIENCE,
    Backend,
    LdapBackend,
    LocalBackend,
    OauthBackend,
    PamBackend,
    PasswdFileBackend,
    PostgresBackend,
)
from postane.config.file import ConfigError
from postane.config.model import Config
from postane.supervisor.ownership import owner_of_files


def open_backends(config: Config, own_domains: tuple[str, ...]) -> AccountStore:
    """The account store of a configuration; nothing is asked before it is. Raises ConfigError.

    `own_domains` are those whose mail belongs to accounts without a domain. Tokens are checked first, and say whom they
    mean; all other tables, in their order, say who that is.
    """
    stores = [_open(table, config, own_domains) for table in config.accounts if not isinstance(table, OauthBackend)]
    oauth = [table for table in config.accounts if isinstance(table, OauthBackend)]
    if not stores and oauth:
        raise ConfigError('[[accounts]]: tokens prove names, and no table has names: add one with kind = "local"')
    directory = stores[0] if len(stores) == 1 else _joined(stores, config, own_domains)
    if not oauth:
        return directory
    tokens = [_open_oauth(table, directory) for table in oauth]
    return ChainAccounts([*tokens, directory], own_domains=own_domains)


def _joined(stores: list[AccountStore], config: Config, own_domains: tuple[str, ...]) -> AccountStore:
    is_named = config.auth.mechanisms is not None
    return ChainAccounts(stores, own_domains=own_domains, scram_of_any=is_named)


def _open(table: Backend, config: Config, own_domains: tuple[str, ...]) -> AccountStore:
    with _explained(table.kind):
        return _OPENERS[type(table)](table, config, own_domains)


def _open_local(table: LocalBackend, config: Config, own_domains: tuple[str, ...]) -> AccountStore:
    del table
    return LocalAccounts(accounts_place(config), own_domains=own_domains, cache_seconds=config.auth.cache)


def accounts_place(config: Config) -> Place:
    """Where the accounts are that `postane user` manages."""
    owner = None
    with suppress(ConfigError):  # a user that is not there is told of where one is needed
        owner = owner_of_files(config)
    return Place(config.storage.path, config.auth.key_file, owner)


def _open_passwd_file(table: PasswdFileBackend, config: Config, own_domains: tuple[str, ...]) -> AccountStore:
    from postane.accounts.passwd_file import PasswdFile, PasswdFileAccounts

    def decoy_key() -> bytes:  # one for all workers
        vault = accounts_place(config).vault()
        vault.make_key()
        return vault.derive("decoys of a passwd-file")

    file, cache = PasswdFile(table.path, table.scheme), config.auth.cache
    return PasswdFileAccounts(file, own_domains=own_domains, cache_seconds=cache, decoy_key=decoy_key)


def _open_postgres(table: PostgresBackend, config: Config, own_domains: tuple[str, ...]) -> AccountStore:
    from postane.accounts.database import Database
    from postane.accounts.postgres import PostgresAccounts, Queries

    database = Database(table.url, table.password_file, table.timeout)
    queries = Queries.parse(table.password_query, table.address_query, table.domain_query, table.update_query)
    cache = config.auth.cache
    return PostgresAccounts(database, queries, own_domains=own_domains, scheme=table.scheme, cache_seconds=cache)


def _open_ldap(table: LdapBackend, config: Config, own_domains: tuple[str, ...]) -> AccountStore:
    from postane.accounts.directory import Directory
    from postane.accounts.ldap import LdapAccounts, Tree

    directory = Directory(table.url, table.bind_dn, table.password_file, table.ca, table.start_tls, table.timeout)
    tree = Tree.parse(table.base, table.filter, table.address_filter, table.name, table.enabled_filter)
    return LdapAccounts(directory, tree, own_domains=own_domains, cache_seconds=config.auth.cache)


def _open_pam(table: PamBackend, config: Config, own_domains: tuple[str, ...]) -> AccountStore:
    del config
    from postane.accounts.pam import PamAccounts, PamService

    service = PamService(table.service, first_uid=table.first_uid, last_uid=table.last_uid)
    return PamAccounts(service, own_domains=own_domains)


def _open_oauth(table: OauthBackend, directory: AccountStore) -> AccountStore:
    with _explained(table.kind):
        from postane.accounts.oauth import OauthSettings, open_oauth
        from postane.net.http import HttpsClient

        settings = OauthSettings(**table.model_dump(exclude={"kind", "ca", "timeout"}))
        if table.audience == ANY_AUDIENCE:
            settings = replace(settings, audience=None)
        http = HttpsClient(timeout=table.timeout, authority=table.ca)
        return open_oauth(settings, directory, time.time, http)


_EXTRAS = {"ldap": "ldap", "postgresql": "cluster", "oauth": "oauth"}

_OPENERS: dict[type, Callable[..., AccountStore]] = {
    LdapBackend: _open_ldap,
    LocalBackend: _open_local,
    PamBackend: _open_pam,
    PasswdFileBackend: _open_passwd_file,
    PostgresBackend: _open_postgres,
}


@contextmanager
def _explained(kind: str) -> Iterator[None]:
    """What a store says of its settings, in the words of the file. Raises ConfigError."""
    try:
        yield
    except ImportError as error:
        extra = _EXTRAS.get(kind)
        remedy = f"; pip install 'postane[{extra}]'" if extra else ""
        raise ConfigError(f'[[accounts]] kind = "{kind}": {error.name or error} is not installed{remedy}') from error
    except (ValueError, AccountsUnavailable) as error:
        raise ConfigError(f'[[accounts]] kind = "{kind}": {error}') from error
