"""docs/reference/fetch.md: the keys of fetch.toml, from the classes that read it."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

HEAD = """What `postane fetch` reads: a TOML file, named with `-c`, else the first that is there of {searched}.
A key may be left out where it has a default. Sizes are written `50MB`, `64kB` (powers of 1024) or as octets, durations
`10m`, `60s`, `1.5h`, `30d`, addresses `HOST:PORT`, `[IPV6]:PORT` or `unix:/PATH`; `~` in a path is your home. What is
unknown or wrong is refused with the file, the line, the key and what would be right; `postane fetch check` says it
before. [Fetching mail](../fetch.md) tells what it is for.

```toml
[[account]]
name = "work"
url = "pop3s://you@pop.example.org"
password = {{ keyring = "mail" }}
keep = "30d"
[[account.deliver]]
maildir = "~/Mail/work"
```"""

PASSWORDS = """Wherever a password stands, it is a text, which is the password itself, or a table with one of these
keys: `password = {{ env = "MAIL_PASSWORD" }}`."""


def page(made: str, keys: Callable[[dict[str, Any]], Iterator[str]]) -> Iterator[str]:
    """The page; `keys` writes a table of fields."""
    from postane.config.fetch_file import SEARCHED
    from postane.config.fetching import Account, Deliver, FetchConfig, Filter, Multidrop
    from postane.config.secrets import OauthProvider, SecretPlace

    yield "# fetch.toml\n"
    yield made
    yield HEAD.format(searched=", ".join(f"`{each}`" for each in SEARCHED))
    yield "\n## At the top of the file\n"
    yield from keys(FetchConfig.model_fields)
    for heading, table in (
        ("[[account]]", Account),
        ("[[account.deliver]]", Deliver),
        ("[[account.filters]]", Filter),
        ("[account.multidrop]", Multidrop),
    ):
        yield f"\n## {heading}\n\n{inspect.getdoc(table)}\n"
        yield from keys(table.model_fields)
    yield f"\n## Passwords\n\n{PASSWORDS.format()}\n"
    yield from keys(SecretPlace.model_fields)
    yield f"\n## [oauth.NAME]\n\n{inspect.getdoc(OauthProvider)}\n"
    yield from keys(OauthProvider.model_fields)
    yield from printed()


PRINTED = """What programs read of each command; the elements of a list have a table below it."""


def printed() -> Iterator[str]:
    """The JSON of the commands."""
    from postane.cli.fetch_fields import PAGES
    from postane.cli.fetch_show import CODES

    yield f"\n## JSON\n\n{PRINTED}"
    for command, fields, inner in PAGES:
        yield f"\n### {command}\n"
        yield from _fields(fields)
        for name, each in inner.items():
            yield f"\n`{name}`:\n"
            yield from _fields(each)
    yield "\n### trouble\n\n| trouble | exit code |\n|---|---|"
    yield from (f"| `{trouble}` | {code} |" for trouble, code in CODES.items())


def _fields(fields: Mapping[str, str]) -> Iterator[str]:
    yield "| field | |"
    yield "|---|---|"
    yield from (f"| `{field}` | {words} |" for field, words in fields.items())
