"""How one's work is judged: per skill a value, its interval, and the evidence behind it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from marketplace.kit import clock
from marketplace.kit.errors import NotFound
from marketplace.people.models import Expert
from marketplace.web.expert.labels import badge_of
from marketplace.web.expert.own import for_expert
from marketplace.web.expert.scores import scores_of
from marketplace.web.paging import page_of
from vetting.access import visible_qualifications, visible_quality_events
from vetting.models import QualityEvent, Skill

SOURCES = {
    "gold": "Known answer",
    "test": "Test",
    "consensus": "Agreement with others",
    "review": "Review",
    "verdict": "Verdict",
}


@for_expert
def quality(request: HttpRequest, expert: Expert) -> HttpResponse:
    """Every skill with its score, and what one is qualified for."""
    held = visible_qualifications(to=expert.user).filter(expert=expert)
    context = {
        "scores": scores_of(expert, at=clock.now()),
        "qualifications": [
            {"row": each, "badge": badge_of(each.state)}
            for each in held.select_related("skill", "decision").order_by("skill__slug", "-level")
        ],
    }
    return render(request, "web/expert/quality.html", context)


@for_expert
def evidence(request: HttpRequest, expert: Expert, skill_id: UUID) -> HttpResponse:
    """The events behind one score."""
    skill = Skill.objects.filter(pk=skill_id).order_by("pk").first()
    if skill is None:
        raise NotFound("There is no such skill.")
    own = visible_quality_events(to=expert.user).filter(expert=expert, skill=skill)
    page = page_of(request, own)
    score = next((s for s in scores_of(expert, at=clock.now()) if s.skill == skill), None)
    context = {
        "skill": skill,
        "score": score,
        "page": page,
        "rows": [_row(each) for each in page.rows],
    }
    return render(request, "web/expert/evidence.html", context)


def _row(event: QualityEvent) -> dict[str, object]:
    is_work = event.subject_kind == "assignment"
    return {
        "source": SOURCES[event.source],
        "credit": f"{100 * event.credit:.0f} %",
        "weight": f"{event.weight:g}",
        "is_undo": event.undoes_id is not None,
        "at": event.happened_at,
        "url": reverse("submission", args=[event.subject_id]) if is_work else "",
    }
