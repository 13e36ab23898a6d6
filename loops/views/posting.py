"""What views that take a form's POST have in common. Which form, and what it does, each says."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

View = Callable[..., HttpResponseBase]


def posts_from(page: str, *ids: str) -> Callable[[View], View]:
    """Let a view take a POST, and lead a GET of its address to the page that holds the form.

    A GET comes by a reload after an error, or by signing in again after a POST found nobody
    signed in. `ids` names those of the view's arguments that the page takes.
    """

    def posted(view: View) -> View:
        @wraps(view)
        def answering(request: HttpRequest, **given: object) -> HttpResponseBase:
            if request.method == "POST":
                return view(request, **given)
            if request.method in {"GET", "HEAD"}:
                return redirect(page, *(given[name] for name in ids))
            return HttpResponseNotAllowed(["POST"])

        return answering

    return posted
