"""The history: kept between conversations, never a secret, its owner's alone."""

import stat
from pathlib import Path

from postane.cli.talk_history import KEPT, TalkHistory, history_path


def history(path: Path) -> TalkHistory:
    return TalkHistory(path, lambda line: not line.startswith("PASS"))


def test_where_it_is(tmp_path: Path):
    assert history_path({}, tmp_path) == tmp_path / ".local/state/postane/talk-history"
    assert history_path({"XDG_STATE_HOME": "/x"}, tmp_path) == Path("/x/postane/talk-history")


def test_what_may_be_kept_is_kept(tmp_path: Path):
    path = tmp_path / "state" / "talk-history"
    first = history(path)
    for line in ("USER mrose", "PASS tanstaaf", "  ", "STAT"):
        first.append_string(line)
    assert first.get_strings() == ["USER mrose", "STAT"]
    assert path.read_text() == "USER mrose\nSTAT\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(history(path).load_history_strings()) == ["STAT", "USER mrose"]


def test_a_file_that_was_open_to_others_is_closed(tmp_path: Path):
    path = tmp_path / "talk-history"
    path.write_text("STAT\n" * (KEPT + 5))
    path.chmod(0o644)
    history(path).append_string("LIST")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(list(history(path).load_history_strings())) == KEPT


def test_a_place_that_cannot_be_written_stops_nobody(tmp_path: Path):
    (tmp_path / "file").write_text("")
    lost = history(tmp_path / "file" / "talk-history")
    lost.append_string("STAT")
    assert lost.get_strings() == ["STAT"]
    assert list(lost.load_history_strings()) == []
