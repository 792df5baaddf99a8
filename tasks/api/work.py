"""What an expert does: read the terms, claim, draft, submit, return. Kept thin."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.kit import clock
from marketplace.kit.drf.idempotency import idempotent
from marketplace.kit.errors import NotFound
from marketplace.projects.access import joinable_projects
from marketplace.projects.models import Project
from tasks.access import own_assignments
from tasks.api import serializers
from tasks.api.bodies import read
from tasks.api.reading import asking_expert, assignment_values, found, lease_values
from tasks.models import Assignment
from tasks.selectors.work import can_claim, missing_skills, sheet
from tasks.services import claiming, drafting, engaging, submitting
from tasks.services.submitting import Envelope

OVER = OpenApiResponse(description="The lease is over; `detail` says why and what is paid.")
NOTHING = OpenApiResponse(description="Nothing to claim now.")


class _ForExperts(APIView):
    """Signed-in experts; claims and drafts come often, so the rate is higher."""

    permission_classes = [IsAuthenticated]
    throttle_scope = "work"


class TermsDetail(_ForExperts):
    """What a project's experts agree to, with the hash to send back."""

    @extend_schema(responses=serializers.TermsView)
    def get(self, request: Request, project_id: UUID) -> Response:
        expert = asking_expert(request)
        project = found(joinable_projects(to=expert.user), project_id)
        terms, guideline = project.current_terms, project.current_guideline
        if terms is None or guideline is None:
            raise NotFound("There is nothing here.")
        return Response(
            {
                "project": project.pk,
                "version": terms.version,
                "terms_hash": terms.content_hash,
                "body": terms.body,
                "purposes": terms.purposes,
                "licence": terms.licence,
                "guidelines": guideline.body,
                "missing_skills": list(missing_skills(expert, project)),
            }
        )


class EngagementList(_ForExperts):
    """Accept the terms that were shown."""

    @extend_schema(request=serializers.Acceptance, responses={201: serializers.EngagementView})
    @idempotent
    def post(self, request: Request, project_id: UUID) -> Response:
        expert = asking_expert(request)
        sent = read(serializers.Acceptance, request)
        project = found(joinable_projects(to=expert.user), project_id)
        engagement = engaging.accept_terms(
            expert=expert, project=project, shown_hash=sent["terms_hash"], at=clock.now()
        )
        return Response(
            {
                "id": engagement.pk,
                "project": project.pk,
                "terms_version": engagement.terms.version,
                "can_claim": can_claim(expert, project),
            },
            status=201,
        )


class Next(_ForExperts):
    """Claim the next task: 201 with it, or 204 when there is nothing."""

    @extend_schema(
        request=serializers.NextWork, responses={201: serializers.AssignmentView, 204: NOTHING}
    )
    @idempotent
    def post(self, request: Request) -> Response:
        expert = asking_expert(request)
        wanted = read(serializers.NextWork, request)["project"]
        project: Project | None = None
        if wanted is not None:
            project = found(joinable_projects(to=expert.user), wanted)
        at = clock.now()
        assignment = claiming.claim_next(expert=expert, project=project, at=at)
        if assignment is None:
            return Response(status=204)
        return Response(assignment_values(assignment, sheet(assignment, at=at)), status=201)


class AssignmentDetail(_ForExperts):
    """A task that the expert holds or has held."""

    @extend_schema(responses=serializers.AssignmentView)
    def get(self, request: Request, assignment_id: UUID) -> Response:
        assignment = _own(request, assignment_id)
        return Response(assignment_values(assignment, sheet(assignment, at=clock.now())))


class DraftDetail(_ForExperts):
    """Keep what is typed so far. 409 holds a newer draft from another tab."""

    @extend_schema(request=serializers.DraftBody, responses={200: serializers.DraftView, 410: OVER})
    def put(self, request: Request, assignment_id: UUID) -> Response:
        sent = read(serializers.DraftBody, request)
        saved = drafting.save_draft(
            assignment=_own(request, assignment_id),
            answer=sent["answer"],
            based_on=sent["based_on"],
            at=clock.now(),
        )
        return Response(
            {
                "revision": saved.draft.revision,
                "saved_at": saved.draft.saved_at,
                "left_out": [{"field": p.path, "problem": p.message} for p in saved.problems],
            }
        )


class SubmissionList(_ForExperts):
    """Send the answer. The same revision with the same answer again is the same submission."""

    @extend_schema(
        request=serializers.AnswerBody, responses={201: serializers.SubmissionView, 410: OVER}
    )
    @idempotent
    def post(self, request: Request, assignment_id: UUID) -> Response:
        sent = read(serializers.AnswerBody, request)
        assignment = _own(request, assignment_id)
        submission = submitting.submit(
            assignment=assignment,
            answer=sent["answer"],
            envelope=_envelope(sent),
            at=clock.now(),
        )
        return Response(
            {
                "id": submission.pk,
                "assignment": submission.assignment_id,
                "revision": submission.revision,
                "content_sha256": submission.content_sha256,
                "submitted_at": submission.submitted_at,
                "review_until": submission.assignment.review_until,
            },
            status=201,
        )


class Return(_ForExperts):
    """Give the task back, free."""

    @extend_schema(
        request=serializers.ReturnBody, responses={200: serializers.LeaseView, 410: OVER}
    )
    @idempotent
    def post(self, request: Request, assignment_id: UUID) -> Response:
        sent = read(serializers.ReturnBody, request)
        at = clock.now()
        returned = claiming.return_assignment(
            assignment=_own(request, assignment_id), reason=sent["reason"], at=at
        )
        return Response(lease_values(returned, at=at))


class Heartbeat(_ForExperts):
    """Count work time; near the end of the lease it is extended while the expert works."""

    @extend_schema(request=serializers.Beat, responses={200: serializers.LeaseView, 410: OVER})
    @idempotent
    def post(self, request: Request, assignment_id: UUID) -> Response:
        sent = read(serializers.Beat, request)
        at = clock.now()
        beaten = claiming.beat(
            assignment=_own(request, assignment_id), active_seconds=sent["active_seconds"], at=at
        )
        return Response(lease_values(beaten, at=at))


class Extension(_ForExperts):
    """Begin the lease anew, at its first length."""

    @extend_schema(request=serializers.Nothing, responses={200: serializers.LeaseView, 410: OVER})
    @idempotent
    def post(self, request: Request, assignment_id: UUID) -> Response:
        read(serializers.Nothing, request)
        at = clock.now()
        extended = claiming.extend_lease(assignment=_own(request, assignment_id), at=at)
        return Response(lease_values(extended, at=at))


def _own(request: Request, assignment_id: UUID) -> Assignment:
    expert = asking_expert(request)
    rows = own_assignments(to=expert.user).select_related("task", "batch", "project")
    return found(rows, assignment_id)


def _envelope(sent: dict[str, Any]) -> Envelope:
    """Any: values of AnswerBody."""
    return Envelope(
        revision=sent["revision"],
        active_seconds=sent["active_seconds"],
        assistance=sent["assistance"],
        assistance_note=sent["assistance_note"],
        confidence=sent["confidence"],
        is_unclear=sent["unclear"],
    )
