"""Keeps open what candidates could read before they were asked how useful a review is."""

from datetime import timedelta

from django.db import migrations
from django.db.models import Count, Q
from django.utils import timezone


def leave_open(apps, schema_editor):
    """Mark the reviews of revealed answers as opened without a word."""
    Attempt = apps.get_model("loops", "Attempt")
    Review = apps.get_model("feedback", "Review")
    Usefulness = apps.get_model("feedback", "Usefulness")
    now = timezone.now()
    waited = Q(reviews_in__gte=1, submitted_at__lte=now - timedelta(hours=48))
    revealed = (
        Attempt.objects.filter(state="submitted")
        .annotate(reviews_in=Count("reviews", filter=Q(reviews__state="submitted")))
        .filter(Q(reviews_in__gte=2) | waited)
    )
    reviews = Review.objects.filter(
        attempt__in=revealed.order_by().values("pk"), state="submitted", usefulness=None
    )
    Usefulness.objects.bulk_create(
        [Usefulness(review=review, mark=None, at=now) for review in reviews.order_by("pk")],
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [("feedback", "0004_trust")]

    operations = [migrations.RunPython(leave_open, migrations.RunPython.noop)]
