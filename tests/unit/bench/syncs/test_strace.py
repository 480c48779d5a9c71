"""An answer before what it stands for was durable is seen, and only that."""

import pytest

STORE, DROP = "/s", "/s/drops/ab/anna"
WAL = f"{DROP}/index.sqlite-wal"

WRITE = f'7 1.0 pwrite64(5<{WAL}>, "x", 1, 0) = 1'
SYNC = f"7 1.1 fdatasync(5<{WAL}>) = 0"
ANSWER = '6 1.2 write(9<TCP:[127.0.0.1:24->127.0.0.1:5000]>, "250 2.0.0 stored\\r\\n", 18) = 18'


@pytest.mark.parametrize(
    ("lines", "early"),
    [
        ([WRITE, SYNC, ANSWER], []),
        ([WRITE, ANSWER, SYNC], [WAL]),
        ([WRITE, ANSWER], [WAL]),
        ([WRITE, SYNC, WRITE, ANSWER], [WAL]),
        ([WRITE, SYNC.replace("= 0", "= -1 EIO (Input/output error)"), ANSWER], [WAL]),
        ([WRITE, "7 1.1 fdatasync(5<" + WAL + "> <unfinished ...>", ANSWER], [WAL]),
        ([WRITE, f"7 1.1 fdatasync(5<{WAL}> <unfinished ...>", "7 1.2 <... fdatasync resumed>) = 0", ANSWER], []),
        ([f'7 1.0 link("/s/tmp/b", "{DROP}/blobs/b") = 0', ANSWER], [f"{DROP}/blobs"]),
        ([f'7 1.0 link("/s/tmp/b", "{DROP}/blobs/b") = 0', f"7 1.1 fsync(5<{DROP}/blobs>) = 0", ANSWER], []),
        ([f'7 1.0 mkdir("{DROP}/blobs", 0700) = -1 EEXIST (File exists)', ANSWER], []),
        ([WRITE.replace("anna", "otto"), ANSWER], []),
        ([f'7 1.0 write(5<{DROP}/lease>, "x", 1) = 1', ANSWER], []),
    ],
)
def test_an_answer_before_what_it_stands_for_is_seen(load, lines: list[str], early: list[str]) -> None:
    strace = load("syncs", "strace")
    story = strace.read_story(list(strace.parse_trace("\n".join(lines))), STORE, [DROP], "250")
    assert (story.answers, story.too_early) == (1, early)


@pytest.mark.parametrize(("order", "is_early"), [("write sync answer", False), ("write answer sync", True)])
def test_a_mark_is_followed_to_its_own_answer(load, order: str, is_early: bool) -> None:
    strace = load("syncs", "strace")
    lines = {"write": WRITE.replace('"x"', '"..mark-3-.."'), "sync": SYNC, "answer": ANSWER}
    events = list(strace.parse_trace("\n".join(lines[word] for word in order.split())))
    assert bool(strace.early_marks(events, STORE, {5000: "mark-3-"})) is is_early
    assert strace.early_marks(events, STORE, {5000: "mark-4-"}), "what was never written was never durable"
