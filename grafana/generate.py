"""`python -m grafana.generate`: writes the dashboards as JSON to `grafana/generated/`, or to another folder."""

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore", DeprecationWarning
    )  # the SDK would have us use its v2 builders, which files can't carry
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    from grafana.dashboards import experiment, explorer, pipeline
    from grafana.frame import WEB

from grafana.sanitize import sanitize
from livelift.study import Study, load_study

GENERATED = Path(__file__).with_name("generated")
DASHBOARDS = {"experiment": experiment, "pipeline": pipeline, "explorer": explorer}


def dashboards(study: Study, web: str = WEB) -> dict[str, dict[str, Any]]:
    """Every dashboard as Grafana reads it from a file, by name."""
    return {
        name: sanitize(json.loads(JSONEncoder().encode(module.build_dashboard(study, web).build())))
        for name, module in DASHBOARDS.items()
    }


def text(dashboard: dict[str, Any]) -> str:
    """A dashboard's file."""
    return json.dumps(dashboard, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write(folder: Path, study: Study, web: str = WEB) -> None:
    """Write every dashboard into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, dashboard in dashboards(study, web).items():
        (folder / f"{name}.json").write_text(text(dashboard), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", default="lastfm", help="whose period and primary the dashboards open with")
    parser.add_argument("--web", default=WEB, help="where the web pages are")
    parser.add_argument("--out", type=Path, default=GENERATED)
    arguments = parser.parse_args()
    write(arguments.out, load_study(arguments.study), arguments.web)


if __name__ == "__main__":
    main()
