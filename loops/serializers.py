"""How loops, rounds, answers, hours and mocks read in the API. Nothing here takes input."""

from datetime import UTC
from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.reverse import reverse

from loops.hours import Away, DayRule, Hours, Limits, WeeklyRule
from loops.models import Artifact, Attempt, Cohort, Loop, Mock, Recording, Round, Turn, User
from rubrics.models import Prompt


class CohortSerializer(serializers.ModelSerializer[Cohort]):
    """A cohort by name."""

    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = Cohort
        fields = ["id", "name"]


class RoundSerializer(serializers.ModelSerializer[Round]):
    """A round of a loop; `minutes` is null where the rubric's own length holds."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    loop = serializers.UUIDField(source="loop.public_id", read_only=True)
    round_kind = serializers.CharField(source="round_kind.key", read_only=True)

    class Meta:
        model = Round
        fields = ["id", "loop", "position", "round_kind", "title", "minutes", "focus"]


class LoopSerializer(serializers.ModelSerializer[Loop]):
    """A run at a preset for a target level."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    cohort = CohortSerializer(read_only=True)
    preset = serializers.CharField(source="preset_key", read_only=True)

    class Meta:
        model = Loop
        fields = [
            "id",
            "title",
            "preset",
            "ladder",
            "target_rank",
            "interview_on",
            "started_at",
            "cohort",
        ]


class LoopDetailSerializer(LoopSerializer):
    """A loop with its rounds in their order."""

    rounds = RoundSerializer(many=True, read_only=True)

    class Meta(LoopSerializer.Meta):
        fields = [*LoopSerializer.Meta.fields, "rounds"]


class DrawnPromptSerializer(serializers.ModelSerializer[Prompt]):
    """The question that was drawn. Its kit is the interviewer's and stays with the rubric."""

    class Meta:
        model = Prompt
        fields = ["key", "text"]


class RecordingSerializer(serializers.ModelSerializer[Recording]):
    """A recording; `links_url` tells those who may play it where, once it is ready."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    links_url = serializers.SerializerMethodField()

    class Meta:
        model = Recording
        fields = ["id", "state", "duration_ms", "links_url"]

    def get_links_url(self, recording: Recording) -> str | None:
        """Return the address of fresh links to its files; null until it is ready."""
        if not recording.is_ready:
            return None
        return str(reverse("loops:recording_links", args=[recording.public_id]))


class ArtifactSerializer(serializers.ModelSerializer[Artifact]):
    """Code or notes that belong to an answer."""

    class Meta:
        model = Artifact
        fields = ["kind", "text", "updated_at"]


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    """An answer of one's own. It says nothing of reviews: see readiness."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    loop = serializers.UUIDField(source="round.loop.public_id", read_only=True)
    round = serializers.UUIDField(source="round.public_id", read_only=True)
    round_kind = serializers.CharField(source="round.round_kind.key", read_only=True)
    edition = serializers.IntegerField(source="rubric_version.edition", read_only=True)
    prompt = DrawnPromptSerializer(read_only=True)

    class Meta:
        model = Attempt
        fields = [
            "id",
            "loop",
            "round",
            "round_kind",
            "number",
            "kind",
            "state",
            "edition",
            "prompt",
            "predicted_rank",
            "energy",
            "started_at",
            "submitted_at",
        ]


class AttemptDetailSerializer(AttemptSerializer):
    """An answer with its recording, null where there is none, and its texts."""

    recording = serializers.SerializerMethodField()
    artifacts = ArtifactSerializer(many=True, read_only=True)

    class Meta(AttemptSerializer.Meta):
        fields = [*AttemptSerializer.Meta.fields, "recording", "artifacts"]

    @extend_schema_field(RecordingSerializer(allow_null=True))
    def get_recording(self, attempt: Attempt) -> Any:
        """Return the recording that was kept."""
        kept = attempt.recordings.kept().order_by("pk").first()
        return RecordingSerializer(kept).data if kept else None


class WeeklyRuleSerializer(serializers.Serializer[WeeklyRule]):
    """Hours that come again each week, by the clocks of `zone`; 0 is Monday.

    Minutes count from midnight; an end over 1440 lies in the next day.
    """

    weekday = serializers.IntegerField()
    start_minute = serializers.IntegerField()
    end_minute = serializers.IntegerField()
    zone = serializers.CharField()
    valid_from = serializers.DateField(allow_null=True)
    valid_to = serializers.DateField(allow_null=True)


class DayRuleSerializer(serializers.Serializer[DayRule]):
    """Hours of one date in place of its weekly ones; without minutes there are none."""

    on = serializers.DateField()
    start_minute = serializers.IntegerField(allow_null=True)
    end_minute = serializers.IntegerField(allow_null=True)
    zone = serializers.CharField()


class AwaySerializer(serializers.Serializer[Away]):
    """Whole days away, both dates included."""

    from_on = serializers.DateField()
    to_on = serializers.DateField()
    zone = serializers.CharField()


class LimitsSerializer(serializers.Serializer[Limits]):
    """What is asked of any mock; days and weeks are counted in `zone`."""

    notice_minutes = serializers.IntegerField()
    horizon_days = serializers.IntegerField()
    most_a_day = serializers.IntegerField()
    most_a_week = serializers.IntegerField()
    gap_minutes = serializers.IntegerField()
    zone = serializers.CharField()


@extend_schema_serializer(many=False)  # though it is what "list" answers
class AvailabilitySerializer(serializers.Serializer[Hours]):
    """When one can be met, as rules; what is open also depends on the mocks agreed on."""

    weekly = WeeklyRuleSerializer(many=True)
    days = DayRuleSerializer(many=True)
    away = AwaySerializer(many=True)
    limits = LimitsSerializer()


class TurnSerializer(serializers.ModelSerializer[Turn]):
    """Who answers which kind of round; the prompt is not told."""

    candidate = serializers.CharField(source="candidate.handle", read_only=True)
    round_kind = serializers.CharField(source="round.round_kind.key", read_only=True)
    begun_at = serializers.DateTimeField(default_timezone=UTC, read_only=True)
    ended_at = serializers.DateTimeField(default_timezone=UTC, read_only=True)

    class Meta:
        model = Turn
        fields = ["position", "candidate", "round_kind", "minutes", "begun_at", "ended_at"]


class MockSerializer(serializers.ModelSerializer[Mock]):
    """A mock of one's own; times are in UTC, and before it is agreed they are what is proposed."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    cohort = CohortSerializer(read_only=True)
    partner = serializers.SerializerMethodField()
    starts_at = serializers.DateTimeField(default_timezone=UTC, read_only=True)
    ends_at = serializers.DateTimeField(default_timezone=UTC, read_only=True)
    agreed_at = serializers.DateTimeField(default_timezone=UTC, read_only=True)
    turns = TurnSerializer(many=True, read_only=True)

    class Meta:
        model = Mock
        fields = [
            "id",
            "cohort",
            "state",
            "origin",
            "starts_at",
            "ends_at",
            "agreed_at",
            "partner",
            "turns",
        ]

    def get_partner(self, mock: Mock) -> str:
        """Return the handle of the other."""
        user: User = self.context["request"].user
        return mock.partner_seat(user).member.handle
