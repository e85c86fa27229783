"""Renders the verdict for the terminal: decision, reasons, metrics, guardrails, health."""

import sys

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from livelift.document import Document
from livelift.document.readings import Guardrail, Interval
from livelift.study import Study
from stats.words.formatting import percent as in_words

console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 120)
"""What a command is doing: standard error."""

answers = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
"""What a command was asked for, where it is not --json: standard output, to be piped into others."""

NARROW = 90
"""Columns that the whole table of metrics needs."""

DECISIONS = {
    "no_data": ("NO DATA YET", "bright_black"),
    "unhealthy": ("UNHEALTHY", "bold white on red"),
    "keep_running": ("KEEP RUNNING", "bold black on yellow"),
    "ship": ("SHIP", "bold white on green"),
    "dont_ship": ("DON'T SHIP", "bold white on red"),
}


def show_verdict(document: Document, study: Study, why: bool = False) -> None:
    """Print the document's verdict; with `why` every rule and number behind it."""
    answers.print(verdict_view(document, study, why))


def verdict_view(document: Document, study: Study, why: bool = False) -> RenderableType:
    """The verdict as something Rich can draw: the decision first, what a person needs of it, and with `why` all the rest."""
    parts: list[RenderableType] = [_headline(document), Text(document.summary), *alarms(document), ""]
    parts += [MetricsTable(document, study), "", _facts(document, study)]
    if why:
        parts += ["", _lifts(document), "", _reasons(document), "", _outlook(document), "", _input(document, study)]
    return Panel(
        Group(*parts),
        title=f"{study.title}",
        subtitle=f"run {document.run}" + ("" if why else "   all rules and numbers: --why"),
        expand=False,
    )


def _headline(document: Document) -> Text:
    words, style = DECISIONS[document.decision]
    text = Text.assemble((f" {words} ", style), f"  as of {document.as_of[:16].replace('T', ' ')}")
    progress = document.progress
    text.append(f", look {progress.look} of {progress.looks}")
    if document.preview:
        text.append("  preview between looks", "italic yellow")
    return text


def alarms(document: Document) -> list[Text]:
    """What was proven against a ship after it had been decided."""
    return [Text.assemble((" SINCE THEN ", "bold white on red"), f"  {alarm.words}") for alarm in document.alarms]


def _facts(document: Document, study: Study) -> Text:
    """What was decided and when, who is counted, when a decision is possible."""
    reading, unit = document.deciding, study.metrics[document.primary].unit
    decided, progress = document.decided, document.progress
    lines = []
    if reading.lift is not None:
        lines.append(f"lift {percent(reading.lift)}, always-valid interval {interval(reading.ci)}")
    if decided is not None:
        corrected = decided.lift_corrected
        fix = "" if corrected is None else f", corrected for stopping there {percent(corrected)}"
        lines.append(f"decided on {decided.time[:10]} at look {decided.look}, lift then {percent(decided.lift)}{fix}")
    elif not progress.ended:
        lines.append(f"a worse primary can be said from {progress.harm_from} on, ship from {progress.ship_from} on")
    each = reading.per_exposed_user
    if each is not None:
        lines.append(
            f"per exposed user: {number(each.control)} and {number(each.treatment)} {unit} in all, "
            f"{percent(each.lift)} ({interval(each.ci)})"
        )
    lines.append(f"{_counted(document, study)}; *: over all exposed users")
    left = document.sessions.unfinished
    if progress.period_complete and left:
        sessions = "1 session" if left == 1 else f"{left:,} sessions"
        lines.append(f"not counted: {sessions} of the period, open for too long after its end (wait_days of the study)")
    lines += document.deviations
    return Text("\n".join(lines), "bright_black")


def _counted(document: Document, study: Study) -> str:
    """Who is counted, and the share of those left out, arm by arm."""
    shares = document.health.excluded_shares
    arms = (
        counted + ("" if shares[name] is None else f" ({shares[name]:.1%} left out)")
        for name, counted in included_of_exposed(document, study).items()
    )
    return f"counted: {', '.join(arms)}"


def included_of_exposed(document: Document, study: Study) -> dict[str, str]:
    """Variant → how many of its exposed users are included, with the arm's name."""
    names = {"control": study.names.control, "treatment": study.names.treatment}
    return {
        name: f"{arm.users_included:,} of {arm.users_exposed:,} {names[name]}"
        for name, arm in document.variants.items()
    }


