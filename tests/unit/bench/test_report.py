"""The page and the pictures: the tables stand between the markers, a plot for each scenario beside them."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

Load = Callable[[str, str], ModuleType]


def reported(load: Load) -> object:
    """A report of two scenarios and two peers, one of them void in one."""
    report, driver, scenarios, table = (load("", name) for name in ("report", "driver", "scenarios", "table"))
    latency = {"n": 1, "first_us": 900, "later_us": 800, "p50_us": 850, "p99_us": 2000}
    told = {"units": 100, "octets": 4096, "seconds": 1.0, "error": "", "series": {"unit": latency}}
    well = driver.read_outcome(told, driver.Used(0.1, 0.2, 0.3), 2**20, 2**10)
    wanted = [each for each in scenarios.scenarios(scenarios.QUICK) if each.key in ("sessions", "smtp1")]
    runs = {
        ("sessions", "postane"): [well],
        ("sessions", "floor"): [driver.nothing("PASS: -ERR <no>")],
        ("smtp1", "postane"): [well],
    }
    columns = [table.Column("postane", "Postane"), table.Column("floor", "doing nothing & more")]
    return report.Report(wanted, columns, runs, ["x is out"], 1, 12.0, {"set-up": 3.0, "sessions": 9.0}, ["smtp1"])


def test_a_report_tells_what_is_void_and_how_long_it_took(load: Load) -> None:
    text = reported(load).text()
    assert "VOID: x is out" in text
    assert "VOID: sessions, floor: PASS: -ERR <no>" in text
    assert "| sessions | 1,000 | void | - |" in text
    assert text.endswith("Seconds: set-up 3, sessions 9. Time was short: one round of smtp1; 12 in all.")


def test_the_page_is_written_between_its_markers(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, report = reported(load), load("", "report")
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nlast year\n{report.END}\nafter\n")
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "old.svg").touch()
    monkeypatch.setattr(report, "PAGE", page)
    report.write_docs(made)
    text = page.read_text()
    assert text.startswith(f"before\n{report.BEGIN}\n")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "last year" not in text
    assert "](page/sessions.svg)" in text
    assert "[smtp1](page/smtp1.svg)" in text
    assert sorted(file.name for file in (tmp_path / "page").iterdir()) == ["sessions.svg", "smtp1.svg"]
    page.write_text("no markers")
    with pytest.raises(RuntimeError, match="has no <!--"):
        report.write_docs(made)


def test_pictures_are_svg_that_names_every_peer_with_a_figure(load: Load, tmp_path: Path) -> None:
    load("", "report").write_results(reported(load), tmp_path, None)
    root = ElementTree.parse(tmp_path / "sessions.svg").getroot()
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("Postane") == 3  # its rate, its cost, its time
    assert "doing nothing & more" not in texts
    assert (tmp_path / "results.json").exists()
