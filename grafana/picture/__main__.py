"""`python -m grafana.picture --prometheus URL`: screenshot of the Experiment dashboard of the newest run, by headless
Chromium.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from grafana.asking import Asker
from grafana.generate import dashboards
from grafana.picture.page import GAP, WIDTH, page
from livelift import settings
from livelift.event_time import SECOND, from_iso
from livelift.study import load_study

NOTE = "event time — drawn from the dashboard's JSON and a real Prometheus' answers, not by Grafana"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prometheus", required=True, help="where it is: http://127.0.0.1:9090")
    parser.add_argument("--study", default=settings.setting(settings.STUDY), help="its name, or its folder")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/experiment-dashboard.png"))
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("there is no chromium on the PATH: apt-get install chromium")
    study = load_study(arguments.study)
    dashboard = dashboards(study)["experiment"]
    start, end = (from_iso(dashboard["time"][key]) / SECOND for key in ("from", "to"))
    text, height = page(dashboard, Asker(arguments.prometheus, start, end), NOTE)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        source.write_text(text, encoding="utf-8")
        command = [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/profile",
            f"--window-size={WIDTH + GAP},{height}", f"--screenshot={arguments.out.resolve()}", source.as_uri(),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    print(f"{arguments.out}: {arguments.out.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
