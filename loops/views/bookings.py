"""Pages of mocks: one's own, a new one, one of them with all that may be done with it."""

from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from loops import access
from loops.actions import bookings
from loops.errors import Refused
from loops.forms.bookings import (
    AnswerForm,
    ProposeForm,
    RoomForm,
    TimeForm,
    video_host,
)
from loops.models import Mock, Proposal, Round, User
from loops.queries.availability import partners_of
from loops.queries.bookings import (
    MockPage,
    may_swap,
    mock_list_page,
    mock_page,
    open_proposal,
    when_of,
)
from loops.queries.people import cohorts_of
from loops.queries.slots import (
    DAYS_SHOWN,
    RoundChoice,
    SlotsPage,
    choice_page,
    own_rounds,
    rounds_of_move,
    slots_page,
)
from loops.states import MockState
from loops.views.people import signed_in
from loops.views.posting import posts_from

DAYS_MOST = 90


@never_cache
@require_safe
def mock_list(request: HttpRequest) -> HttpResponse:
    """List a person's mocks: what asks them, what is agreed, what was."""
    user = signed_in(request)
    page = mock_list_page(user, timezone.now(), page=request.GET.get("page", ""))
    return render(request, "loops/bookings/mock_list.html", {"page": page})


# A new one


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mock_new(request: HttpRequest) -> HttpResponse:
    """Choose a round and a partner, then one of the times both have; a POST proposes it.

    What is chosen stands in the address, so that each step can be linked and gone back to.
    """
    user = signed_in(request)
    sent = request.POST if request.method == "POST" else request.GET
    round_id, partner_id = _uuid(sent, "round"), _uuid(sent, "partner")
    if round_id is None or partner_id is None or "choose" in request.GET:
        return _choice(request, user, is_asked="swap" in sent and "choose" not in request.GET)
    round_ = access.round_to_see(user, round_id)
    partner = partners_of(user, round_.loop.cohort).filter(public_id=partner_id).first()
    if partner is None:  # gone, blocked or never there: nothing tells them apart
        return _choice(request, user, refusal=bookings.NotMeeting())
    try:
        if request.method == "POST":
            return _propose(request, user, round_, partner)
        return _times_of_new(request, user, round_, partner)
    except (bookings.NotMeeting, bookings.NoRubric, bookings.NoUnseenPrompt) as refusal:
        if not wants_page(request):
            raise
        return _choice(request, user, refusal=refusal)


def _choice(
    request: HttpRequest, user: User, *, is_asked: bool = False, refusal: Refused | None = None
) -> HttpResponse:
    """Show rounds and partners to choose from."""
    sent = request.POST if request.method == "POST" else request.GET
    round_id = _uuid(sent, "round")
    page = choice_page(
        user, timezone.now(), round_id=round_id, cohort_id=_uuid(request.GET, "cohort")
    )
    context = {
        "page": page,
        "cohort": page.cohort,
        "round_id": round_id,
        "partner_id": _uuid(sent, "partner"),
        "is_swap": _is_swap(sent),
        "is_asked": is_asked,
        "refusal": refusal,
        "has_cohort": page.cohort is not None or cohorts_of(user).exists(),
    }
    status = refusal.status if refusal else 422 if request.method == "POST" else 200
    return render(request, "loops/bookings/mock_new.html", context, status=status)


def _propose(request: HttpRequest, user: User, round_: Round, partner: User) -> HttpResponse:
    form = ProposeForm(request.POST)
    if not form.is_valid():
        return _times_of_new(request, user, round_, partner, form=form, status=422)
    try:
        mock = bookings.propose(
            partner=partner,
            round_=round_,
            by=user,
            at=timezone.now(),
            wants_swap=_is_swap(request.POST),
            **form.cleaned_data,
        )
    except (bookings.SlotGone, bookings.TooManyProposals) as refusal:
        return _times_of_new(request, user, round_, partner, form=form, refusal=refusal)
    name = round_.loop.cohort.called(partner)
    messages.success(
        request,
        _("Proposed. %(name)s is told and can accept, decline or name another time.")
        % {"name": name},
    )
    return redirect("loops:mock", mock.public_id)


