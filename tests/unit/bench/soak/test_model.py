"""The model of the soak says no when mail is lost, doubled or changed, or when something grows without end."""

from types import ModuleType

import pytest


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
