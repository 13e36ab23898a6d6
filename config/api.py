"""The root of /api/v1/: the apps' routes on one router, the schema, one shape for every error."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.views import exception_handler

from feedback import api as feedback
from loops import api as loops
from loops.errors import Refused
from rubrics import api as rubrics

router = DefaultRouter(use_regex_path=False)  # so that a malformed id is no address at all
router.include_format_suffixes = False  # there is JSON only
for prefix, viewset, basename in (*rubrics.ROUTES, *loops.ROUTES, *feedback.ROUTES):
    router.register(prefix, viewset, basename=basename)

urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("", include(router.urls)),
]


def one_error_shape(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer every refusal as {"error": {"code", "message", "fields"}}.

    `code` is stable and for programs; `message` is for people; `fields` maps the name of an
    input to its messages and is empty where no single input is at fault.
    """
    if isinstance(error, Refused):
        return Response(_body(error.code, str(error), {}), status=error.status)
    response = exception_handler(error, context)
    if response is None:
        return None
    fields: dict[str, Any] = {}
    code, message = "error", ""
    if isinstance(error, ValidationError):
        code = "invalid"
        fields = error.detail if isinstance(error.detail, dict) else {"": error.detail}
        message = "; ".join(_messages(fields))
    elif isinstance(error, APIException) and isinstance(error.detail, ErrorDetail):
        code, message = str(error.detail.code), str(error.detail)
    elif isinstance(response.data, dict) and isinstance(
        detail := response.data.get("detail"), ErrorDetail
    ):
        code, message = str(detail.code), str(detail)
    response.data = _body(code, message, fields)
    return response


def _body(code: str, message: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "fields": fields}}


def _messages(detail: Any) -> list[str]:
    if isinstance(detail, dict):
        return [message for value in detail.values() for message in _messages(value)]
    if isinstance(detail, list):
        return [message for value in detail for message in _messages(value)]
    return [str(detail)]
