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
