"""What bench/profile, scale, soak and syncs make of what they see: that each can say no, above all."""

import subprocess
import sys
import xml.etree.ElementTree
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[3] / "bench"
STORE, DROP = "/s", "/s/drops/ab/anna"
WAL = f"{DROP}/index.sqlite-wal"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], ModuleType]]:
    """A module of a program, which is a script and no package."""
    before = set(sys.modules)

    def found(program: str, module: str) -> ModuleType:
        monkeypatch.syspath_prepend(BENCH)
        monkeypatch.syspath_prepend(BENCH / program)
        return import_module(module)

    yield found
    for name in set(sys.modules) - before:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize("program", ["profile", "scale", "soak", "syncs"])
def test_help_has_an_example(program: str) -> None:
    done = subprocess.run([sys.executable, BENCH / program, "--help"], capture_output=True, text=True, check=True)
    assert "Example: python bench/" in done.stdout
    assert "--json" in done.stdout


@pytest.mark.parametrize(("program", "word"), [("profile", "nothing"), ("scale", "nothing")])
def test_what_is_not_known_is_told_with_what_is(program: str, word: str) -> None:
    done = subprocess.run([sys.executable, BENCH / program, word], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"no such {'part' if program == 'scale' else 'scenario'}: {word}; there are " in done.stderr


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


def test_stacks_without_waiting_threads_and_a_picture_of_them(load) -> None:
    stacks, flame = load("profile", "stacks"), load("profile", "flame")
    around = "main (x.py:1);Runner.run (asyncio/runners.py:5)"
    found = stacks.at_work(
        stacks.parse_raw(
            f"{around};serve (postane/a.py:7);<deep> (b.py:1) 30\n{around};serve (postane/a.py:9) 10\n"
            "run (t.py:1);_worker (concurrent/futures/thread.py:81) 500\n"
        )
    )
    hot = {each.name: (each.own, each.cumulative) for each in stacks.hottest(found, 5)}
    assert hot == {"<deep> (b.py)": (0.75, 0.75), "serve (postane/a.py)": (0.25, 1.0)}
    picture = xml.etree.ElementTree.fromstring(flame.flame_graph(found, "a & b"))
    assert sum(each.get("class") == "f" for each in picture.iter()) == 4


def test_a_curve_that_grows_where_it_need_not_is_told_and_drawn(load) -> None:
    figures, plot = load("scale", "figures"), load("scale", "plot")
    flat, grown = (figures.Curve(name, [(0, 5.0), (1000, top)]) for name, top in (("flat", 6.0), ("grown", 50.0)))
    may = figures.Curve("may", [(10, 5.0), (1000, 500.0)], may_grow=True, why="It lists.")
    picture = figures.Picture("key", "a < b", "x", "y", [flat, grown, may])
    assert figures.Part("part", [], [picture], findings=["more"]).grown() == [grown.verdict(), "more"]
    assert "GROWS 10.0x" in grown.verdict()
    xml.etree.ElementTree.fromstring(plot.draw(picture))


def seen(model: ModuleType, drop: object, token: str, lines: int = 2) -> dict[str, int]:
    octets = b"Received: here\r\n" + model.letter(token, lines)
    drop.see(f"u-{token}", octets)  # type: ignore[attr-defined]
    return {f"u-{token}": len(octets)}


def test_the_model_sees_what_is_lost_doubled_changed_or_back(load) -> None:
    model = load("soak", "model")
    drop = model.Drop("d", held={"a": 2, "b": 2}, unsure={"c": 2})
    listed = {**seen(model, drop, "a"), **seen(model, drop, "b")}
    drop.check(listed, ["a", "b"])
    with pytest.raises(model.Wrong, match="LOST 1"):
        drop.check({"u-a": listed["u-a"]}, ["a", "b"])
    with pytest.raises(model.Wrong, match="twice"):
        drop.see("another", model.letter("a", 2))
    with pytest.raises(model.Wrong, match="not what was sent"):
        drop.see("u-a", model.letter("a", 1))
    with pytest.raises(model.Wrong, match="octets instead"):
        drop.check({**listed, "u-a": 1}, [])
    drop.forget({"a"})
    with pytest.raises(model.Wrong, match="was deleted"):
        drop.see("u-a", model.letter("a", 2))
    drop.check({"u-b": listed["u-b"], **seen(model, drop, "c")}, ["b"])
    assert set(drop.held) == {"b", "c"}


def test_a_quit_whose_answer_nobody_heard_is_done_whole_or_not_at_all(load) -> None:
    model = load("soak", "model")
    for present, is_right in (("ab", True), ("", True), ("a", False)):
        drop = model.Drop("d", held={"a": 2, "b": 2}, leaving={"a", "b"})
        listed = {uidl: octets for token in "ab" for uidl, octets in seen(model, drop, token).items()}
        told = {uidl: octets for uidl, octets in listed.items() if uidl[-1] in present}
        if is_right:
            drop.check(told, ["a", "b"])
            assert set(drop.held) == set(present)
        else:
            with pytest.raises(model.Wrong, match="in part"):
                drop.check(told, ["a", "b"])


@pytest.mark.parametrize(
    ("values", "is_flat"),
    [
        ([100.0] * 60, True),
        ([100.0 + 5 * (n % 2) for n in range(60)], True),
        ([100.0 + n for n in range(60)], False),
        ([100.0 + min(n, 30) for n in range(60)], True),
    ],
)
def test_growth_without_end_is_told_from_growth_that_ends(load, values: list[float], is_flat: bool) -> None:
    model = load("soak", "model")
    assert model.trend(list(enumerate(values)), 10.0).is_flat is is_flat


def test_every_step_of_the_store_is_told_in_the_docs() -> None:
    from postane.maildrop.sides import Step

    page = (BENCH.parent / "docs" / "durability.md").read_text()
    assert [step for step in Step if f"`{step.value}`" not in page] == []
