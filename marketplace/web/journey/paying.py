"""The operator's side: post earnings, run the payouts with two people, wait for the transfers."""

from __future__ import annotations

from marketplace.kit import clock
from marketplace.web.journey.cast import Cast
from marketplace.web.journey.plan import CURRENCY
from marketplace.web.simulation.money import collecting_run, set_up_payouts
from marketplace.web.simulation.waiting import until
from payouts.models import Earning, Payee, PayoutRun
from payouts.services.rounds import release_holds
from payouts.services.running_payouts import approve_run, close_run
from vetting.models import QualityEvent, SkillScore
from vetting.selectors.scores import skill_score


def onboard_everybody(cast: Cast) -> None:
    """Every expert says where to be paid; the payees become active by webhook."""
    set_up_payouts([worker.expert for worker in cast.workers], at=clock.now())
    wanted = len(cast.workers)
    until(
        lambda: Payee.objects.filter(state="active").count() == wanted,
        what="the payout accounts",
        seconds=60,
    )


def run_payouts(cast: Cast) -> PayoutRun:
    """One payout run from open to done."""
    until(_is_posted, what="the earnings in the ledger", seconds=60)
    until(_is_free, what="the end of the holds", seconds=60)
    run = collecting_run(currency=CURRENCY, by=cast.staff.finance, at=clock.now())

    def is_collected() -> bool:
        run.refresh_from_db()
        return run.collected_at is not None

    until(is_collected, what="the payouts of the run", seconds=60)
    run = close_run(run=run, by=cast.staff.finance, at=clock.now())
    run = approve_run(run=run, by=cast.staff.second_finance, at=clock.now())

    def is_done() -> bool:
        run.refresh_from_db()
        return run.state == "done"

    until(is_done, what="the transfers", seconds=150)
    return run


def _is_posted() -> bool:
    return not Earning.objects.filter(posting=None, state="pending").exists()


def _is_free() -> bool:
    release_holds(at=clock.now())
    return not Earning.objects.filter(state="pending").exists()


def await_scores(cast: Cast) -> dict[str, float]:
    """The mean of each expert's score, by expert id, once the worker has added all evidence."""
    until(_are_scores_current, what="the skill scores", seconds=120)
    skill, at = cast.assessment.skill, clock.now()
    return {str(w.expert.pk): skill_score(w.expert, skill, at).mean for w in cast.workers}


def _are_scores_current() -> bool:
    counted = sum(SkillScore.objects.values_list("n_events", flat=True))
    return counted == QualityEvent.objects.count()
