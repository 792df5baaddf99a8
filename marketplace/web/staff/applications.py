"""Vetting cases: the queue, one case, and its decision by two people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from marketplace.kit import clock
from marketplace.kit.errors import DomainError, NotFound
from marketplace.people.models import User
from marketplace.people.services.deciding import Reason
from marketplace.web.forms import attach
from marketplace.web.paging import page_of
from marketplace.web.staff.access import CASES, act_of, for_staff, may
from marketplace.web.staff.case import case_of, conflict_of, evidence_choices
from marketplace.web.staff.labels import staff_badge
from marketplace.web.staff.waiting import words
from vetting.access import visible_applications
from vetting.models import Application
from vetting.services import applications as verbs

CODES = (
    ("", "None"),
    ("experience_too_thin", "Experience too thin"),
    ("evidence_does_not_fit", "Evidence does not fit the claim"),
    ("outside_the_domain", "Outside the domain"),
    ("statement_not_credible", "Statement not credible"),
    ("rules_broken", "Rules broken"),
)
SHOWN: dict[str, dict[str, Any]] = {  # Any: what filters take
    "waiting": {"state__in": ["submitted", "in_review"], "proposed_outcome": ""},
    "proposed": {"proposed_outcome__in": ["approved", "declined"]},
    "waitlisted": {"state": "waitlisted"},
    "decided": {"state__in": ["approved", "declined"]},
    "all": {},
}
LABELS = {"waiting": "To decide", "proposed": "To confirm"}


class ProposalForm(forms.Form):
    """What somebody proposes and why."""

    outcome = forms.ChoiceField(
        choices=[("approved", "Approve"), ("declined", "Decline")], widget=forms.RadioSelect
    )
    code = forms.ChoiceField(
        choices=CODES, required=False, label="Reason", help_text="Needed to decline."
    )
    message = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}),
        required=False,
        max_length=4000,
        help_text="The person reads it. To decline: at least 100 characters, what is missing and "
        "what would change it.",
    )
    evidence = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="What the decision rests on. Needed to decline.",
    )

    def __init__(
        self, *args: Any, evidence: list[tuple[str, str]], **kwargs: Any
    ) -> None:  # Any: Django's
        super().__init__(*args, **kwargs)
        field = self.fields["evidence"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = evidence

    def clean(self) -> dict[str, Any]:  # Any: cleaned values
        values = super().clean() or {}
        if values.get("outcome") == "declined":
            if not values.get("code"):
                self.add_error("code", "Choose the reason.")
            if len(values.get("message", "").strip()) < verbs.SHORTEST_MESSAGE:
                self.add_error("message", f"Needs {verbs.SHORTEST_MESSAGE} characters.")
            if not values.get("evidence"):
                self.add_error("evidence", "Choose at least one piece of evidence.")
        return values


@for_staff(*CASES)
def applications(request: HttpRequest, user: User) -> HttpResponse:
    """The queue, and what became of the others."""
    show = request.GET.get("show", "waiting")
    show = show if show in SHOWN else "waiting"
    rows = visible_applications(to=user).filter(**SHOWN[show])
    page = page_of(request, rows.select_related("expert", "domain", "proposed_by"))
    at = clock.now()
    context = {
        "page": page,
        "rows": [_row(each, at) for each in page.rows],
        "tabs": [
            {
                "label": LABELS.get(key, key.capitalize()),
                "url": f"?show={key}",
                "is_current": key == show,
            }
            for key in SHOWN
        ],
        "show": show,
    }
    return render(request, "web/staff/applications.html", context)


@for_staff(*CASES)
def application(request: HttpRequest, user: User, application_id: UUID) -> HttpResponse:
    """One case."""
    return _answer(request, user, _find(user, application_id))


@act_of("vetting")
def propose(request: HttpRequest, user: User, application_id: UUID) -> HttpResponse:
    """Propose an outcome for a second person to confirm."""
    found = _find(user, application_id)
    form = _form(request, user, found)
    if form.is_valid():
        values = form.cleaned_data
        reason = Reason(values["code"], values["message"], values["evidence"])
        try:
            verbs.propose_decision(
                application=found,
                outcome=values["outcome"],
                by=user,
                at=clock.now(),
                reason=reason,
            )
        except DomainError as error:
            attach(form, error)
        else:
            messages.info(request, "Proposed. Somebody else has to confirm it.")
            return redirect("staff:application", application_id)
    return _answer(request, user, _find(user, application_id), form=form)


@act_of("vetting")
def decide(request: HttpRequest, user: User, application_id: UUID, act: str) -> HttpResponse:
    """Confirm or drop a proposal, put on the waitlist or take from it."""
    found = _find(user, application_id)
    if act not in _ACTS:
        raise NotFound("There is no such act.")
    try:
        after = _ACTS[act](request, found, user, clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.info(request, f"This application is {staff_badge(after.state).word} now.")
    return redirect("staff:application", application_id)


def _confirm(_request: HttpRequest, found: Application, by: User, at: datetime) -> Application:
    return verbs.confirm_decision(application=found, by=by, at=at)


def _drop(_request: HttpRequest, found: Application, by: User, at: datetime) -> Application:
    return verbs.drop_proposal(application=found, by=by, at=at)


def _waitlist(request: HttpRequest, found: Application, by: User, at: datetime) -> Application:
    message = request.POST.get("message", "")[:4000]
    return verbs.waitlist(application=found, message=message, by=by, at=at)


def _reopen(_request: HttpRequest, found: Application, by: User, at: datetime) -> Application:
    return verbs.take_from_waitlist(application=found, by=by, at=at)


_ACTS: dict[str, Callable[[HttpRequest, Application, User, datetime], Application]] = {
    "confirm": _confirm,
    "drop": _drop,
    "waitlist": _waitlist,
    "reopen": _reopen,
}


def _find(user: User, application_id: UUID) -> Application:
    rows: QuerySet[Application] = visible_applications(to=user).filter(pk=application_id)
    joined = rows.select_related(
        "expert__user", "domain", "proposed_by", "decision__decided_by", "decision__proposed_by"
    )
    found = joined.order_by("pk").first()
    if found is None:
        raise NotFound("There is no such application.")
    return found


def _form(request: HttpRequest, user: User, found: Application) -> ProposalForm:
    choices = evidence_choices(case_of(found, user, clock.now()))
    return ProposalForm(request.POST, evidence=choices)


def _answer(
    request: HttpRequest,
    user: User,
    found: Application,
    *,
    form: ProposalForm | None = None,
) -> HttpResponse:
    case = case_of(found, user, clock.now())
    acts = may(user, "vetting")
    context = {
        **case,
        "application": found,
        "badge": staff_badge(found.state),
        "form": form or ProposalForm(evidence=evidence_choices(case)),
        "sees_name": acts,
        "conflict": conflict_of(found, user) if acts else "",
        "can_propose": acts and found.state in ("submitted", "in_review"),
        "can_confirm": acts and found.proposed_outcome and found.proposed_by_id != user.pk,
        "is_mine": found.proposed_by_id == user.pk,
        "acts": acts,
    }
    status = 422 if form else 200
    return render(request, "web/staff/application.html", context, status=status)


def _row(row: Application, at: datetime) -> dict[str, Any]:  # Any: template values
    since = row.in_review_at or row.submitted_at
    return {
        "row": row,
        "badge": staff_badge(row.state),
        "age": words(at - since) if since and not row.decided_at else "",
    }
