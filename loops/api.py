"""Practice in the API, to read: one's own loops, rounds, answers, hours and mocks.

Everything comes through the doors of the pages.
"""

from typing import Any

import django_filters
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from loops import access, serializers
from loops.models import Attempt, Loop, Mock, Round, Seat, Turn, User, WeeklyHours
from loops.queries.availability import hours_of
from loops.queries.practice import loops_of


def person_at(view: GenericAPIView[Any]) -> User:
    """Return who is asking; the permission class lets nobody else past."""
    user = view.request.user
    if not isinstance(user, User):
        raise NotAuthenticated
    return user


class LoopFilter(django_filters.FilterSet):
    """Which of one's loops."""

    cohort = django_filters.UUIDFilter(field_name="cohort__public_id")

    class Meta:
        model = Loop
        fields = ["ladder", "target_rank"]


class LoopViewSet(ReadOnlyModelViewSet[Loop]):
    """Your loops, the newest first; one of them with its rounds."""

    queryset = Loop.objects.none()
    filterset_class = LoopFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Loop]:
        return loops_of(person_at(self))

    def get_object(self) -> Loop:
        return access.loop_to_see(person_at(self), self.kwargs["public_id"])

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        if self.action == "retrieve":
            return serializers.LoopDetailSerializer
        return serializers.LoopSerializer


class RoundFilter(django_filters.FilterSet):
    """Which of one's rounds."""

    loop = django_filters.UUIDFilter(field_name="loop__public_id")
    round_kind = django_filters.CharFilter(field_name="round_kind__key")

    class Meta:
        model = Round
        fields: list[str] = []


class RoundViewSet(ReadOnlyModelViewSet[Round]):
    """The rounds of your loops, the newest loop first."""

    queryset = Round.objects.none()
    serializer_class = serializers.RoundSerializer
    filterset_class = RoundFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Round]:
        return (
            Round.objects.filter(loop__member=person_at(self))
            .select_related("loop", "round_kind")
            .order_by("-loop__started_at", "-loop_id", "position")
        )

    def get_object(self) -> Round:
        return access.round_to_see(person_at(self), self.kwargs["public_id"])


class AttemptFilter(django_filters.FilterSet):
    """Which of one's answers."""

    loop = django_filters.UUIDFilter(field_name="round__loop__public_id")
    round = django_filters.UUIDFilter(field_name="round__public_id")
    round_kind = django_filters.CharFilter(field_name="round__round_kind__key")

    class Meta:
        model = Attempt
        fields = ["state", "kind"]


class AttemptViewSet(ReadOnlyModelViewSet[Attempt]):
    """Your answers, the newest first; one of them with its recording and its texts."""

    queryset = Attempt.objects.none()
    filterset_class = AttemptFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Attempt]:
        return (
            Attempt.objects.answers()
            .of(person_at(self))
            .select_related("round__loop", "round__round_kind", "prompt", "rubric_version")
            .order_by("-started_at", "-pk")
        )

    def get_object(self) -> Attempt:
        return access.answer_to_read(person_at(self), self.kwargs["public_id"])

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        if self.action == "retrieve":
            return serializers.AttemptDetailSerializer
        return serializers.AttemptSerializer


class AvailabilityViewSet(GenericViewSet[Any]):
    """Your hours as rules."""

    queryset = WeeklyHours.objects.none()
    serializer_class = serializers.AvailabilitySerializer
    pagination_class = None

    @extend_schema(responses=serializers.AvailabilitySerializer)
    def list(self, request: Request) -> Response:
        """Read weekly hours, days of their own, days away and limits. Past days are left out."""
        user = person_at(self)
        hours = hours_of([user], timezone.now())[user.pk]
        return Response(serializers.AvailabilitySerializer(hours).data)


class MockFilter(django_filters.FilterSet):
    """Which of one's mocks."""

    cohort = django_filters.UUIDFilter(field_name="cohort__public_id")

    class Meta:
        model = Mock
        fields = ["state"]


class MockViewSet(ReadOnlyModelViewSet[Mock]):
    """Your mocks, the latest start first. Nothing here tells a prompt."""

    queryset = Mock.objects.none()
    serializer_class = serializers.MockSerializer
    filterset_class = MockFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Mock]:
        turns = Turn.objects.select_related("candidate", "round__round_kind").order_by("position")
        return (
            Mock.objects.of(person_at(self))
            .select_related("cohort")
            .prefetch_related(
                Prefetch("seats", queryset=Seat.objects.select_related("member")),
                Prefetch("turns", queryset=turns),
            )
            .order_by("-starts_at", "-pk")
        )

    def get_object(self) -> Mock:
        return access.mock_to_see(person_at(self), self.kwargs["public_id"])


ROUTES = [
    ("loops", LoopViewSet, "loop"),
    ("rounds", RoundViewSet, "round"),
    ("attempts", AttemptViewSet, "attempt"),
    ("availability", AvailabilityViewSet, "availability"),
    ("mocks", MockViewSet, "mock"),
]
