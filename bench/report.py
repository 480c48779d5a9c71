"""What came out, for people and for programs: tables, plots, JSON, and the page in docs."""

import dataclasses
import json
import os
import platform
import re
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dovecot_peer import DovecotPeer
from plan import Scenario
from plots import plot
from table import Column, Runs, complaints, cpu_table, figures_table, noise, side_tables, summary
from twisted_peer import TwistedPeer

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
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


def machine() -> str:
    """What it ran on."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"


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
    page = PAGE.read_text()
    if BEGIN not in page or END not in page:
        raise RuntimeError(f"{PAGE} has no place for the last run")
    pictures = PAGE.with_suffix("")
    pictures.mkdir(exist_ok=True)
    for old in pictures.glob("*.svg"):
        old.unlink()
    shown, linked = [], []
    for scenario in report.scenarios:
        if drawn := plot(scenario, report.columns, report.runs):
            file = pictures / f"{scenario.key}.svg"
            file.write_text(drawn)
            place = f"{pictures.name}/{file.name}"
            if scenario.key in SHOWN:
                shown.append(f"![{scenario.rows[0].title}]({place})")
            else:
                linked.append(f"[{scenario.key}]({place})")
    if linked:
        shown.append(f"The other plots: {', '.join(linked)}.")
    day = time.strftime("%Y-%m-%d", time.gmtime())
    made = "\n\n".join([BEGIN, f"{day}, `make bench-docs`.", report.text(), *shown, END])
    PAGE.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: made, page, flags=re.DOTALL))
