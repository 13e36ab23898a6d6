"""How the queue, reviews, training and readiness read in the API. It is read-only."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from feedback.models import DowncodeTick, Evidence, Rating, Review, Sitting
from feedback.queries.candidates import candidate_of
from feedback.queries.readiness import ReadinessPage, Repair, RoundLine
from feedback.queries.training import sitting_page
from feedback.readiness import Gate, Reading, State, Step, Waiting
from loops.models import Attempt
from loops.serializers import CohortSerializer, DrawnPromptSerializer


class WaitingAnswerSerializer(serializers.ModelSerializer[Attempt]):
    """An answer that waits to be graded. It names neither its candidate nor itself:

    the next one is claimed, not a chosen one, and who answered is told after claiming.
    """

    cohort = CohortSerializer(source="round.loop.cohort", read_only=True)
    round_kind = serializers.CharField(source="round.round_kind.key", read_only=True)
    title = serializers.CharField(source="round.round_kind.title", read_only=True)
    edition = serializers.IntegerField(source="rubric_version.edition", read_only=True)
    minutes = serializers.SerializerMethodField()

    class Meta:
        model = Attempt
        fields = ["cohort", "round_kind", "title", "kind", "edition", "minutes"]

    def get_minutes(self, attempt: Attempt) -> int:
        """Return how long the round takes; length and date would tell a calibration item."""
        return attempt.round.minutes or attempt.rubric_version.minutes


class RatingSerializer(serializers.ModelSerializer[Rating]):
    """A rank on a dimension; null is *not observed*."""

    dimension = serializers.CharField(source="dimension.key", read_only=True)

    class Meta:
        model = Rating
        fields = ["dimension", "rank"]


class EvidenceSerializer(serializers.ModelSerializer[Evidence]):
    """A span of media time, or a quote, tied to a dimension or a downcode.

    `stamped_at` is the instant of a mock that it was seen at; its span comes with the recording.
    """

    id = serializers.UUIDField(source="public_id", read_only=True)
    dimension = serializers.SlugRelatedField[Any](slug_field="key", read_only=True)
    downcode = serializers.SlugRelatedField[Any](slug_field="key", read_only=True)

    class Meta:
        model = Evidence
        fields = [
            "id",
            "dimension",
            "downcode",
            "start_ms",
            "end_ms",
            "stamped_at",
            "quote",
            "note",
        ]


class TickSerializer(serializers.ModelSerializer[DowncodeTick]):
    """A downcode that was seen."""

    downcode = serializers.CharField(source="downcode.key", read_only=True)

    class Meta:
        model = DowncodeTick
        fields = ["downcode", "at_ms"]


class ReviewSerializer(serializers.ModelSerializer[Review]):
    """A review of one's own; `candidate` is what the cohort calls them."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    candidate = serializers.SerializerMethodField()
    round_kind = serializers.CharField(source="attempt.round.round_kind.key", read_only=True)
    edition = serializers.IntegerField(source="attempt.rubric_version.edition", read_only=True)
    target_rank = serializers.IntegerField(source="attempt.round.loop.target_rank", read_only=True)
    prompt = DrawnPromptSerializer(source="attempt.prompt", read_only=True)

    class Meta:
        model = Review
        fields = [
            "id",
            "state",
            "is_live",
            "candidate",
            "round_kind",
            "edition",
            "target_rank",
            "prompt",
            "claimed_at",
            "lease_until",
            "submitted_at",
            "draft_version",
            "verdict",
            "confidence",
            "level_given_rank",
            "summary",
        ]

    def get_candidate(self, review: Review) -> str:
        """Return the candidate's handle, or the name where the cohort shows names.

        It is empty once the answer was taken back.
        """
        return candidate_of(review)


class ReviewDetailSerializer(ReviewSerializer):
    """A review with its ratings, signals and evidence."""

    ratings = RatingSerializer(many=True, read_only=True)
    downcodes = TickSerializer(source="ticks", many=True, read_only=True)
    evidence = EvidenceSerializer(many=True, read_only=True)
    usefulness = serializers.SerializerMethodField()

    class Meta(ReviewSerializer.Meta):
        fields = [*ReviewSerializer.Meta.fields, "ratings", "downcodes", "evidence", "usefulness"]

    def get_usefulness(self, review: Review) -> int | None:
        """Return how useful its candidate found it, 0 to 2; null before they say, or skipped."""
        given = getattr(review, "usefulness", None)
        return given.mark if given else None


class WaitingSerializer(serializers.Serializer[Waiting]):
    """Answers not yet revealed: all that is said of them."""

    answers = serializers.IntegerField()
    reviews_in = serializers.IntegerField()
    reviews_wanted = serializers.IntegerField()


class NextStepSerializer(serializers.Serializer[Any]):
    """What would move the reading most; `downcode` is what it repairs, if it does."""

    code = serializers.ChoiceField(choices=[step.value for step in Step])
    count = serializers.IntegerField()
    downcode = serializers.CharField(allow_blank=True)


