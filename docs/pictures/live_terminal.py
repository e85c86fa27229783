"""Draws docs/pictures/live-terminal.svg: the live terminal in the middle of a real run on generated data.

.venv/bin/python docs/pictures/live_terminal.py
"""

import io
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

from cli.live import LiveTerminal
from livelift.document import Document
from livelift.study import load_study
from local.demo import DemoPlan, demo
from local.input import find_input
from local.pipeline_reading import PipelineReader
from local.run_folder import RunFolder

PICTURE = Path(__file__).with_name("live-terminal.svg")
LOOK = 40  # of 61: the middle of the period, well after the first numbers


def main() -> None:
    study = load_study("lastfm")
    console = Console(record=True, width=110, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    with tempfile.TemporaryDirectory() as place:
        folder = RunFolder(Path(place) / ".livelift")
        data = find_input(None, study, folder, print)
        with demo(folder, DemoPlan(study, data), print) as (_, run):
            terminal = LiveTerminal(console, study, PipelineReader(folder.metric_targets, study.name))

            def watch(document: Document | None) -> None:
                terminal.update(document)
                if document is not None and document.progress.look >= LOOK and not PICTURE.exists():
                    console.print(terminal.picture(document))
                    PICTURE.write_text(console.export_svg(title="livelift demo", theme=DIMMED_MONOKAI), "utf-8")

            PICTURE.unlink(missing_ok=True)
            run.watch(watch)
    print(f"wrote {PICTURE}", file=sys.stderr)


main()
