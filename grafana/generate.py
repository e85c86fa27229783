"""`python -m grafana.generate`: writes a study's dashboards as JSON into the study's folder, and the page that lists all studies'."""

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

    from grafana.dashboards import experiment, explorer, home, pipeline, tables
    from grafana.frame import WEB

from grafana.sanitize import sanitize
from livelift import settings
from livelift.experiments import split_reference
from livelift.study import Study, load_study

HOME = Path(__file__).with_name("generated") / "home.json"
DASHBOARDS = {"experiment": experiment, "pipeline": pipeline, "explorer": explorer}
"""What every study has. One with tables that are exported has those too (`modules_of`)."""


def modules_of(study: Study) -> dict[str, Any]:
    """The dashboards that the study has, by name."""
    return DASHBOARDS | ({"tables": tables} if tables.is_for(study) else {})


def dashboards(study: Study, web: str = WEB) -> dict[str, dict[str, Any]]:
    """Every dashboard as Grafana reads it from a file, by name."""
    return {
        name: sanitize(json.loads(JSONEncoder().encode(module.build_dashboard(study, web).build())))
        for name, module in modules_of(study).items()
    }


def home_dashboard() -> dict[str, Any]:
    """The page that lists every study's dashboards."""
    return sanitize(json.loads(JSONEncoder().encode(home.build_dashboard().build())))


def folder_of(study: Study) -> Path:
    """Where a study's dashboards lie: in its own folder, so that a Grafana which reads all studies has a set of each. A further
    experiment's are in a folder of its name there."""
    return Path(study.folder) / "dashboards" / split_reference(study.name)[1]


def text(dashboard: dict[str, Any]) -> str:
    """A dashboard's file."""
    return json.dumps(dashboard, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write(folder: Path, study: Study, web: str = WEB) -> None:
    """Write every dashboard of the study into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, dashboard in dashboards(study, web).items():
        (folder / f"{name}.json").write_text(text(dashboard), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", default=settings.setting(settings.STUDY), help="its name, or its folder")
    parser.add_argument("--web", default=WEB, help="where the web pages are")
    parser.add_argument("--out", type=Path, help="another folder than that of the study")
    arguments = parser.parse_args()
    study = load_study(arguments.study)
    write(arguments.out or folder_of(study), study, arguments.web)
    HOME.write_text(text(home_dashboard()), encoding="utf-8")


if __name__ == "__main__":
    main()