def _times_of_new(
    request: HttpRequest,
    user: User,
    round_: Round,
    partner: User,
    *,
    form: ProposeForm | None = None,
    refusal: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the times that both have free for a mock of this round."""
    sent = request.POST if request.method == "POST" else request.GET
    is_swap = _is_swap(sent)
    cohort = round_.loop.cohort
    chosen = {"round": round_.public_id, "partner": partner.public_id, "swap": int(is_swap)}
    minutes = bookings.proposed_minutes(round_, wants_swap=is_swap)
    slots = slots_page(
        user,
        partner,
        cohort.called(partner),
        minutes=minutes,
        at=timezone.now(),
        days=_days(request),
    )
    if refusal and not wants_page(request):
        return refused(refusal, slots)
    context = {
        "round": round_,
        "partner": partner,
        "name": cohort.called(partner),
        "cohort": cohort,
        "is_swap": is_swap,
        "slots": slots,
        "more_url": _more_url(reverse("loops:mock_new"), slots, **chosen),
        "back_url": f"{reverse('loops:mock_new')}?{urlencode({**chosen, 'choose': 1})}",
        "shorter_url": f"{reverse('loops:mock_new')}?{urlencode({**chosen, 'swap': 0})}"
        if is_swap
        else "",
        "form": form or ProposeForm(),
        "chosen": sent.get("starts_at", ""),
        "refusal": refusal,
    }
    status = refusal.status if refusal else status
    return render(request, "loops/bookings/mock_new_times.html", context, status=status)


# One mock


@never_cache
@vary_on_headers("HX-Request")
@require_safe
def mock(request: HttpRequest, mock_id: UUID) -> HttpResponse:
    """Show a mock and what its reader can do; htmx asks whether it has changed since."""
    user = signed_in(request)
    found = access.mock_to_see(user, mock_id)
    if not request.headers.get("HX-Request"):
        return _mock(request, user, found)
    page = _page_of(found, user)
    if page.stamp == request.GET.get("seen"):
        return HttpResponse(status=204)
    return render(request, "loops/bookings/_now.html", {"page": page, "is_news": True})


@posts_from("loops:mock", "mock_id")
def mock_answer(request: HttpRequest, mock_id: UUID) -> HttpResponse:
    """Accept or decline a proposal, or take one's own back."""
    user = signed_in(request)
    found = access.mock_to_see(user, mock_id)
    asks_round = may_swap(found, user)
    rounds = _rounds_of(user, found) if asks_round else []
    form = AnswerForm(
        request.POST, asks_round=asks_round, rounds=[one.round.public_id for one in rounds]
    )
    if not form.is_valid():
        return _mock(request, user, found, status=422, answer_form=form)
    round_ = chosen_round(rounds, form.cleaned_data["round"])
    proposal = found.proposals.filter(public_id=form.cleaned_data["proposal"]).first()
    try:
        if proposal is None:
            raise bookings.MockChanged
        said = answer(form.cleaned_data["answer"], found, proposal, round_, user, timezone.now())
    except bookings.SlotGone as refusal:
        again = access.mock_to_move(user, mock_id)
        return _times(request, user, again, chosen=form.cleaned_data["round"], refusal=refusal)
    except Refused as refusal:
        return _refused_page(request, user, mock_id, refusal)
    messages.success(request, said)
    return redirect("loops:mock", mock_id)


def answer(  # noqa: PLR0917 - who says what to which
    word: str, mock: Mock, proposal: Proposal, round_: Round | None, by: User, at: datetime
) -> str:
    """Do what a person says to a proposal and return words for it; said twice is said once."""
    name = mock.cohort.called(mock.partner_seat(by).member)
    was_agreed = mock.is_agreed
    if word == "accept":
        after = bookings.accept(mock=mock, proposal=proposal, by=by, at=at, round_=round_)
        if after.state == MockState.PROPOSED:
            return _("You accepted. It waits for %(name)s now.") % {"name": name}
        if was_agreed:
            return _("Moved. Both calendars get the new time.")
        return _("Agreed. Both of you get an invitation for your calendars.")
    ended = {"decline": Proposal.State.DECLINED, "take_back": Proposal.State.WITHDRAWN}[word]
    end = bookings.decline if word == "decline" else bookings.take_back_proposal
    if proposal.state != ended:
        end(mock=mock, proposal=proposal, by=by, at=at)
    if was_agreed:
        return _("The mock stays at the time that was agreed.")
    if word == "decline":
        return _("Declined. %(name)s is told.") % {"name": name}
    return _("Taken back. Nothing is booked.")


@posts_from("loops:mock", "mock_id")
def mock_confirm(request: HttpRequest, mock_id: UUID) -> HttpResponse:
    """Keep a person's word that they come."""
    user = signed_in(request)
    found = access.mock_to_see(user, mock_id)
    try:
        bookings.confirm(mock=found, by=user, at=timezone.now())
    except Refused as refusal:
        return _refused_page(request, user, mock_id, refusal)
    messages.success(request, _("Thank you, your word is noted."))
    return redirect("loops:mock", mock_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mock_cancel(request: HttpRequest, mock_id: UUID) -> HttpResponse:
    """Say what calling it off costs, and do it on POST."""
    user = signed_in(request)
    found = access.mock_to_see(user, mock_id)
    if request.method == "POST":
        try:
            bookings.cancel(mock=found, by=user, at=timezone.now())
        except Refused as refusal:
            return _refused_page(request, user, mock_id, refusal)
        messages.success(request, _("Called off. Your partner is told; both seats are free again."))
        return redirect("loops:mock", mock_id)
    page = _page_of(found, user)
    if not page.may_cancel:
        return redirect("loops:mock", mock_id)
    context = {"page": page, "cohort": found.cohort}
    return render(request, "loops/bookings/mock_cancel.html", context)


@posts_from("loops:mock", "mock_id")
def mock_room(request: HttpRequest, mock_id: UUID) -> HttpResponse:
    """Keep where the two talk."""
    user = signed_in(request)
    found = access.mock_to_see(user, mock_id)
    form = RoomForm(request.POST)
    if not form.is_valid():
        return _mock(request, user, found, status=422, room_form=form)
    try:
        bookings.set_video_room(mock=found, by=user, at=timezone.now(), **form.cleaned_data)
    except Refused as refusal:
        return _refused_page(request, user, mock_id, refusal)
    messages.success(request, _("The video room is saved for both of you."))
    came_from = "feedback:session" if request.POST.get("from") == "session" else "loops:mock"
    return redirect(came_from, mock_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mock_times(request: HttpRequest, mock_id: UUID) -> HttpResponse:
    """Show times to which a mock could move; a POST proposes one of them."""
    user = signed_in(request)
    found = access.mock_to_move(user, mock_id)
    sent = request.POST if request.method == "POST" else request.GET
    chosen = sent.get("round", "")
    if request.method != "POST":
        may_move = found.is_live and (not found.is_agreed or found.starts_at > timezone.now())
        if not may_move or found.state == MockState.RUNNING:
            messages.info(request, str(bookings.TooLateToMove.message))
            return redirect("loops:mock", mock_id)
        return _times(request, user, found, chosen=chosen)
    form = TimeForm(request.POST)
    if not form.is_valid():
        return _times(request, user, found, chosen=chosen, form=form)
    rounds = _rounds_of(user, found) if may_swap(found, user) else []
    answers = _uuid(request.POST, "answers")
    try:
        standing = found.proposals.filter(public_id=answers).first() if answers else None
        if answers and standing is None:
            raise bookings.MockChanged
        bookings.propose_time(
            mock=found,
            starts_at=form.cleaned_data["starts_at"],
            by=user,
            at=timezone.now(),
            answers=standing,
            round_=chosen_round(rounds, chosen),
        )
    except bookings.SlotGone as refusal:
        return _times(request, user, found, chosen=chosen, refusal=refusal)
    except Refused as refusal:
        return _refused_page(request, user, mock_id, refusal)
    messages.success(request, _("Proposed. Until it is accepted, nothing moves."))
    return redirect("loops:mock", mock_id)


def _times(
    request: HttpRequest,
    user: User,
    found: Mock,
    *,
    chosen: str = "",
    form: TimeForm | None = None,
    refusal: Refused | None = None,
) -> HttpResponse:
    """Show times for a mock that is there already."""
    partner = found.partner_seat(user).member
    is_offered = may_swap(found, user)
    minutes = int((found.ends_at - found.starts_at).total_seconds()) // 60
    rounds: list[RoundChoice] = []
    round_ = None
    if is_offered:
        answered, rounds = rounds_of_move(found, user)
        round_ = chosen_round(rounds, chosen)
        partners_own = [one.round for one in answered if one.round.loop.member_id == partner.pk]
        known = {one.round.pk: one.minutes or 0 for one in [*answered, *rounds]}
        talked = [*partners_own, *([round_] if round_ else [])]
        minutes = sum(known[one.pk] + bookings.TALK_MINUTES for one in talked)
    slots = slots_page(
        user,
        partner,
        found.cohort.called(partner),
        minutes=minutes,
        at=timezone.now(),
        days=_days(request),
        but=found,
    )
    if refusal and not wants_page(request):
        return refused(refusal, slots)
    context = {
        "mock": found,
        "when": when_of(found, user, timezone.now()),
        "proposed": open_proposal(found),
        "cohort": found.cohort,
        "name": found.cohort.called(partner),
        "slots": slots,
        "more_url": _more_url(
            reverse("loops:mock_times", args=[found.public_id]), slots, round=chosen
        ),
        "form": form or TimeForm(),
        "chosen": request.POST.get("starts_at", ""),
        "is_offered": is_offered,
        "rounds": [one for one in rounds if one.minutes],
        "round": round_,
        "refusal": refusal,
    }
    status = refusal.status if refusal else 422 if form else 200
    return render(request, "loops/bookings/mock_times.html", context, status=status)


# What several of them share


def _mock(
    request: HttpRequest,
    user: User,
    found: Mock,
    *,
    status: int = 200,
    refusal: Refused | None = None,
    room_form: RoomForm | None = None,
    answer_form: AnswerForm | None = None,
) -> HttpResponse:
    """Show a mock's page; a form that was sent comes back as it was."""
    page = _page_of(found, user)
    context = {
        "page": page,
        "cohort": found.cohort,
        "refusal": refusal,
        "answer_form": answer_form,
        "room_form": room_form or RoomForm(initial={"video_url": found.video_url}),
    }
    return render(request, "loops/bookings/mock.html", context, status=status)


def _page_of(found: Mock, user: User) -> MockPage:
    return mock_page(found, user, timezone.now(), video_host=video_host(found.video_url))


def _refused_page(
    request: HttpRequest, user: User, mock_id: UUID, refusal: Refused
) -> HttpResponse:
    """Answer a refusal with its words and the mock as it stands now."""
    if not wants_page(request):
        return refused(refusal)
    found = access.mock_to_see(user, mock_id)
    return _mock(request, user, found, status=refusal.status, refusal=refusal)


def refused(refusal: Refused, slots: SlotsPage | None = None) -> JsonResponse:
    """Answer a program: the code, the words, and the times that are free now."""
    told: dict[str, object] = {"code": refusal.code, "message": str(refusal)}
    if slots is not None and isinstance(refusal, bookings.SlotGone):
        told["slots"] = [
            {
                "starts_at": slot.period.starts_at.isoformat(),
                "ends_at": slot.period.ends_at.isoformat(),
            }
            for slot in slots.slots
        ]
    return JsonResponse(told, status=refusal.status)


def wants_page(request: HttpRequest) -> bool:
    """Say whether a person reads the answer, and no program."""
    return request.accepts("text/html")


def _rounds_of(user: User, found: Mock) -> list[RoundChoice]:
    return [one for one in own_rounds(user, found.cohort) if one.minutes]


def chosen_round(rounds: list[RoundChoice], chosen: str) -> Round | None:
    """Return the round whose id was sent; none for "only interview" and for what is no round."""
    return next((one.round for one in rounds if str(one.round.public_id) == chosen), None)


def _more_url(path: str, slots: SlotsPage, **chosen: object) -> str:
    """Return where the same choice is shown with a week more of times."""
    return f"{path}?{urlencode({**chosen, 'days': len(slots.days) + DAYS_SHOWN})}"


def _uuid(sent: QueryDict, name: str) -> UUID | None:
    try:
        return UUID(sent.get(name, ""))
    except ValueError:
        return None


def _is_swap(sent: QueryDict) -> bool:
    """Say whether roles are to be swapped; they are unless somebody says otherwise."""
    return sent.get("swap", "1") == "1"


def _days(request: HttpRequest) -> int:
    """Return how many days of times are shown, as the address says."""
    asked = request.GET.get("days", "")
    known = asked.isascii() and asked.isdecimal() and len(asked) < 4
    return min(max(int(asked), 1), DAYS_MOST) if known else DAYS_SHOWN
