"""Access tokens of OAuth, as fetch.toml names them.

Must not know: what they are for.
"""

from postane.config.fetching import FetchConfig
from postane.config.text import ConfigError
from postane.credentials.base import SecretSource


def token_source(config: FetchConfig, provider: str, account: str) -> SecretSource:
    """What gives tokens for an account. Raises ConfigError."""
    raise ConfigError(f"account {account}: {provider}")
