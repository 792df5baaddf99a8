"""A little API that only these tests serve. A POST makes a user, so that effects can be counted."""

from __future__ import annotations

from threading import Event as Signal

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.kit import clock
from marketplace.kit.drf.idempotency import idempotent, idempotent_with_key
from marketplace.kit.drf.pagination import KeysetPagination
from marketplace.kit.drf.problems import no_such_address
from marketplace.kit.drf.serializers import StorableJSONField, StrictSerializer
from marketplace.kit.errors import DomainError
from marketplace.kit.states import IllegalTransition
from marketplace.people.models import User


class NoteIn(StrictSerializer):
    name = serializers.CharField(max_length=20)
    extra = StorableJSONField(required=False)
    made_at = serializers.DateTimeField(read_only=True)


class ListIn(StrictSerializer):
    rows = NoteIn(many=True)


class Refused(DomainError):
    """The test asked for it."""

    code = "refused_for_the_test"


# A race test holds the handler here until the second request was answered.
handling, go_on = Signal(), Signal()
go_on.set()


class Notes(APIView):
    @extend_schema(request=NoteIn, responses={201: NoteIn})
    @idempotent
    def post(self, request: Request) -> Response:
        note = NoteIn(data=request.data)
        note.is_valid(raise_exception=True)
        name = note.validated_data["name"]
        made = User.objects.create_user(f"{name}{User.objects.count()}@example.org", name=name)
        if name == "refused":
            raise Refused("Not this name.", wanted=name)
        if name == "answered":
            return Response({"code": "answered"}, status=409)
        handling.set()
        go_on.wait(10)
        return Response({"id": made.pk, "at": clock.now()}, status=201)


class Payments(APIView):
    @extend_schema(request=NoteIn, responses={204: None})
    @idempotent_with_key
    def post(self, _request: Request) -> Response:
        User.objects.create_user(f"payee{User.objects.count()}@example.org")
        return Response(status=204)


class Person(StrictSerializer):
    email = serializers.CharField()


class People(ListAPIView[User]):
    queryset = User.objects.filter(is_staff=False)
    serializer_class = Person
    pagination_class = KeysetPagination


class Guests(APIView):
    permission_classes = [AllowAny]

    @extend_schema(request=None, responses={204: None})
    @idempotent
    def post(self, _request: Request) -> Response:
        return Response(status=204)


class Lists(APIView):
    @extend_schema(request=ListIn, responses={200: ListIn})
    def post(self, request: Request) -> Response:
        listed = ListIn(data=request.data)
        listed.is_valid(raise_exception=True)
        return Response(listed.validated_data)


class Failures(APIView):
    permission_classes = [AllowAny]
    kinds: dict[str, Exception] = {
        "domain": Refused("Not today.", title="spoilt", wanted=3),
        "transition": IllegalTransition("From open.", allowed=["closed"]),
        "missing": Http404("secret path"),
        "denied": PermissionDenied(),
    }

    @extend_schema(responses={200: None})
    def get(self, _request: Request, kind: str) -> Response:
        raise self.kinds.get(kind) or ZeroDivisionError("a bug")


class Anyone(APIView):
    permission_classes = [AllowAny]

    @extend_schema(responses={200: None})
    def get(self, _request: Request) -> Response:
        return Response({"hello": "there"})


urlpatterns = [
    path("api/v1/notes/", Notes.as_view()),
    path("api/v1/payments/", Payments.as_view()),
    path("api/v1/people/", People.as_view()),
    path("api/v1/guests/", Guests.as_view()),
    path("api/v1/lists/", Lists.as_view()),
    path("api/v1/failures/<str:kind>/", Failures.as_view()),
    path("api/v1/anyone/", Anyone.as_view()),
    path("api/<path:rest>", no_such_address),
]
