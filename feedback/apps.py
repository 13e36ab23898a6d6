"""Names the app for Django and registers what loops must know of it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FeedbackConfig(AppConfig):
    """The app in which peers grade."""

    name = "feedback"
    verbose_name = _("Feedback")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what loops asks of graders, and hear of answers that change."""
        from feedback import receivers  # noqa: F401, PLC0415
        from feedback.access import may_play_as_grader  # noqa: PLC0415
        from feedback.queries.answers import asked_by  # noqa: PLC0415
        from feedback.queries.keeping import needed_until  # noqa: PLC0415
        from feedback.queries.opening import reviews_to_open  # noqa: PLC0415
        from feedback.telling import WORDS  # noqa: PLC0415
        from loops.access import register_player  # noqa: PLC0415
        from loops.queries.keeping import register_holder  # noqa: PLC0415
        from loops.queries.news import register_reviews_to_open  # noqa: PLC0415
        from loops.queries.takes import register_asker  # noqa: PLC0415
        from loops.telling import register_words  # noqa: PLC0415

        register_player(may_play_as_grader)
        register_holder(needed_until)
        register_reviews_to_open(reviews_to_open)
        register_asker(asked_by)
        register_words(WORDS)
