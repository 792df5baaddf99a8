"""Review: what waits for a verdict, one answer at a time by keyboard, or many approvals at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.formats import registry
from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.kit.ids import uuid7
from marketplace.kit.markdown import render_markdown
from marketplace.kit.money import Money
from marketplace.web.answers.given import lines_of
from marketplace.web.answers.showing import parts_of
from marketplace.web.client.acting import MoneyField, link, tried
from marketplace.web.client.labels import client_badge
from marketplace.web.client.own import (
    Member,
    answers_of,
    looking,
    managing,
    name_of,
    own_answer,
    projects_of,
    reviewing,
)
from marketplace.web.expert.pace import pay_words
from marketplace.web.paging import ROWS, Page
from tasks.access import visible_bonuses
from tasks.models import Assignment
from tasks.models.assignments import ANSWERED
from tasks.models.reviews import CATEGORIES, SHORTEST_REASON
from tasks.selectors.review import review_case, review_queue
from tasks.services import reviewing as verdicts
from tasks.services.crediting import due_price
from tasks.services.rewarding import pay_bonus

MOST_AT_ONCE = 100
_CATEGORIES = [("", "Choose"), *((c, c.replace("_", " ").capitalize()) for c in CATEGORIES)]


class ChangesForm(forms.Form):
    """What should change."""

    message = forms.CharField(
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="The expert reads it and has three days.",
    )


class ReasonForm(forms.Form):
    """Why work is refused, in whole or in part."""

    category = forms.ChoiceField(choices=_CATEGORIES)
    guideline_ref = forms.CharField(
        label="Guideline", max_length=200, help_text="The rule it went against."
    )
    message = forms.CharField(
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 5, "minlength": SHORTEST_REASON}),
        help_text="At least 100 characters: what is wrong, where, and what right would look like.",
    )


class PartForm(ReasonForm):
    """The same, with the part that is paid."""

    percent = forms.IntegerField(min_value=1, max_value=99, label="Percent of the price paid")
    field_order = ("percent", "category", "guideline_ref", "message")


class BonusForm(forms.Form):
    """More pay, and why; `key` makes a double click one bonus."""

    reason = forms.CharField(
        min_length=10, max_length=500, help_text="The expert reads it, word for word."
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        self.fields["amount"] = MoneyField(
            currency=currency, label=f"Bonus, {currency}", help_text="The fee comes on top."
        )
        self.order_fields(["amount", "reason"])


FORMS: dict[str, type[forms.Form]] = {
    "approve": forms.Form,
    "changes": ChangesForm,
    "partly": PartForm,
    "reject": ReasonForm,
}


@looking
def queue(request: HttpRequest, member: Member) -> HttpResponse:
    """What silence would approve first comes first."""
    project_id = request.GET.get("project", "")
    projects = list(projects_of(member).exclude(state="archived").order_by("-pk")[:100])
    chosen = next((each for each in projects if str(each.pk) == project_id), None)
    waiting = review_queue(answers_of(member))
    page = _page(request, waiting.filter(project=chosen) if chosen else waiting)
    context = {
        "member": member,
        "page": page,
        "rows": [_row(member, each) for each in page.rows],
        "projects": projects,
        "chosen": chosen,
        "last": _last_reviewed(member) if not page.rows else None,
    }
    return render(request, "web/client/review.html", context)


@looking
def item(request: HttpRequest, member: Member, assignment_id: UUID) -> HttpResponse:
    """One answer with everything needed to judge it."""
    return _item(request, member, own_answer(member, assignment_id))


@require_POST
@reviewing
def decide(request: HttpRequest, member: Member, assignment_id: UUID, verdict: str) -> HttpResponse:
    """Give one verdict, then on to the next answer."""
    if verdict not in FORMS:
        raise NotFound("There is nothing here.")
    found = own_answer(member, assignment_id)
    following = _neighbours(member, found)["next"]
    form = FORMS[verdict](request.POST, prefix=verdict)
    if tried(form, lambda: _decide(member, found, verdict, dict(form.cleaned_data))):
        messages.success(request, _DONE[verdict])
        if following is None:
            return redirect(link(member, "review"))
        return redirect(link(member, "review_item", assignment_id=following.pk))
    return _item(request, member, found, verdict, form)


@require_POST
@reviewing
def approve_many(request: HttpRequest, member: Member) -> HttpResponse:
    """Approve the marked answers; what was decided meanwhile is left alone and counted."""
    marked = [_key(text) for text in request.POST.getlist("answer")[:MOST_AT_ONCE]]
    rows = answers_of(member).filter(pk__in=[key for key in marked if key])
    done, left = 0, 0
    for each in rows.order_by("pk"):
        try:
            verdicts.approve(assignment=each, by=member.user, at=clock.now())
        except DomainError:
            left += 1
        else:
            done += 1
    if done:
        messages.success(request, f"{done} approved.")
    if left:
        messages.info(request, f"{left} could not be approved: decided meanwhile, or your own.")
    if not done and not left:
        messages.info(request, "Mark the answers to approve first.")
    return redirect(link(member, "review"))


@require_POST
@managing
def reward(request: HttpRequest, member: Member, assignment_id: UUID) -> HttpResponse:
    """Pay a bonus for an approved answer, out of the project's free budget."""
    found = own_answer(member, assignment_id)
    form = BonusForm(request.POST, currency=found.batch.currency, prefix="bonus")

    def pay() -> None:
        pay_bonus(assignment=found, by=member.user, at=clock.now(), **form.cleaned_data)

    if not tried(form, pay):
        problems = [problem for field in form.errors.values() for problem in field]
        messages.error(request, " ".join(map(str, problems)))
    else:
        messages.success(request, "Paid. The expert reads your reason.")
    return redirect(link(member, "review_item", assignment_id=found.pk))


