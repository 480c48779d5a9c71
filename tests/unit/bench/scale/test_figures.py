"""What grows where it need not is told."""

import xml.etree.ElementTree


def test_a_curve_that_grows_where_it_need_not_is_told_and_drawn(load) -> None:
    figures, plot = load("scale", "figures"), load("scale", "plot")
    flat, grown = (figures.Curve(name, [(0, 5.0), (1000, top)]) for name, top in (("flat", 6.0), ("grown", 50.0)))
    may = figures.Curve("may", [(10, 5.0), (1000, 500.0)], may_grow=True, why="It lists.")
    picture = figures.Picture("key", "a < b", "x", "y", [flat, grown, may])
    assert figures.Part("part", [], [picture], findings=["more"]).grown() == [grown.verdict(), "more"]
    assert "GROWS 10.0x" in grown.verdict()
    xml.etree.ElementTree.fromstring(plot.draw(picture))


def test_one_lucky_look_is_no_growth(load) -> None:
    figures = load("scale", "figures")

    def curve(*values: float):
        return figures.Curve("name", [(10**power, value) for power, value in enumerate(values, 1)])

    assert not curve(530, 625, 450, 626, 305, 620).has_grown
    assert curve(530, 625, 450, 626, 305, 990).has_grown
    assert curve(300, 310, 620).has_grown, "three looks are too few to leave one out"
