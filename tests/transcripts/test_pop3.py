"""POP3 dialogues as text, played against the real machine, desk and loop."""

from pathlib import Path

import pytest

from postane.accounts.memory import MemoryAccounts
from postane.languages.catalogues import load_tongues
from postane.maildrop.memory import memory_store
from postane.pop3.languages import Languages
from support.pop3 import make_office, play, put, sized

SCRIPTS = sorted((Path(__file__).parent / "pop3").glob("*.txt"))
TONGUES = load_tongues()
MESSAGES = (sized(120, "one"), sized(200, "two"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
async def test_dialogue(script: Path) -> None:
    accounts, store = MemoryAccounts(), memory_store()
    accounts.add("mrose", password="mrosepass")
    accounts.add("tanstaaf-user")
    # APOP's secrets are device passwords; the article's dialogue shows mrose with the password of USER and PASS.
    if script.stem != "founding-fallback":
        accounts.add_device("mrose", "article", "mrosepass")
    accounts.add_device("tanstaaf-user", "rfc", "tanstaaf")
    await put(store, "mrose", *MESSAGES)
    await put(store, "tanstaaf-user", *MESSAGES)
    languages = Languages(TONGUES, TONGUES[2]) if script.stem == "rfc6856-lang" else Languages()
    is_legacy = script.stem.startswith("legacy")
    office = make_office(store, accounts, mechanisms=("PLAIN", "LOGIN"), languages=languages, is_legacy=is_legacy)
    await play(script, office, MESSAGES)


def test_there_are_dialogues() -> None:
    assert {"founding", "founding-fallback", "rfc1939-s10"} <= {path.stem for path in SCRIPTS}
