"""The recorder's pages beside the one that records: what a crash left in a browser."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loops.actions import recordings
from loops.views.people import signed_in


@never_cache
@require_safe
def unfinished(request: HttpRequest) -> HttpResponse:
    """Give the frame and the words of the list that a browser fills with what it has kept."""
    signed_in(request)
    return render(request, "loops/practice/_unfinished.html", {"limits": recordings.limits()})
