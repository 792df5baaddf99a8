"""Setting a project up: each step is saved by itself and can be changed later."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from marketplace.formats import registry
from marketplace.kit import clock
from marketplace.kit.markdown import render_markdown
from marketplace.people.models import Expert
from marketplace.projects.models import Project
from marketplace.projects.models.texts import PURPOSES
from marketplace.web.answers.fields import fields_of
from marketplace.web.answers.showing import parts_of
from marketplace.web.client.acting import link, status_of, tried
from marketplace.web.client.own import Member, managing, own_project
from tasks.services import projects
from vetting.models import Qualification, Skill

STEPS = (
    ("about", "About"),
    ("guidelines", "Guidelines"),
    ("terms", "Terms"),
    ("needs", "Experts"),
    ("plan", "Quality"),
    ("new_batch", "Price"),
)
LEVELS = ((1, "Level 1"), (2, "Level 2"), (3, "Level 3"))


class AboutForm(forms.Form):
    """What people read before they join."""

    title = forms.CharField(max_length=150, help_text="What the work is, in a few words.")
    summary = forms.CharField(
        required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 3}), label="Purpose"
    )
    content_warning = forms.CharField(
        required=False, max_length=300, help_text="Such as violence or medical pictures."
    )


class NewProjectForm(forms.Form):
    """A project in its first words."""

    title = forms.CharField(max_length=150, help_text="What the work is, in a few words.")
    format = forms.ChoiceField(
        label="Kind of work",
        widget=forms.RadioSelect,
        choices=[(f.kind, f"{f.title}: {f.purpose}") for f in registry.FORMATS.values()],
    )
    summary = forms.CharField(
        required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 3}), label="Purpose"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature
        super().__init__(*args, **kwargs)
        if len(settings.CURRENCIES) > 1:
            self.fields["currency"] = forms.ChoiceField(
                choices=[(each, each) for each in settings.CURRENCIES],
                help_text="Prices, budget and pay are in it; it cannot be changed later.",
            )


class GuidelineForm(forms.Form):
    """One version of the guidelines."""

    body = forms.CharField(
        label="Guidelines",
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 16, "class": "mono"}),
        help_text="Markdown. Number the rules: reviewers name them.",
    )
    change_note = forms.CharField(
        label="What is new", required=False, max_length=300, help_text="Experts read it."
    )


class TermsForm(forms.Form):
    """One version of the terms."""

    body = forms.CharField(
        label="What you may do with the answers",
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    purposes = forms.MultipleChoiceField(
        choices=[(each, each.capitalize()) for each in PURPOSES],
        widget=forms.CheckboxSelectMultiple,
        help_text="An export leaves out answers whose terms do not name its purpose.",
    )
    licence = forms.CharField(max_length=80, help_text="Such as CC-BY-4.0 or proprietary.")


class NeedForm(forms.Form):
    """One skill that experts of the project hold."""

    skill = forms.ModelChoiceField(queryset=Skill.objects.none(), empty_label="Choose")
    level = forms.TypedChoiceField(choices=LEVELS, coerce=int)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature
        super().__init__(*args, **kwargs)
        skills = Skill.objects.select_related("domain").order_by("domain__slug", "slug")
        self.fields["skill"].queryset = skills  # type: ignore[attr-defined]  # a ModelChoiceField


class PlanForm(forms.Form):
    """How batches made from now on are answered and judged."""

    answers_per_task = forms.IntegerField(
        min_value=1, max_value=25, help_text="How many experts answer each task."
    )
    review_days = forms.IntegerField(
        min_value=1, max_value=21, help_text="After so many days, silence approves and pays."
    )


@managing
def new_project(request: HttpRequest, member: Member) -> HttpResponse:
    """The first step makes the draft; the others fill it."""
    form = NewProjectForm(request.POST or None, initial={"format": "preference"})
    made: list[Project] = []
    if form.is_bound and tried(form, lambda: made.append(_create(member, form))):
        return redirect(link(member, "guidelines", project_id=made[0].pk))
    context = {"member": member, "form": form}
    return render(request, "web/client/new_project.html", context, status=status_of(form))


@managing
def about(request: HttpRequest, member: Member, project_id: UUID) -> HttpResponse:
    """Title, purpose, content warning."""
    project = own_project(member, project_id)
    initial = {name: getattr(project, name) for name in ("title", "summary", "content_warning")}
    form = AboutForm(request.POST or None, initial=initial)

    def save() -> None:
        values = form.cleaned_data
        projects.describe_project(project=project, by=member.user, at=clock.now(), **values)

    if form.is_bound and tried(form, save):
        return redirect(link(member, "guidelines", project_id=project.pk))
    return _step(request, member, project, form, "about")


@managing
def guidelines(request: HttpRequest, member: Member, project_id: UUID) -> HttpResponse:
    """Publish the next version; what did not change is not published again."""
    project = own_project(member, project_id)
    current = project.current_guideline
    form = GuidelineForm(request.POST or None, initial={"body": current.body if current else ""})

    def save() -> None:
        values = form.cleaned_data
        if current is None or values["body"] != current.body:
            projects.publish_guideline(project=project, by=member.user, at=clock.now(), **values)

    if form.is_bound and tried(form, save):
        return redirect(link(member, "terms", project_id=project.pk))
    kind = registry.get(project.format)
    body = str(form["body"].value() or "")
    more = {
        "html": render_markdown(body),
        "parts": parts_of(kind, kind.example["prompt"]),
        "fields": fields_of(kind, kind.example["prompt"]),
    }
    return _step(request, member, project, form, "guidelines", more)


@require_POST
@managing
def preview(request: HttpRequest, member: Member, project_id: UUID) -> HttpResponse:
    """The guidelines as experts will read them, while they are typed."""
    own_project(member, project_id)
    html = render_markdown(request.POST.get("body", "")[:50_000])
    return render(request, "web/client/setup/guidelines.html#preview", {"html": html})


@managing
def terms(request: HttpRequest, member: Member, project_id: UUID) -> HttpResponse:
    """Publish the next version; experts accept it before their next claim."""
    project = own_project(member, project_id)
    current = project.current_terms
    initial = {"body": "", "purposes": ["training"], "licence": ""}
    if current is not None:
        purposes = list(current.purposes)
        initial = {"body": current.body, "purposes": purposes, "licence": current.licence}
    form = TermsForm(request.POST or None, initial=initial)

    def save() -> None:
        if form.has_changed():
            values = form.cleaned_data
            projects.publish_terms(project=project, by=member.user, at=clock.now(), **values)

    if form.is_bound and tried(form, save):
        return redirect(link(member, "needs", project_id=project.pk))
    return _step(request, member, project, form, "terms")


@managing
def needs(request: HttpRequest, member: Member, project_id: UUID) -> HttpResponse:
    """Which skills experts hold, and how many experts hold them all."""
    project = own_project(member, project_id)
    form = NeedForm(request.POST or None)

    def save() -> None:
        values = form.cleaned_data
        projects.require_skill(project=project, by=member.user, at=clock.now(), **values)

    if form.is_bound and tried(form, save):
        return redirect(link(member, "needs", project_id=project.pk))
    rows = _requirements(project)
    matching = _matching(project).count()
    scarce = min(rows, key=lambda row: row.holders or 0, default=None) if not matching else None
    more = {"rows": rows, "matching": matching, "scarce": scarce}
    return _step(request, member, project, form, "needs", more)


@managing
def count(request: HttpRequest, member: Member, project_id: UUID) -> HttpResponse:
    """How many experts would match with one more skill, before it is added."""
    project = own_project(member, project_id)
    form = NeedForm(request.GET)
    matching = _matching(project)
    if form.is_valid():
        matching = _holding(matching, form.cleaned_data["skill"].pk, form.cleaned_data["level"])
    context = {"matching": matching.count(), "is_planned": form.is_valid()}
    return render(request, "web/client/setup/needs.html#count", context)


@require_POST
@managing
def drop_need(request: HttpRequest, member: Member, project_id: UUID) -> HttpResponse:
    """No longer ask for a skill."""
    project = own_project(member, project_id)
    asked = project.requirements.filter(skill__slug=request.POST.get("skill", ""))
    found = asked.select_related("skill").order_by("pk").first()
    if found is not None:
        at = clock.now()
        projects.unrequire_skill(project=project, skill=found.skill, by=member.user, at=at)
    return redirect(link(member, "needs", project_id=project.pk))


@managing
def plan(request: HttpRequest, member: Member, project_id: UUID) -> HttpResponse:
    """Answers per task and the review window."""
    project = own_project(member, project_id)
    initial = {"answers_per_task": project.answers_per_task, "review_days": project.review_days}
    form = PlanForm(request.POST or None, initial=initial)

    def save() -> None:
        values = form.cleaned_data
        projects.plan_quality(project=project, by=member.user, at=clock.now(), **values)

    if form.is_bound and tried(form, save):
        return redirect(link(member, "new_batch", project_id=project.pk))
    return _step(request, member, project, form, "plan")


def step_tabs(member: Member, project: Project, current: str) -> list[dict[str, object]]:
    """The steps as tabs, ticked where they are done; each can be reached at any time."""
    has_batch = project.batches.exists()  # what stays as it was proposed is chosen by then
    done = {
        "about": True,
        "guidelines": project.current_guideline_id is not None,
        "terms": project.current_terms_id is not None,
        "needs": has_batch or project.requirements.exists(),
        "plan": has_batch,
        "new_batch": has_batch,
    }
    return [
        {
            "label": label,
            "url": link(member, name, project_id=project.pk),
            "is_current": name == current,
            "is_done": done[name],
        }
        for name, label in STEPS
    ]


def _create(member: Member, form: forms.Form) -> Project:
    return projects.create_project(
        organization=member.organization, by=member.user, at=clock.now(), **form.cleaned_data
    )


def _step(
    request: HttpRequest,
    member: Member,
    project: Project,
    form: forms.Form,
    name: str,
    more: dict[str, Any] | None = None,  # Any: template values
) -> HttpResponse:
    context = {
        "member": member,
        "project": project,
        "form": form,
        "tabs": step_tabs(member, project, name),
        **(more or {}),
    }
    return render(request, f"web/client/setup/{name}.html", context, status=status_of(form))


def _requirements(project: Project) -> list[Any]:  # Any: rows with the number of holders
    held = Qualification.objects.filter(
        skill=OuterRef("skill"), level__gte=OuterRef("level"), state="active"
    )
    holders = held.order_by().values("skill").annotate(n=Count("expert", distinct=True)).values("n")
    rows = project.requirements.annotate(holders=Subquery(holders)).select_related("skill__domain")
    return list(rows.order_by("skill__slug", "pk"))


def _matching(project: Project) -> QuerySet[Expert]:
    experts = Expert.objects.filter(paused_at__isnull=True)
    for skill_id, level in project.requirements.values_list("skill_id", "level"):
        experts = _holding(experts, skill_id, level)
    return experts


def _holding(experts: QuerySet[Expert], skill_id: UUID, level: int) -> QuerySet[Expert]:
    held = Qualification.objects.filter(skill=skill_id, level__gte=level, state="active")
    return experts.filter(pk__in=held.values("expert"))
