"""One run: a log, a stack, the faults of a seed, and the judgement."""

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from batch.document import batch_document
from livelift.document import Document, HistoryEntry
from livelift.errors import UnreachableError
from livelift.event_time import DAY, SECOND
from livelift.study import load_study
from studies.lastfm import generator as lastfm_generator
from tests.chaos.faults import inject
from tests.chaos.judging import strays, wrong
from tests.chaos.progress import Progress, StandsStill
from tests.chaos.schedule import Schedule
from tests.chaos.stack import Stack

STUDY = load_study("lastfm")
EVENTS = 150_000
SECONDS = 75.0
"""How long the replay takes without faults."""

USERS = 500
GENERATED_DAYS = 166
"""What the generated log spans; of it the run takes `BEFORE` days before the period and all that follows."""

BEFORE = 20 * DAY
SHARE = 0.63
"""Of the generated events, those that the run takes."""

START_SECONDS = 120.0
CALM_SECONDS = 5.0
"""How long what is judged has to stay as it is: a stats station that stood by, or a Redis put back, may still change it."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Report:
    """How a seed's run ended: good where `findings` is empty."""

    seed: int
    seconds: float
    findings: tuple[str, ...]
    folder: Path

    @property
    def good(self) -> bool:
        return not self.findings

    def __str__(self) -> str:
        how = "document and history equal the batch's, nothing stood still, no process is left"
        words = [f"seed {self.seed}: {how if self.good else 'WRONG'} ({self.seconds:.0f} s)"]
        words += [f"  {finding}" for finding in self.findings]
        return "\n".join(words if self.good else [*words, f"  logs: {self.folder}"])


def run_chaos(plan: Schedule, *, events: int = EVENTS, keep: bool = False) -> Report:
    """Run the faults of a schedule against a whole stack; says what happens while it does."""
    folder = Path(tempfile.mkdtemp(prefix=f"livelift-chaos-{plan.seed}-"))
    began = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - began:7.2f} s  {words}", flush=True)

    say(f"seed {plan.seed}: store {plan.store}, {plan.partitions} partitions, {len(plan.faults)} faults")
    findings = tuple(_findings(plan, folder, events, say))
    report = Report(plan.seed, time.monotonic() - began, findings, folder)
    print(report, flush=True)
    if report.good and not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def _findings(plan: Schedule, folder: Path, events: int, say: Say) -> list[str]:
    data = folder / "log.tsv"
    lastfm_generator.generate(data, events=int(events / SHARE), users=USERS, lift=0.2, seed=plan.seed, study=STUDY)
    start = STUDY.experiment.start_ms - BEFORE
    batch = batch_document(data, STUDY, select_from=start)
    say(f"{batch[0].input.accepted} events, {len(batch[1])} ticks in the history")
    span = STUDY.experiment.end_ms - start + 14 * DAY
    found: list[str] = []
    with Stack(folder, plan, STUDY, data, start, f"{span / SECOND / plan.seconds:.0f}x", say) as stack:
        try:
            _faults(stack, plan, say)
            found += _judged(stack, *batch)
        except StandsStill as still:
            found.append(f"stands still: {still}")
        except Exception as error:
            found.append(f"the stack ended: {error!r}")
        alive = {child.pid for child in stack.processes()}
        found += [f"stray process: {stray}" for stray in strays(folder, alive)]
    found += [f"orphan process: {orphan}" for orphan in strays(folder, set())]
    return found


def _faults(stack: Stack, plan: Schedule, say: Say) -> None:
    """Wait for the first events, do all faults, wait for the end of the stream."""
    progress = Progress(stack)
    progress.wait(lambda reading, _: bool(reading.applied), START_SECONDS)
    say("the first events have been applied: the faults begin")
    inject(stack, plan.faults, say, progress.check)
    say("the faults are over: waiting for the end of the stream")
    while True:
        progress.wait(lambda _, document: document is not None and document.progress.ended)
        time.sleep(CALM_SECONDS)
        document = stack.document()
        if document is not None and document.progress.ended:
            say("the stream has ended")
            return


def _judged(stack: Stack, document: Document, history: list[HistoryEntry]) -> list[str]:
    """What is wrong. A server that was killed last may still be starting."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return list(wrong(stack, document, history))
        except UnreachableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1.0)
