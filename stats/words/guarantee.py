"""Sentences printed beside every verdict about what its error rates guarantee and what they do not."""

from livelift.document.progress import Planning
from livelift.plan import metric_plan
from livelift.study import Study
from stats.estimates.power import POWER
from stats.words.formatting import chance, limit, percent


def guarantee(study: Study, planning: Planning | None = None, closed: bool = False) -> tuple[str, ...]:
    """The guarantee with the study's own numbers, one sentence an element.

    Parameters
    ----------
    planning
        What the study can find with the users that it has; None while that is not known.
    closed
        A person closed the study early, at a moment of their choice.

    Examples
    --------
    >>> from livelift.study import load_study
    >>> from studies import DEFAULT
    >>> guarantee(load_study(DEFAULT))[0]
    'If the change did nothing, at most 1 in 40 random splits of the users would say ship, watched at all 61 looks.'
    """
    claims = (
        f"Ship claims a lift above 0, not above {limit(study.decision.minimum_lift)}.",
        "An estimate at which a study stops early is too large on average; the corrected one stands beside it.",
        _power(planning),
    )
    if closed:
        return (*_void(study), *claims)
    return (*_errors(study), *_guardrails(study), *claims, *_inclusion(study))


def _guardrails(study: Study) -> tuple[str, ...]:
    if not study.guardrails:
        return ()
    return (
        f"Some guardrail wrongly failed: at most {chance(study.decision.guardrail_alpha)} studies (approximate).",
        (
            f"A guardrail that is neither proven worse nor proven safe against {limit(study.decision.guardrail_margin)} "
            "blocks nothing."
        ),
    )


def _inclusion(study: Study) -> tuple[str, ...]:
    words = (
        f"Only users with {study.experiment.minimum_sessions} or more sessions are included, a condition that arises "
        "after assignment"
    )
    if study.experiment.assignment == "randomised":
        words += "; whether it leaves out as many in both arms is tested"
    if any(metric_plan(study, name).judged_over_exposed for name in study.guardrails):
        words += ", and guardrails on sessions and returns count all exposed users"
    return (f"{words}.",)


def _errors(study: Study) -> tuple[str, ...]:
    tail, looks = chance(study.decision.alpha / 2), study.experiment.days
    if study.experiment.can_be_drawn_again:
        return (
            (
                f"If the change did nothing, at most {tail} random splits of the users would say ship, watched at all "
                f"{looks} looks."
            ),
            f"If the change did nothing, at most {tail} random splits would say that it harms the primary.",
            "Both are exact over the splits that the salt could have made.",
        )
    if study.experiment.assignment == "randomised":
        return (
            f"If the change did nothing, ship would be said in about {tail} studies, watched at all {looks} looks, and harm as often.",
            f"Both are approximate: the field '{study.experiment.arm_field}' says who is in which arm, so the splits that could have been are not known.",
        )
    return (
        f"If the groups did not differ, ship would be said in about {tail} studies, watched at all {looks} looks, and worse as often.",
        "Both are approximate: the groups were observed, not randomised, so a difference is no proof of a cause.",
    )


def _void(study: Study) -> tuple[str, ...]:
    return (
        (
            "A person closed this study early, at a moment chosen while watching: what is promised of a study that runs to "
            f"its planned end after {study.experiment.days} looks no longer holds."
        ),
    )


def _power(planning: Planning | None) -> str:
    if planning is None or planning.minimum_detectable_effect is None or planning.needed_lift_at_end is None:
        return '"Not proven" is no evidence of no difference; what the study can find is said once both arms have their users.'
    return (
        '"Not proven" is no evidence of no difference: with the users so far, crossing at the end needs an observed lift of '
        f"{percent(planning.needed_lift_at_end)}, and a true one of {percent(planning.minimum_detectable_effect)} is found "
        f"with a probability of {limit(POWER)}."
    )
