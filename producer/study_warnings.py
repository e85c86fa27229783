"""What in a study is probably not meant, judged by a sample of its input: said by `livelift study check`, and no error."""

from collections.abc import Iterator

from livelift.event_time import to_iso
from livelift.plan import SESSIONS, USERS, metric_plans
from livelift.source import column_of
from livelift.study import Study
from livelift.totals import LARGEST
from producer.sample import Sample, SampleSession


def warnings_of(study: Study, sample: Sample, sessions: list[SampleSession]) -> list[str]:
    """One sentence each; `sessions` are those of the whole sample."""
    return [
        *_empty_fields(study, sample),
        *_empty_measures(sessions),
        *_too_fine(study, sessions),
        *_no_last_look(study, sample),
    ]


def _empty_fields(study: Study, sample: Sample) -> Iterator[str]:
    for name, field in study.fields.items():
        if field.type == "text" and not field.default and not any(event.fields[name] for event in sample.events):
            column = column_of(name, field)
            yield f"field '{name}' is empty in all {len(sample.events):,} events: is '{column}' its column?"


def _empty_measures(sessions: list[SampleSession]) -> Iterator[str]:
    for name in sessions[0].measures if sessions else ():
        if name != "seconds" and not any(session.measures[name] for session in sessions):
            yield f"measure '{name}' is 0 in all {len(sessions):,} sessions: does its condition ever hold?"


def _too_fine(study: Study, sessions: list[SampleSession]) -> Iterator[str]:
    """A user's value in whole units of a metric has to be squared exactly."""
    for plan in metric_plans(study):
        top, bottom = plan.included.numerator, plan.included.denominator
        if bottom == USERS or not sessions or top not in sessions[0].measures:
            continue
        below = [1 if bottom == SESSIONS else session.measures[bottom] for session in sessions]
        values = [abs(session.measures[top]) / n for session, n in zip(sessions, below, strict=True) if n > 0]
        if values and max(values) * plan.included.scale > LARGEST:
            yield (
                f"metric '{plan.name}' is kept in units of 1/{plan.included.scale:,}, too fine for a value of {max(values):,.0f}: "
                f"give it a resolution of at most {max(1, int(1e9 / max(values)))}"
            )


def _no_last_look(study: Study, sample: Sample) -> Iterator[str]:
    end = study.experiment.period_end
    if study.source.before <= end:
        yield f"source.before is {study.source.before}, so no event after the period is read, and there is no last look: let it be later"
    elif sample.complete and sample.events and sample.events[-1].time < study.experiment.end_ms:
        yield (
            f"the input ends at {to_iso(sample.events[-1].time)}, before the period does ({end}): the last look is taken after an event "
            "on that day or later"
        )
