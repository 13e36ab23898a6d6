"""What a refused or failed request is answered with: a page from templates, or JSON under /api/."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.csrf import csrf_failure

from loops import blobs, tus


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 400, or 413 where the form was larger than a form may be."""
    is_too_big = isinstance(exception, RequestDataTooBig)
    if _is_api(request):
        message = (
            _("The request is too large.") if is_too_big else _("The request was not understood.")
        )
        return _json(
            "too_large" if is_too_big else "bad_request", message, 413 if is_too_big else 400
        )
    if is_too_big:
        return render(request, "413.html", status=413)
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer 404: what is not there and what is not for this person look alike."""
    if _is_api(request):
        return _json("not_found", _("There is nothing at this address, or it is not for you."), 404)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer 500."""
    if _is_api(request):
        return _json("server_error", _("Something broke here. It was noted; try again later."), 500)
    return defaults.server_error(request)


def stale_key(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Answer 403 to what came without this session's key: a page, or JSON to a recorder.

    What is being sent is read to its end, or its sender would see no answer.
    """
    if request.accepts("text/html") and not tus.is_spoken(request.headers):
        return csrf_failure(request, reason)
    blobs.drain(request)
    message = _(
        "The page's key no longer fits, so nothing was taken. What arrived before is kept: load "
        "the page again, in another window if this one still records."
    )
    response = JsonResponse({"code": "stale_key", "message": message}, status=403)
    response["Tus-Resumable"] = tus.VERSION
    return response


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _json(code: str, message: str, status: int) -> HttpResponse:
    return JsonResponse({"error": {"code": code, "message": message, "fields": {}}}, status=status)
