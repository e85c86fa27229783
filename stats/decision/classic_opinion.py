"""What the classic analysis would decide now, for comparison with the verdict."""

from typing import Literal

from livelift.document.decision import ClassicOpinion, Decision
from livelift.plan import metric_plan
from livelift.study import Study
from stats.words.formatting import improvement_of, limit, p_value, percent


def classic_opinion(
    study: Study, decision: Decision, lift: float | None, p: float | None, worse: list[str]
) -> ClassicOpinion:
    """The batch rule's opinion.

    Ship if the lift exceeds the minimum with p < α and no guardrail is worse by more than the margin at its α (`worse`
    names those that are), else don't ship; it knows no *keep running*. Opposite: one of the two says *ship*, the other not.

    Examples
    --------
    >>> from livelift.study import load_study
    >>> from studies import DEFAULT
    >>> found = classic_opinion(load_study(DEFAULT), "keep_running", 0.05, 0.001, [])
    >>> found.decision, found.opposite
    ('ship', True)
    """
    improvement = improvement_of(study, lift)
    if improvement is None or p is None:
        return ClassicOpinion(decision=None, opposite=False, words="the classic reading has too little data")
    significant = p < study.decision.alpha
    ships = significant and improvement > study.decision.minimum_lift and not worse
    opinion: Literal["ship", "dont_ship"] = "ship" if ships else "dont_ship"
    opposite = decision not in ("no_data", "unhealthy") and ships != (decision == "ship")
    because = f", guardrail worse: {', '.join(study.metrics[name].title for name in worse)}" if worse else ""
    clustered = metric_plan(study, study.decision.primary).classic_unit == "session"
    words = (
        f"a t-test over {'sessions' if clustered else 'users'} would say {'ship' if ships else 'don’t ship'} "
        f"({percent(lift)}, p {p_value(p)}{because}); {_how_it_errs(study, clustered)}"
    )
    return ClassicOpinion(decision=opinion, opposite=opposite, words=words)


def _how_it_errs(study: Study, clustered: bool) -> str:
    """What is known of its error rate: simulated figures stand beside the study that was simulated only."""
    meant = limit(study.decision.alpha)
    simulated = study.simulated
    if clustered and simulated is not None and simulated.design == study.design:
        page = f", {simulated.page}" if simulated.page else ""
        return (
            f"sessions of one user are not independent: without any difference it finds one in {simulated.classic_once} of "
            f"studies at one look and in {simulated.classic_watched} when watched (simulated{page}), not in {meant}"
        )
    if clustered:
        return f"sessions of one user are not independent, so it errs far more often than {meant}, more when watched"
    return f"watched, it errs far more often than {meant}"
