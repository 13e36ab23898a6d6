"""Turns a refusal that no view caught into an answer: a page for people, JSON for programs."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from loops.errors import Refused


class RefusalMiddleware:
    """Answers `Refused` with its status and its words, so that no refusal is ever a 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a refusal; anything else is somebody else's."""
        if not isinstance(exception, Refused):
            return None
        if not request.accepts("text/html"):
            return JsonResponse(
                {"code": exception.code, "message": str(exception)}, status=exception.status
            )
        return render(request, "refused.html", {"message": str(exception)}, status=exception.status)