_DONE = {
    "approve": "Approved.",
    "changes": "Sent back with your words.",
    "partly": "Approved in part. The expert can dispute it.",
    "reject": "Rejected. The expert can dispute it for 14 days.",
}


def _decide(member: Member, found: Assignment, verdict: str, values: dict[str, Any]) -> object:
    by, at = member.user, clock.now()
    if verdict == "approve":
        return verdicts.approve(assignment=found, by=by, at=at)
    if verdict == "changes":
        return verdicts.ask_changes(assignment=found, by=by, at=at, **values)
    if verdict == "partly":
        return verdicts.approve_partly(assignment=found, by=by, at=at, **values)
    return verdicts.reject(assignment=found, by=by, at=at, **values)


def _item(
    request: HttpRequest,
    member: Member,
    found: Assignment,
    verdict: str = "",
    refused: forms.Form | None = None,
) -> HttpResponse:
    form = registry.get(found.project.format)
    case = review_case(found)
    asked = {name: of(prefix=name) for name, of in FORMS.items()}
    if refused is not None:
        asked[verdict] = refused
    context = {
        "member": member,
        "assignment": found,
        "case": case,
        "badge": client_badge(found.state),
        "pay": pay_words(Money(found.price_minor, found.batch.currency), found.hourly_minor),
        "due": due_price(assignment=found)[0] if found.hourly_minor else None,
        "bonus_form": BonusForm(
            currency=found.batch.currency, prefix="bonus", initial={"key": uuid7()}
        ),
        "bonuses": [
            {"amount": Money(each.amount_minor, found.batch.currency), "row": each}
            for each in visible_bonuses(to=member.user).filter(assignment=found).order_by("pk")
        ],
        "may_reward": member.can_manage and found.state in ANSWERED,
        "parts": parts_of(form, case.payload),
        "lines": lines_of(form, case.payload, found_answer(case.answer)),
        "guidelines": render_markdown(found.guideline.body),
        "forms": asked,
        "verdict": verdict,
        "refused": refused,
        "can_decide": member.can_review and found.state == "awaiting_review",
        **_neighbours(member, found),
    }
    return render(
        request, "web/client/review_item.html", context, status=422 if refused is not None else 200
    )


def found_answer(answer: object) -> dict[str, Any]:  # Any: an answer of any format
    """The stored answer as the mapping it is."""
    return answer if isinstance(answer, dict) else {}


def _row(member: Member, each: Assignment) -> dict[str, Any]:  # Any: template values
    return {
        "row": each,
        "expert": name_of(member, each.expert_id),
        "pay": pay_words(Money(each.price_minor, each.batch.currency), each.hourly_minor),
        "minutes": -(-each.active_seconds // 60),
        "revision": each.revision,
    }


def _neighbours(member: Member, found: Assignment) -> dict[str, Assignment | None]:
    """The answers before and after this one in the queue."""
    waiting = answers_of(member).filter(state="awaiting_review").exclude(pk=found.pk)
    until = found.review_until
    if until is None:
        return {"next": waiting.order_by("review_until", "pk").first(), "previous": None}
    later = Q(review_until__gt=until) | Q(review_until=until, pk__gt=found.pk)
    earlier = Q(review_until__lt=until) | Q(review_until=until, pk__lt=found.pk)
    return {
        "next": waiting.filter(later).order_by("review_until", "pk").first(),
        "previous": waiting.filter(earlier).order_by("-review_until", "-pk").first(),
    }


def _page(request: HttpRequest, waiting: QuerySet[Assignment]) -> Page[Assignment]:
    """25 rows after `?after=<id>` in the queue's own order."""
    key = _key(request.GET.get("after", ""))
    mark = waiting.filter(pk=key).order_by("pk").first() if key else None
    if mark is not None:
        until = mark.review_until
        later = Q(review_until__gt=until) | Q(review_until=until, pk__gt=mark.pk)
        waiting = waiting.filter(later)
    listed = list(waiting[: ROWS + 1])
    more, listed = len(listed) > ROWS, listed[:ROWS]
    query = request.GET.copy()
    query.pop("after", None)
    first = f"?{query.urlencode()}"
    query["after"] = str(listed[-1].pk) if listed else ""
    next_url = f"?{query.urlencode()}" if more else ""
    return Page(rows=listed, next_url=next_url, first_url=first if mark else "")


def _last_reviewed(member: Member) -> Assignment | None:
    decided = answers_of(member).filter(decided_at__isnull=False)
    return decided.order_by("-decided_at", "-pk").first()


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
