"""From a configuration to parts that work."""

from pathlib import Path

from postane.accounts.throttle import private_slate
from postane.app import host_name, open_services
from postane.config.file import load_config
from postane.config.model import SERVICES, Config
from postane.server.limits import private_tally
from postane.smtp.body import BareNewlines


def load(folder: Path, text: str) -> Config:
    path = folder / "postane.toml"
    path.write_text(f'[storage]\npath = "{folder}/store"\n{text}')
    return load_config(path)


async def test_what_is_configured_reaches_the_desks(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        [limits]
        per_account = 3
        idle = "11m"
        [auth]
        plaintext_without_tls = "never"
        mechanisms = ["plain"]
        [maildrop]
        lock = "wait"
        lock_wait = "3s"
        """,
    )
    services = open_services(config, private_tally(), private_slate())
    office = services.office
    assert (office.limits.per_account, office.limits.idle) == (3, 660.0)
    assert (office.lock.policy, office.lock.wait) == ("wait", 3.0)
    assert office.mechanisms == ("PLAIN",)
    assert not office.plaintext_on_loopback
    assert not office.plaintext_elsewhere
    assert set(services.desks) == set(SERVICES)
    assert services.tls is None
    assert office.token() != office.token()
    await services.close()
    assert not (tmp_path / "store").exists(), "nothing is opened before it is used"


def test_the_host_name_has_a_default() -> None:
    assert host_name(Config(hostname="mail.example.org")) == "mail.example.org"
    assert host_name(Config())


def test_newlines_are_refused_unless_told_otherwise() -> None:
    assert BareNewlines(Config().smtp.bare_newlines) is BareNewlines.REFUSE
