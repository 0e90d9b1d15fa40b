"""The documentation's pages of verdicts and of pictures, from those that are recorded."""

from __future__ import annotations

from collections import Counter

from experiments.reproduction import Experiment, Recorded, experiments
from experiments.verdicts import FAILS, HOLDS, OUTCOMES, Verdict

INTRODUCTION = """# Verdicts

What papers claim, beside what was measured. Each claim *holds*, *does not hold*, or is *not testable at this size*, by
the whole 95% interval of what was measured; one that does not hold stays here, with the reason where it is known.
`banditlab reproduce NAME` does it again, at full size or with `--quick`; sizes are in `experiments/NAME/config.toml`.
Numbers are those that `banditlab reproduce NAME --record` recorded, at the size and on the date that is given.
"""

UNKNOWN = "reason not known"


def verdict_page() -> str:
    """Return the page in Markdown."""
    every = experiments()
    found = {name: recorded for name, e in every.items() if (recorded := e.recorded()) is not None}
    lines = [INTRODUCTION, *_overview(found)]
    for name, recorded in found.items():
        lines += _section(every[name], recorded)
    return "\n".join(lines) + "\n"


GALLERY = """# Gallery

What every theory-validation experiment shows, as `banditlab reproduce` draws it. A picture leads to the claims that
were tested, with what was measured.

"""


def gallery_page() -> str:
    """Return the page of pictures in Markdown: a card an experiment and figure, which leads to its verdicts."""
    lines = ["::::{grid} 1 1 2 2", ":gutter: 3", ""]
    for name, experiment in experiments().items():
        recorded = experiment.recorded()
        for figure in recorded.figures if recorded else ():
            lines += [":::{grid-item-card}", f":link: verdicts.html#{name.replace('_', '-')}", ":link-type: url"]
            lines += [f":img-top: ../verdicts/{figure}", f":img-alt: {experiment.summary}", ""]
            lines += [f"{_cell(experiment.summary)}", ":::", ""]
    return GALLERY + "\n".join([*lines, "::::", ""])


def _overview(found: dict[str, Recorded]) -> list[str]:
    """Return the table of how many claims have which verdict, and the list of those that do not hold."""
    counts = {name: Counter(v.outcome for v in recorded.verdicts) for name, recorded in found.items()}
    lines = [f"| experiment | size | {' | '.join(OUTCOMES)} |", "|---|---|" + "---:|" * len(OUTCOMES)]
    for name, recorded in found.items():
        numbers = " | ".join(str(counts[name][outcome]) for outcome in OUTCOMES)
        lines.append(f"| [{name}](#{name}) | {recorded.size} | {numbers} |")
    total: Counter[str] = sum(counts.values(), Counter())
    lines += [f"| all | | {' | '.join(str(total[outcome]) for outcome in OUTCOMES)} |", ""]
    failed = [(name, v) for name, recorded in found.items() for v in recorded.verdicts if v.outcome == FAILS]
    if failed:
        lines += ["What does not hold:", ""]
        together: dict[tuple[str, str, str], list[str]] = {}
        for name, v in failed:
            together.setdefault((name, v.source, v.reason or UNKNOWN), []).append(_cell(v.claim))
        for name in dict.fromkeys(name for name, _ in failed):
            lines += [f"* [{name}](#{name})", ""]
            lines += [
                f"    * {'; '.join(claims)} (*{_cell(source)}*): {_cell(reason)}"
                for (where, source, reason), claims in together.items()
                if where == name
            ]
            lines.append("")
    return lines


def _section(experiment: Experiment, recorded: Recorded) -> list[str]:
    """Return the section of an experiment: what it is, figures, verdicts."""
    summary, *more = experiment.about.split("\n\n")
    when = f"Recorded on {recorded.date} at {recorded.size} size, with banditlab {recorded.version}:"
    lines = [f"## {experiment.name}", "", summary, "", *(f"{paragraph}\n" for paragraph in more)]
    lines += [f"![{summary}](../verdicts/{figure})\n" for figure in recorded.figures]
    quick = " --quick" if recorded.size == "quick" else ""
    lines += [f"{when} `banditlab reproduce {experiment.name}{quick}`.", ""]
    lines += ["| claim | source | theory | measured | 95% interval | verdict |", "|---|---|---|---|---|---|"]
    return lines + [_row(v) for v in recorded.verdicts] + [""]


def _row(v: Verdict) -> str:
    outcome = v.outcome if v.outcome == HOLDS else f"**{v.outcome}**"
    if v.outcome != HOLDS and v.reason:
        outcome += f": {v.reason}"
    if v.outcome == FAILS and not v.reason:
        outcome += f": {UNKNOWN}"
    interval = f"[{_number(v.low)},\N{NO-BREAK SPACE}{_number(v.high)}]"
    return (
        "| "
        + " | ".join(_cell(c) for c in (v.claim, v.source, v.theory, _number(v.measured), interval, outcome))
        + " |"
    )


def _number(value: float) -> str:
    return "-" if value != value else f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _cell(text: str) -> str:
    """Return text that a table's cell shows as it is, but for bold."""
    for special in ("\\", "|", "_", "<", "`", "$", "~", "^", "["):
        text = text.replace(special, "\\" + special)
    return text
