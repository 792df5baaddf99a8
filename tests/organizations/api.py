"""A little API that only these tests serve."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from django.urls import path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.organizations.access import may_use_project
from marketplace.organizations.api.authentication import principal_of
from marketplace.organizations.api.permissions import HasScope
from marketplace.organizations.models import ApiKey


class Tasks(APIView):
    """Needs a scope, and a project that the key reaches."""

    permission_classes = [HasScope("tasks:write")]

    def get(self, request: Request, project: UUID) -> Response:
        key = principal_of(request)
        if not isinstance(key, ApiKey) or not may_use_project(key, project):
            raise Http404
        return Response({"organization": str(key.organization_id)})


class Me(APIView):
    """Anybody signed in, by key or by session."""

    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        is_key = isinstance(principal_of(request), ApiKey)
        return Response({"kind": "key" if is_key else "person"})


urlpatterns = [
    path("api/v1/projects/<uuid:project>/tasks/", Tasks.as_view()),
    path("api/v1/me/", Me.as_view()),
]
