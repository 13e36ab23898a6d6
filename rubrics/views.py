"""The catalogue's pages: browse, read an edition, compare two. They are the same for everybody."""

import re

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from rubrics import queries
from rubrics.models import RubricVersion


@require_safe
def browse(request: HttpRequest) -> HttpResponse:
    """Show both ladders with their round kinds, twins side by side."""
    return render(request, "rubrics/catalogue/browse.html", {"page": queries.catalogue_page()})


@require_safe
def read(request: HttpRequest, kind: str, edition: int | None = None) -> HttpResponse:
    """Show one edition, the one in force where none is named."""
    try:
        page = queries.edition_page(kind, edition)
    except RubricVersion.DoesNotExist:
        raise Http404(_("There is no such rubric.")) from None
    return render(request, "rubrics/editions/read.html", {"page": page})


@require_safe
def compare(request: HttpRequest, kind: str) -> HttpResponse:
    """Show what differs between two editions, the newest two where none are named."""
    older, newer = (_number(request.GET.get(name, "")) for name in ("from", "to"))
    try:
        page = queries.comparison(kind, older, newer)
    except RubricVersion.DoesNotExist:
        raise Http404(_("There is no such edition.")) from None
    return render(request, "rubrics/editions/compare.html", {"page": page})


def _number(written: str) -> int | None:
    if not written:
        return None
    if not re.fullmatch("[0-9]{1,9}", written):
        raise Http404(_("There is no such edition."))
    return int(written)
