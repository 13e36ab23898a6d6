"""Pages of the pool: asking it, standing by, appeals, and what an organiser sees of mocks."""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from loops import access
from loops.actions import appeals, pool, sessions
from loops.errors import Refused
from loops.forms.pool import AppealForm, AskForm, DecideForm, OneRoundForm, StandbyForm
from loops.models import Cohort, MatchRequest, User
from loops.queries import pool as reads
from loops.views.people import signed_in
from loops.views.posting import posts_from

ROWS_A_PAGE = 25


# The pool


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pool_(request: HttpRequest) -> HttpResponse:
    """Show the pool of a cohort; a POST asks it for a mock. htmx asks for the standby alone."""
    user = signed_in(request)
    if request.GET.get("part") == "standby":
        return _standby_alone(request, user)
    if request.method != "POST":
        return _pool(request, user, _uuid(request.GET))
    page = reads.pool_page(user, _uuid(request.POST), timezone.now())
    if page is None:
        return redirect("loops:pool")
    form = AskForm(request.POST, rounds=page.rounds)
    if not form.is_valid():
        return _shown(request, page, form=form, status=422)
    try:
        pool.ask(by=user, cohort=page.cohort, at=timezone.now(), **form.cleaned_data)
    except Refused as refusal:
        return _shown(request, page, form=form, refusal=refusal, status=refusal.status)
    if page.request:
        messages.success(request, _("Your request is changed. You keep your place."))
    else:
        messages.success(request, _("You are in the pool."))
    return redirect(_address(page.cohort))