def _lifts(document: Document) -> Table:
    """The lift by each way to count, and what makes them differ."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("lift of", "", "interval", "because"):
        table.add_column(title)
    for way in document.deciding.lifts:
        table.add_row(way.name.replace("_", " "), percent(way.lift), interval(way.ci), way.words)
    return table


class MetricsTable:
    """Every metric with both arms, the lift that they make, its interval and what it says; without intervals where it is narrow.

    Arms and lift are those that decide: means of users' values, adjusted. Until there are enough users for them, the arms'
    plain means.
    """

    def __init__(self, document: Document, study: Study) -> None:
        self._document = document
        self._study = study

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._table(options)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._table(options))

    def _table(self, options: ConsoleOptions) -> Table:
        names = self._study.names
        titles = [names.control, names.treatment, "lift", "always valid"]
        shown = range(len(titles) - (options.max_width < NARROW))
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("metric", no_wrap=True)
        for column in shown:
            table.add_column(titles[column], justify="right", no_wrap=True)
        table.add_column("says")
        for metric in self._document.metrics.values():
            sequential = metric.sequential
            says, everyone = "decides", False
            if isinstance(sequential, Guardrail):
                says, everyone = sequential.status, sequential.population == "exposed"
            means = metric.control.mean, metric.treatment.mean
            if everyone or sequential.lift is not None:
                means = sequential.control, sequential.treatment
            cells = [
                *(in_unit(mean, metric.unit) for mean in means),
                percent(sequential.lift),
                interval(sequential.ci),
            ]
            table.add_row(
                metric.title + ("" if metric.higher_is_better else " ↓") + ("*" if everyone else ""),
                *(cells[column] for column in shown),
                says.replace("_", " "),
            )
        return table


def _reasons(document: Document) -> Table:
    table = Table.grid(padding=(0, 1))
    marks = {True: ("✓", "green"), False: ("✗", "red"), None: ("·", "bright_black")}
    for rule in document.rules:
        mark, style = marks[rule.passed]
        table.add_row(Text(mark, style), rule.words)
    return table


def _outlook(document: Document) -> Text:
    """What can still be found, what the classic reading would say, and what is promised."""
    planning, opinion = document.planning, document.classic_opinion
    lines = [
        f"can be found with a power of 80% at the end: {percent(planning.minimum_detectable_effect)}{_days(document)}",
        opinion.words,
        *document.guarantee,
    ]
    return Text("\n".join(line for line in lines if line))


def _days(document: Document) -> str:
    """How long the period still is, where it is not over."""
    days = document.progress.days_remaining
    return "" if not days else "; 1 day remains" if days == 1 else f"; {days} days remain"


def _input(document: Document, study: Study) -> Text:
    rows, sessions = document.input, document.sessions
    rejected = sum(rows.rejected.values())
    repeated = f"; {rows.repeated:,} sent twice" if rows.repeated else ""
    users = ", ".join(included_of_exposed(document, study).values())
    return Text(
        f"{rows.rows:,} rows = {rows.accepted:,} accepted + {rejected:,} rejected + {rows.duplicates:,} duplicates "
        f"+ {rows.late:,} late{repeated}\n{sessions.all:,} sessions, {sessions.in_period:,} in the "
        f"period; users included: {users}",
        "bright_black",
    )


def number(value: float | None) -> str:
    """A number a person can read; unknown is a dash."""
    return "–" if value is None else f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def in_unit(value: float | None, unit: str) -> str:
    """A value of a metric where its title says what is counted: shares and minutes with their unit.

    >>> in_unit(0.03483, "share"), in_unit(70.19, "minutes"), in_unit(5.791, "sessions"), in_unit(None, "share")
    ('3.5%', '70.2 min', '5.79', '–')
    """
    if value is None:
        return "–"
    if unit == "share":
        return in_words(value, signed=False)
    shown = f"{value:,.3g}" if abs(value) < 999.5 else f"{value:,.0f}"
    return f"{shown} min" if unit == "minutes" else shown


def percent(value: float | None) -> str:
    """A fraction as a signed percentage; unknown is a dash."""
    return "–" if value is None else in_words(value)


def interval(value: Interval | None) -> str:
    """An interval of fractions."""
    return "–" if not value else f"{in_words(value[0])} … {in_words(value[1])}"
