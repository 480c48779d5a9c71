"""Stacks without the threads that wait, and the picture of them."""

import xml.etree.ElementTree


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