@posts_from("loops:pool")
def pool_withdraw(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Leave the pool."""
    user = signed_in(request)
    found = access.match_request_to_change(user, request_id)
    try:
        pool.withdraw(request=found, by=user, at=timezone.now())
    except Refused as refusal:
        return _pool(request, user, found.cohort.public_id, refusal=refusal)
    messages.success(request, _("You have left the pool. You can ask again at any time."))
    return redirect(_address(found.cohort))


def _pool(
    request: HttpRequest, user: User, cohort_id: UUID | None, *, refusal: Refused | None = None
) -> HttpResponse:
    page = reads.pool_page(user, cohort_id, timezone.now())
    if page is None:
        return render(request, "loops/pool/pool_alone.html")
    return _shown(request, page, refusal=refusal, status=refusal.status if refusal else 200)


def _shown(
    request: HttpRequest,
    page: reads.PoolPage,
    *,
    form: AskForm | None = None,
    standby_form: StandbyForm | None = None,
    refusal: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": page,
        "cohort": page.cohort,
        "standby": page.standby,
        "reliability": page.reliability,
        "form": form or _ask_form(page),
        "standby_form": standby_form,
        "refusal": refusal,
        "is_changing": form is not None or "change" in request.GET,
    }
    return render(request, "loops/pool/pool.html", context, status=status)


def _ask_form(page: reads.PoolPage) -> AskForm:
    """Return the form as it stands: what was asked, or every round for who asks anew."""
    kept: MatchRequest | None = page.request
    wanted = page.wanted if kept else page.rounds[:1]
    return AskForm(
        rounds=page.rounds,
        initial={
            "rounds": [str(one.public_id) for one in wanted],
            "wants_swap": "0" if kept and not kept.wants_swap else "1",
            "is_urgent": "1" if kept and kept.is_urgent else "0",
            "books_at_once": bool(kept and kept.books_at_once),
        },
    )


def _address(cohort: Cohort) -> str:
    return f"{reverse('loops:pool')}?{urlencode({'cohort': cohort.public_id})}"


def _uuid(sent: QueryDict) -> UUID | None:
    """Read which cohort is meant; an address that names none shows the usual one."""
    written = sent.get("cohort", "")
    if not written:
        return None
    try:
        return UUID(written)
    except ValueError as error:
        raise Http404("No such cohort.") from error


# Standby


@posts_from("loops:pool")
def standby(request: HttpRequest) -> HttpResponse:
    """Be ready for some hours from now."""
    user = signed_in(request)
    now = timezone.now()
    page = reads.pool_page(user, _uuid(request.POST), now)
    if page is None:
        return redirect("loops:pool")
    form = StandbyForm(request.POST, rounds=page.rounds)
    if not form.is_valid():
        return _shown(request, page, standby_form=form, status=422)
    sessions.stand_by(
        by=user,
        until=now + timedelta(hours=form.cleaned_data["hours"]),
        round_=form.cleaned_data["round"],
        cohort_id=page.cohort.pk,
        at=now,
    )
    return redirect(_address(page.cohort) + "#standby")


@posts_from("loops:pool")
def stand_down(request: HttpRequest) -> HttpResponse:
    """Be ready no longer."""
    user = signed_in(request)
    sessions.stand_down(by=user, at=timezone.now())
    messages.success(request, _("You are no longer on standby."))
    cohort_id = _uuid(request.POST)
    return redirect(reverse("loops:pool") + (f"?cohort={cohort_id}" if cohort_id else ""))


@posts_from("loops:pool")
def meet_now(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Begin a mock with somebody who is on standby."""
    user = signed_in(request)
    found = access.standby_to_call(user, user_id)
    page = reads.pool_page(user, _uuid(request.POST), timezone.now())
    if page is None:
        raise Http404("No such pool.")
    form = OneRoundForm(request.POST, rounds=page.rounds)
    try:
        mock = sessions.meet_now(
            standby=found,
            round_=form.cleaned_data["round"] if form.is_valid() else None,
            by=user,
            at=timezone.now(),
        )
    except Refused as refusal:
        return _pool(request, user, page.cohort.public_id, refusal=refusal)
    return redirect("feedback:session", mock.public_id)


def _standby_alone(request: HttpRequest, user: User) -> HttpResponse:
    panel = reads.standby_panel(user, _uuid(request.GET), timezone.now())
    if panel is None:
        raise Http404("No such pool.")
    return render(request, "loops/pool/standby.html", {"standby": panel})


# What an organiser sees


@never_cache
@require_safe
def cohort_mocks(request: HttpRequest, cohort_id: UUID) -> HttpResponse:
    """Show an organiser how mocks come about in their cohort, and what waits for them."""
    return _watched(request, access.cohort_to_organise(signed_in(request), cohort_id))


@posts_from("loops:cohort_list")
def appeal_decide(request: HttpRequest, appeal_id: UUID) -> HttpResponse:
    """Grant an appeal, or refuse it with an answer."""
    user = signed_in(request)
    found = access.appeal_to_decide(user, appeal_id)
    cohort = found.seat.mock.cohort
    form = DecideForm(request.POST)
    if not form.is_valid():
        return _watched(request, cohort, form=form, asked=appeal_id, status=422)
    try:
        appeals.decide(
            appeal=found,
            is_granted=form.cleaned_data["decision"] == "grant",
            answer=form.cleaned_data["answer"],
            by=user,
            at=timezone.now(),
        )
    except Refused as refusal:
        return _watched(
            request, cohort, form=form, asked=appeal_id, refusal=refusal, status=refusal.status
        )
    messages.success(request, _("Decided. The member is told."))
    return redirect("loops:cohort_mocks", cohort.public_id)


def _watched(
    request: HttpRequest,
    cohort: Cohort,
    *,
    form: DecideForm | None = None,
    asked: UUID | None = None,
    refusal: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    user, now = signed_in(request), timezone.now()
    show = request.GET.get("show", "")
    context: dict[str, object] = {
        "cohort": cohort,
        "show": show if show in {"fill", "people"} else "waiting",
        "refusal": refusal,
        "section": "",
    }
    if show == "fill":
        context["fill"] = reads.fill_page(cohort, now)
    elif show == "people":
        lines = Paginator(reads.member_lines(cohort, now), ROWS_A_PAGE)
        context["people"] = lines.get_page(request.GET.get("page"))
    else:
        watch = reads.watch_page(cohort, user, now)
        context |= {"watch": watch, "form": form, "asked": asked}
        lines_waiting = Paginator(watch.waiting, ROWS_A_PAGE)
        context["waiting"] = lines_waiting.get_page(request.GET.get("page"))
    return render(request, "loops/pool/cohort_mocks.html", context, status=status)


# Appeals


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mock_appeal(request: HttpRequest, mock_id: UUID) -> HttpResponse:
    """Ask the organisers to excuse a broken promise, and read what they answered."""
    user = signed_in(request)
    mock = access.mock_to_see(user, mock_id)
    form = AppealForm(request.POST if request.method == "POST" else None)
    refusal: Refused | None = None
    if form.is_valid():
        try:
            appeals.appeal(mock=mock, text=form.cleaned_data["text"], by=user, at=timezone.now())
        except Refused as error:
            refusal = error
        else:
            messages.success(request, _("Sent. You are told what an organiser answers."))
            return redirect("loops:mock_appeal", mock_id)
    page = reads.appeal_page(mock, user, timezone.now())
    if page is None:
        raise refusal or appeals.NothingToAppeal
    return render(
        request,
        "loops/pool/appeal.html",
        {"page": page, "cohort": mock.cohort, "form": form, "refusal": refusal},
        status=refusal.status if refusal else 422 if form.is_bound else 200,
    )
