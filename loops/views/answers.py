"""Answers from a mail: the page behind a signed link, for whoever holds it, signed in or not."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from loops import access
from loops.actions import bookings
from loops.answer_links import AnswerLink, DeadLink, Purpose, read
from loops.errors import Refused
from loops.forms.bookings import AnswerForm
from loops.models import Mock, Proposal, User
from loops.queries.bookings import MockPage, mock_page, open_proposal
from loops.queries.slots import slots_page
from loops.views.bookings import answer, chosen_round, refused, wants_page

TIMES_TOLD = 6


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def answer_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show what a mail asks, with two buttons; only a POST answers.

    Mail programs and scanners open links, so a GET changes nothing. Once it is answered the same
    page says how.
    """
    try:
        link = read(token, timezone.now())
        member, mock = access.mock_to_answer(link.member_id, link.mock_id)
    except (DeadLink, Http404):
        return render(request, "loops/bookings/answer_closed.html", status=410)
    if request.method == "POST":
        return _answered(request, link, member, mock)
    return _asked(request, link, member, mock)


def _answered(request: HttpRequest, link: AnswerLink, member: User, mock: Mock) -> HttpResponse:
    """Do what was pressed and lead back to the page, which says what became of it."""
    if not _page(mock, member, link)[1]:
        return redirect(request.path)  # pressed twice, or answered elsewhere
    at = timezone.now()
    form = None
    try:
        if link.purpose is Purpose.CONFIRM:
            act = bookings.cancel if request.POST.get("answer") == "cancel" else bookings.confirm
            act(mock=mock, by=member, at=at)
            return redirect(request.path)
        page = _page(mock, member, link)[0]
        form = AnswerForm(
            {**request.POST.dict(), "proposal": link.proposal_id},
            asks_round=page.is_offered_swap,
            rounds=[one.round.public_id for one in page.rounds],
        )
        proposal = open_proposal(mock)
        if form.is_valid() and proposal is not None:
            round_ = chosen_round(page.rounds, form.cleaned_data["round"])
            answer(form.cleaned_data["answer"], mock, proposal, round_, member, at)
            return redirect(request.path)
    except Refused as refusal:
        _member, now = access.mock_to_answer(link.member_id, link.mock_id)
        return _asked(request, link, member, now, refusal=refusal)
    return _asked(request, link, member, mock, form=form)


def _asked(
    request: HttpRequest,
    link: AnswerLink,
    member: User,
    mock: Mock,
    *,
    form: AnswerForm | None = None,
    refusal: Refused | None = None,
) -> HttpResponse:
    """Show the question, or how it was answered."""
    page, is_asking = _page(mock, member, link)
    slots = None
    if isinstance(refusal, bookings.SlotGone):
        minutes = int((mock.ends_at - mock.starts_at).total_seconds()) // 60
        slots = slots_page(
            member, page.partner.member, page.name, minutes=minutes, at=timezone.now(), but=mock
        )
    if refusal and not wants_page(request):
        return refused(refusal, slots)
    context = {
        "page": page,
        "purpose": link.purpose.value,
        "is_asking": is_asking,
        "proposal": _proposal(mock, link),
        "member_name": mock.cohort.called(member),
        "answer_form": form,
        "free": [one for day in slots.days for one in day.slots][:TIMES_TOLD] if slots else [],
        "refusal": refusal,
        "cohort": None,
        "section": "mocks",
    }
    status = refusal.status if refusal else 422 if form else 200
    return render(request, "loops/bookings/answer.html", context, status=status)


def _page(mock: Mock, member: User, link: AnswerLink) -> tuple[MockPage, bool]:
    """Return the mock as its holder sees it, and whether the link's question is still open."""
    page = mock_page(mock, member, timezone.now(), video_host="")
    if link.purpose is Purpose.CONFIRM:
        return page, page.may_confirm and mock.starts_at == link.starts_at
    standing = open_proposal(mock)
    is_open = standing is not None and standing.public_id == link.proposal_id
    return page, is_open and page.is_asked


def _proposal(mock: Mock, link: AnswerLink) -> Proposal | None:
    """Return the proposal that the link asks about."""
    if link.proposal_id is None:
        return None
    return mock.proposals.filter(public_id=link.proposal_id).first()
