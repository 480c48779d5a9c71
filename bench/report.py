"""What came out, for people and for programs: tables, plots, JSON, and the page in docs."""

import dataclasses
import json
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dovecot_peer import DovecotPeer
from page import DOCS, put, put_pictures
from peers import machine
from plan import Scenario
from plots import plot
from table import Column, Runs, complaints, cpu_table, figures_table, noise, side_tables, summary
from twisted_peer import TwistedPeer

PAGE = DOCS / "benchmarks.md"
SHOWN = ("sessions", "sessions-tls", "retr", "retr16", "retr16-tls", "retr10m", "large", "lmtp16", "idle")
"""The plots that the page shows; it links to the others."""

BEGIN, END = "<!-- the last run: begin -->", "<!-- the last run: end -->"


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the benchmark; `seconds` is how long all of it took, `spent` each part; `hurried` had one round."""

    scenarios: Sequence[Scenario]
    columns: Sequence[Column]
    runs: Runs
    troubles: Sequence[str]
    rounds: int
    seconds: float
    spent: Mapping[str, float]
    hurried: Sequence[str] = ()

    def text(self) -> str:
        """All that is printed."""
        of = (self.scenarios, self.columns, self.runs)
        told = [f"VOID: {each}" for each in self.complaints()]
        return "\n\n".join(
            [self.facts(), figures_table(*of), summary(*of), *told, cpu_table(*of), *side_tables(*of), self.durations()]
        )

    def durations(self) -> str:
        """How long each part took."""
        told = "Seconds: " + ", ".join(f"{what} {seconds:.0f}" for what, seconds in self.spent.items())
        if self.hurried:
            told += f". Time was short: one round of {', '.join(self.hurried)}"
        return f"{told}; {self.seconds:.0f} in all."

    def complaints(self) -> list[str]:
        """Peers that are out, figures that are void."""
        return [*self.troubles, *complaints(self.runs)]

    def facts(self) -> str:
        """What it ran on, and how much else went on."""
        tls = next((run.tls for outcomes in self.runs.values() for run in outcomes if run.tls), "no TLS")
        others = [version for version in (DovecotPeer.version(), TwistedPeer.version()) if version]
        return (
            f"{machine()}; {ssl.OPENSSL_VERSION.rsplit(' ', 3)[0]}, {tls}; {', '.join(others) or 'no peers'}; "
            f"{self.rounds} round(s), {self.seconds:.0f} seconds in all; {noise(self.runs)}"
        )


def write_results(report: Report, folder: Path, also: Path | None) -> None:
    """Every outcome of every round as JSON, and a plot for each scenario."""
    folder.mkdir(parents=True, exist_ok=True)
    told = [
        {"scenario": scenario, "peer": peer, "rounds": [dataclasses.asdict(outcome) for outcome in outcomes]}
        for (scenario, peer), outcomes in report.runs.items()
    ]
    facts = {"facts": report.facts(), "peers": {column.key: column.name for column in report.columns}}
    text = json.dumps({**facts, "runs": told}, indent=1) + "\n"
    for file in (folder / "results.json", also):
        if file is not None:
            file.write_text(text)
    (folder / "table.md").write_text(report.text() + "\n")
    for scenario in report.scenarios:
        if drawn := plot(scenario, report.columns, report.runs):
            (folder / f"{scenario.key}.svg").write_text(drawn)


def write_docs(report: Report) -> None:
    """Put the tables between the page's markers, and the plots beside it. Raises RuntimeError without markers."""
    drawn = {each.key: plot(each, report.columns, report.runs) for each in report.scenarios}
    links = put_pictures(PAGE, {key: picture for key, picture in drawn.items() if picture})
    titles = {each.key: each.rows[0].title for each in report.scenarios}
    shown = [f"![{titles[key]}]({place})" for key, place in links.items() if key in SHOWN]
    if others := ", ".join(f"[{key}]({place})" for key, place in links.items() if key not in SHOWN):
        shown.append(f"The other plots: {others}.")
    day = time.strftime("%Y-%m-%d", time.gmtime())
    put(PAGE, BEGIN, END, "\n\n".join([f"{day}, `make bench-docs`.", report.text(), *shown]))
