"""Devices that are written all at once are what the library would have made: one can log in with them."""

import sqlite3
from contextlib import closing
from pathlib import Path

from postane.app import open_accounts
from postane.backends import accounts_place
from postane.config.file import load_config

CONFIG = """\
[storage]
path = "{store}"
[smtp]
domains = ["bench.example"]
"""


async def test_accounts_and_devices_can_log_in(load, tmp_path: Path) -> None:
    path = tmp_path / "postane.toml"
    path.write_text(CONFIG.format(store=tmp_path / "store"))
    (tmp_path / "store").mkdir(mode=0o700)
    config = load_config(path)
    load("", "accounts").add_accounts(config, ["a", "b"], ["b"])
    with closing(sqlite3.connect(accounts_place(config).database)) as database:
        keys = database.execute("SELECT account, label, count(*) FROM scram GROUP BY 1, 2").fetchall()
    assert keys == [("a", "", 2), ("b", "", 2), ("b", "bench", 2)]  # else the first login of each would make them
    accounts = open_accounts(config)
    try:
        proofs = [await accounts.verify_password(name, "secret") for name in ("a", "b")]
    finally:
        await accounts.close()
    assert [(proof.account.name, proof.credential) for proof in proofs] == [("a", "password"), ("b", "device bench")]