class ReadingSerializer(serializers.Serializer[Reading]):
    """What a round's answers say. Levels lie on 0 to 4, `low` to `high` is the 80 % band."""

    state = serializers.ChoiceField(choices=[state.value for state in State])
    level = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    bar = serializers.FloatField()
    answers = serializers.IntegerField()
    retakes = serializers.IntegerField()
    met = serializers.IntegerField()
    prompts = serializers.IntegerField()
    graders = serializers.IntegerField()
    has_live = serializers.BooleanField()
    newest_at = serializers.DateTimeField(allow_null=True)
    active_caps = serializers.ListField(child=serializers.CharField())
    missing_gates = serializers.ListField(
        child=serializers.ChoiceField(choices=[gate.value for gate in Gate])
    )
    next_step = NextStepSerializer()


class ReadinessRoundSerializer(serializers.Serializer[RoundLine]):
    """A round of the board; `levels` are those of the answers that count.

    `to_open` counts revealed reviews that wait for your word on how useful they are.
    """

    id = serializers.UUIDField(source="round.public_id")
    round_kind = serializers.CharField(source="round.round_kind.key")
    title = serializers.CharField(source="round.title")
    reading = ReadingSerializer()
    levels = serializers.ListField(child=serializers.FloatField())
    waiting = WaitingSerializer()
    to_open = serializers.IntegerField()
    calibrating = serializers.IntegerField()
    unplayable = serializers.IntegerField()
    reported = serializers.IntegerField()


class RepairSerializer(serializers.Serializer[Repair]):
    """A downcode that caps a round below the target, where it was last in force."""

    round = serializers.UUIDField(source="round.public_id")
    attempt = serializers.UUIDField(source="attempt_id")
    downcode = serializers.CharField()
    text = serializers.CharField()
    caps_at = serializers.CharField(source="cap_label")
    ticks = serializers.IntegerField()
    reviews = serializers.IntegerField()
    at_ms = serializers.IntegerField(allow_null=True)


class ReadinessSerializer(serializers.Serializer[ReadinessPage]):
    """A loop's board."""

    loop = serializers.UUIDField(source="loop.public_id")
    title = serializers.CharField(source="loop.title")
    target_rank = serializers.IntegerField(source="loop.target_rank")
    labels = serializers.ListField(child=serializers.CharField())
    rounds = ReadinessRoundSerializer(source="lines", many=True)
    repairs = RepairSerializer(many=True)


class TrainingSerializer(serializers.Serializer[Any]):
    """How far you are with the vignettes of a round kind. `state` says the first that is so."""

    round_kind = serializers.CharField(source="kind.key")
    title = serializers.CharField(source="kind.title")
    state = serializers.ChoiceField(
        choices=["none", "unlocked", "waiting", "repeat", "begun", "new"]
    )
    vignettes = serializers.IntegerField(source="total")
    handed_in = serializers.IntegerField(source="read")
    unlocked_at = serializers.DateTimeField(allow_null=True)
    is_by_repeat = serializers.BooleanField()
    repeat_opens_at = serializers.DateTimeField(allow_null=True)


class SittingSerializer(serializers.ModelSerializer[Sitting]):
    """A vignette that you have opened. What it came to is null until it is handed in."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    round_kind = serializers.CharField(source="vignette.round_kind.key", read_only=True)
    edition = serializers.IntegerField(source="vignette.version.edition", read_only=True)
    title = serializers.CharField(source="vignette.title", read_only=True)
    exact = serializers.SerializerMethodField()
    rated = serializers.SerializerMethodField()
    farthest = serializers.SerializerMethodField()

    class Meta:
        model = Sitting
        fields = [
            "id",
            "round_kind",
            "edition",
            "title",
            "number",
            "is_repeat",
            "opened_at",
            "submitted_at",
            "exact",
            "rated",
            "farthest",
        ]

    def get_exact(self, sitting: Sitting) -> int | None:
        """Return how many ratings agree with the references."""
        return sitting.exact if sitting.submitted_at else None

    def get_rated(self, sitting: Sitting) -> int | None:
        """Return how many ratings there are."""
        return sitting.rated if sitting.submitted_at else None

    def get_farthest(self, sitting: Sitting) -> int | None:
        """Return the greatest distance from a reference, in levels."""
        return sitting.farthest if sitting.submitted_at else None


class ComparedSerializer(serializers.Serializer[Any]):
    """A dimension: your rank beside the reference's, and its reason; null is *not observed*."""

    dimension = serializers.CharField(source="card.dimension.key")
    rank = serializers.IntegerField(allow_null=True)
    reference_rank = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()


class SittingDetailSerializer(SittingSerializer):
    """A vignette with its text; `ratings` is empty until it is handed in."""

    prompt = serializers.CharField(source="vignette.prompt", read_only=True)
    text = serializers.CharField(source="vignette.text", read_only=True)
    ratings = serializers.SerializerMethodField()

    class Meta(SittingSerializer.Meta):
        fields = [*SittingSerializer.Meta.fields, "prompt", "text", "ratings"]

    @extend_schema_field(ComparedSerializer(many=True))
    def get_ratings(self, sitting: Sitting) -> Any:
        """Return your ratings beside the references, as far as you may read them."""
        page = sitting_page(sitting, self.context["at"])
        return ComparedSerializer(page.compared, many=True).data
