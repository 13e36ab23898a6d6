"""The grading page: the scorecard beside the recording, its draft, its marks, handing it in.

The scorecard and the mark under the player are one HTML form, so that whichever button is
pressed without JavaScript, everything typed arrives. Scripts send the parts alone and ask for
JSON, or for a fragment as htmx does. In a mock the form stands on its session page, with a stamp
in place of the mark; `from` says so, and there one is led back.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from feedback import access
from feedback.actions import queue as claims
from feedback.actions import reviews
from feedback.actions.stamps import LEAD_MS
from feedback.forms import NOT_OBSERVED, MarkForm, ScorecardForm, StampForm, dimension_field
from feedback.models import Review
from feedback.queries.grading import (
    FAR_RANKS,
    DimensionCard,
    GradingPage,
    Rubric,
    grading_page,
    rubric_of,
)
from feedback.queries.reveal import is_revealed
from loops.errors import Refused
from loops.models import Turn, User
from loops.queries.keeping import Erasure, erasure_of_answer
from loops.views.people import signed_in
from loops.views.playing import playback_of
from loops.views.posting import posts_from

MARK_LEAD_S = LEAD_MS // 1000
"""A mark made at the playing time begins so many seconds before it."""
SESSION = "session"


@dataclass(frozen=True)
class Typed:
    """What one request says: the scorecard, and a mark if one was begun."""

    scorecard: ScorecardForm
    mark: MarkForm | StampForm
    is_mark_asked: bool = False

    @property
    def has_mark(self) -> bool:
        """Say whether there is a mark to keep, or one to complain about."""
        return self.mark.is_filled or self.is_mark_asked

    @property
    def is_valid(self) -> bool:
        """Say whether all of it can be kept."""
        is_mark_good = not self.has_mark or self.mark.is_valid()
        return self.scorecard.is_valid() and is_mark_good

    @property
    def draft(self) -> reviews.Draft:
        """Return the draft; a signal that the mark points at is ticked with it."""
        draft = self.scorecard.draft
        pointed_at = self.mark.downcode_key if self.has_mark else ""
        if not pointed_at:
            return draft
        return replace(draft, downcodes=draft.downcodes | {pointed_at})

    @property
    def version(self) -> int:
        """Return the draft version that the page was loaded with."""
        version: int = self.scorecard.cleaned_data["version"]
        return version


@dataclass(frozen=True)
class Step:
    """One dimension of the scorecard: the card, and its field with what was chosen."""

    card: DimensionCard
    field: Any
    target_rank: int

    @property
    def is_rated(self) -> bool:
        """Say whether a level, or *not observed*, was chosen."""
        return bool(self.field.value())

    @property
    def is_observed(self) -> bool:
        """Say whether a level was chosen: then it needs evidence."""
        return self.is_rated and self.field.value() != NOT_OBSERVED

    @property
    def is_far(self) -> bool:
        """Say whether the level chosen lies so far from the target that one mark is thin."""
        value = self.field.value()
        is_rank = value in {str(level) for level in range(4)}
        return is_rank and abs(int(value) - self.target_rank) >= FAR_RANKS


@dataclass(frozen=True)
class Asked:
    """Who asks what of which review, when, and what its rubric lets them say."""

    user: User
    review: Review
    rubric: Rubric
    at: datetime


@never_cache
@require_safe
def review(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Show the scorecard of an open review; read-only once it is handed in or closed."""
    found = access.review_to_write(signed_in(request), review_id)
    now = timezone.now()
    if found.is_open or found.state == Review.State.EXPIRED:
        return _scorecard(request, found, now)
    page = _page(found, now)
    context = {
        "page": page,
        "cohort": found.attempt.round.loop.cohort,
        "playback": playback_of(request, page.recording),
        "erasure": _erasure(page),
    }
    return render(request, "feedback/grading/kept.html", context)


@posts_from("feedback:review", "review_id")
def review_draft(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Keep the scorecard as it stands."""
    asked = _asked(request, review_id)
    typed = _typed(request, asked)
    if not typed.is_valid:
        return _invalid(request, asked, typed)
    try:
        saved = _keep(asked, typed)
    except Refused as refusal:
        return _refused(request, asked, typed, refusal)
    if _wants_json(request):
        return JsonResponse(_saved(saved, asked.at))
    messages.success(request, _("Draft saved."))
    return _back(request, asked)


@posts_from("feedback:review", "review_id")
def evidence_add(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Mark a time or a quote; a script sends the mark alone and gets the lists that changed."""
    asked = _asked(request, review_id)
    if _wants_fragment(request):
        return _marked_by_script(request, asked)
    typed = replace(_typed(request, asked), is_mark_asked=True)
    if not typed.is_valid:
        return _invalid(request, asked, typed)
    try:
        _keep(asked, typed)
    except Refused as refusal:
        return _refused(request, asked, typed, refusal)
    messages.success(request, _("Marked."))
    return _back(request, asked)


@posts_from("feedback:review", "review_id")
def evidence_remove(request: HttpRequest, review_id: UUID, evidence_id: UUID) -> HttpResponse:
    """Take a mark away."""
    asked = _asked(request, review_id)
    evidence = access.evidence_to_remove(asked.review, evidence_id)
    if _wants_fragment(request):
        reviews.remove_evidence(evidence=evidence, by=asked.user, at=asked.at)
        return _lists(request, asked)
    typed = _typed(request, asked)
    if not typed.is_valid:
        return _invalid(request, asked, typed)
    try:
        _keep(asked, typed)
        reviews.remove_evidence(evidence=evidence, by=asked.user, at=asked.at)
    except Refused as refusal:
        return _refused(request, asked, typed, refusal)
    messages.success(request, _("The mark is removed."))
    return _back(request, asked)


@posts_from("feedback:review", "review_id")
def review_submit(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Hand the review in."""
    asked = _asked(request, review_id)
    typed = _typed(request, asked)
    if not typed.is_valid:
        return _invalid(request, asked, typed)
    try:
        with suppress(claims.ReviewClosed):  # the same form twice? submitting judges that
            _mark(asked, typed)
        reviews.submit(
            review=asked.review,
            draft=typed.draft,
            version=typed.version,
            by=asked.user,
            at=asked.at,
        )
    except reviews.Incomplete as refusal:
        return _incomplete(request, asked, typed, refusal)
    except Refused as refusal:
        return _refused(request, asked, typed, refusal)
    messages.success(request, _said_of_a_review(asked))
    return _back(request, asked) if _is_from_session(request) else redirect("feedback:queue")


@posts_from("feedback:review", "review_id")
def review_release(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Put the answer back for somebody else; what was written is kept first."""
    unkept = keep_typed(request, review_id)
    if unkept is not None:
        return unkept
    asked = _asked(request, review_id)
    try:
        claims.release(review=asked.review, by=asked.user, at=asked.at)
    except claims.LiveStays as refusal:
        messages.error(request, str(refusal.shown))
        return redirect("feedback:review", review_id)
    messages.success(
        request, _("Put back for somebody else. What you wrote is kept, should you take it again.")
    )
    return redirect("feedback:queue")


def keep_typed(request: HttpRequest, review_id: UUID) -> HttpResponse | None:
    """Keep what a form says that leaves the scorecard; where that cannot be, return the answer.

    None where it is kept, where it came from elsewhere, and where the review is closed already.
    """
    asked = _asked(request, review_id)
    is_open = asked.review.is_open or asked.review.state == Review.State.EXPIRED
    if "version" not in request.POST or not is_open:
        return None
    typed = _typed(request, asked)
    if not typed.is_valid:
        return _invalid(request, asked, typed)
    try:
        _keep(asked, typed)
    except Refused as refusal:
        return _refused(request, asked, typed, refusal)
    return None


def _asked(request: HttpRequest, review_id: UUID) -> Asked:
    user = signed_in(request)
    found = access.review_to_write(user, review_id)
    return Asked(user, found, rubric_of(found), timezone.now())


def _typed(request: HttpRequest, asked: Asked) -> Typed:
    return Typed(
        scorecard=ScorecardForm(request.POST, rubric=asked.rubric),
        mark=_typed_mark(request, asked),
    )


def _typed_mark(request: HttpRequest, asked: Asked) -> MarkForm | StampForm:
    kind = StampForm if StampForm.is_in(request.POST) else MarkForm
    return kind(request.POST, rubric=asked.rubric)


def _is_from_session(request: HttpRequest) -> bool:
    return request.POST.get("from") == SESSION


def _back(request: HttpRequest, asked: Asked) -> HttpResponse:
    """Lead back to the page that holds the form."""
    if asked.review.is_live and _is_from_session(request):
        turn = Turn.objects.select_related("mock").filter(attempt=asked.review.attempt_id).first()
        if turn is not None:
            return redirect("feedback:session", turn.mock.public_id)
    return redirect("feedback:review", asked.review.public_id)


def _said_of_a_review(asked: Asked) -> str:
    """Say who reads a review that was just handed in, and when."""
    attempt = asked.review.attempt
    if asked.review.is_live and not attempt.is_submitted:
        return _(
            "Your review is in, thank you. The candidate reads it with the second one, once the "
            "answer is handed in; if it is not, as a practice note."
        )
    if is_revealed(attempt, timezone.now()):
        return _("Your review is in, thank you. The results are open: the candidate reads it now.")
    return _(
        "Your review is in, thank you. The candidate reads it together with the second one, "
        "or 48 hours after handing in the answer. Until then neither of you sees the other's."
    )


def _mark(asked: Asked, typed: Typed) -> None:
    if typed.has_mark:
        _keep_mark(asked, typed.mark)


def _keep_mark(asked: Asked, form: MarkForm | StampForm) -> None:
    keep = reviews.stamp if isinstance(form, StampForm) else reviews.mark_evidence
    keep(review=asked.review, by=asked.user, at=asked.at, **form.mark)


def _keep(asked: Asked, typed: Typed) -> Review:
    _mark(asked, typed)
    return reviews.save_draft(
        review=asked.review,
        draft=typed.draft,
        version=typed.version,
        by=asked.user,
        at=asked.at,
    )


def _invalid(request: HttpRequest, asked: Asked, typed: Typed) -> HttpResponse:
    """Answer a form that cannot be kept: what is wrong with it, and all that was typed."""
    if _wants_json(request):
        fields = [*typed.scorecard.errors.values()]
        fields += typed.mark.errors.values() if typed.has_mark else []
        errors = [str(error) for found in fields for error in found]
        return JsonResponse({"code": "invalid", "message": " ".join(errors)}, status=422)
    return _scorecard(request, asked.review, asked.at, typed=typed, status=422)


def _refused(request: HttpRequest, asked: Asked, typed: Typed, refusal: Refused) -> HttpResponse:
    """Answer a refusal with its words, and with all that was typed still on the page."""
    if _wants_json(request):
        return JsonResponse(
            {"code": refusal.code, "message": str(refusal.shown)}, status=refusal.status
        )
    return _scorecard(
        request, asked.review, asked.at, typed=typed, refusal=refusal, status=refusal.status
    )


def _incomplete(
    request: HttpRequest, asked: Asked, typed: Typed, refusal: reviews.Incomplete
) -> HttpResponse:
    """Answer a review that lacks something: the draft is kept, so the page goes on from it."""
    for problem in refusal.problems:
        typed.scorecard.add_error(problem.field, str(problem.message))
    asked.review.refresh_from_db()
    return _scorecard(
        request,
        asked.review,
        asked.at,
        typed=replace(typed, mark=MarkForm(rubric=asked.rubric)),
        version=asked.review.draft_version,
        refusal=refusal,
        status=refusal.status,
    )


def _scorecard(
    request: HttpRequest,
    found: Review,
    at: datetime,
    *,
    typed: Typed | None = None,
    version: int | None = None,
    refusal: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the page; with `typed`, what the person typed rather than what is kept.

    The version stays the one that was typed unless another is given, so that a page with a
    conflict goes on being one.
    """
    page = _page(found, at)
    mark = typed.mark if typed and typed.has_mark else None
    context = scorecard_context(page, at, form=typed.scorecard if typed else None, version=version)
    return render(
        request,
        "feedback/grading/review.html",
        {
            **context,
            **_mark_context(_mark_again(mark, page.rubric)),
            "refusal": refusal,
            "is_lapsed": found.is_lapsed(at),
            "playback": playback_of(request, page.recording),
            "erasure": _erasure(page),
        },
        status=status,
    )


def _erasure(page: GradingPage) -> Erasure | None:
    """Say how the recording went that a grader had, where it is there no more."""
    return erasure_of_answer(page.review.attempt) if page.recording is None else None


def _mark_again(form: MarkForm | StampForm | None, rubric: Rubric) -> MarkForm:
    """Return the form of a mark as it was typed; of a stamp its words go on as a mark's."""
    if isinstance(form, MarkForm):
        return form
    typed = {"about": form["about"].value(), "note": form["note"].value()} if form else {}
    return MarkForm(rubric=rubric, initial=typed)


def scorecard_context(
    page: GradingPage,
    at: datetime,
    *,
    form: ScorecardForm | None = None,
    version: int | None = None,
) -> dict[str, object]:
    """Return what the scorecard is rendered with: what was typed in `form`, else what is kept."""
    form = form or ScorecardForm.of(page)
    return {
        "page": page,
        "form": form,
        "steps": _steps(page, form),
        "version": form["version"].value() if version is None else version,
        "ticked": form["downcodes"].value() or [],
        "words": _words(page.review, at),
        "mark_lead_s": MARK_LEAD_S,
        "cohort": page.review.attempt.round.loop.cohort,
    }


def _page(found: Review, at: datetime) -> GradingPage:
    return grading_page(found, recording=access.recording_to_grade(found, at))


def _steps(page: GradingPage, form: ScorecardForm) -> list[Step]:
    return [Step(card, form[dimension_field(card)], page.target_rank) for card in page.cards]


def _marked_by_script(request: HttpRequest, asked: Asked) -> HttpResponse:
    form = _typed_mark(request, asked)
    status = 422
    if form.is_valid():
        try:
            _keep_mark(asked, form)
        except Refused as refusal:
            form.add_error(None, str(refusal.shown))
            status = refusal.status
        else:
            return _lists(request, asked)
    if isinstance(form, StampForm):
        said = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return JsonResponse({"code": "invalid", "message": said}, status=status)
    context = {"page": _page(asked.review, asked.at), **_mark_context(form)}
    return render(request, "feedback/grading/_mark.html", context, status=status)


def _lists(request: HttpRequest, asked: Asked) -> HttpResponse:
    """Return the lists that a mark changes: the notes, the timeline, each dimension's evidence."""
    context = {
        "page": _page(asked.review, asked.at),
        **_mark_context(MarkForm(rubric=asked.rubric)),
    }
    return render(request, "feedback/grading/_marked.html", context)


def _mark_context(form: MarkForm) -> dict[str, object]:
    return {"mark": form, "mark_lead_s": MARK_LEAD_S}


def _wants_json(request: HttpRequest) -> bool:
    return not request.accepts("text/html")


def _wants_fragment(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _saved(review: Review, at: datetime) -> dict[str, object]:
    return {
        "version": review.draft_version,
        "saved_at": _clock(at, at),
        "lease_until": _clock(review.lease_until, at),
        "is_held": not review.is_lapsed(at),
        "message": _words(review, at, saved_at=at),
    }


def _words(review: Review, at: datetime, *, saved_at: datetime | None = None) -> str:
    """Say where the draft stands: when it was saved, and until when the lease runs."""
    saved_at = saved_at or review.drafted_at
    lease = _clock(review.lease_until, at)
    if review.is_live:
        saved = _("Draft saved %(saved)s") % {"saved": _clock(saved_at, at)} if saved_at else ""
        due = _("hand in by %(lease)s") if not review.is_lapsed(at) else _("due %(lease)s")
        return " · ".join(filter(None, [saved, due % {"lease": lease}]))
    if not review.is_lapsed(at):
        if saved_at is None:
            return _("Yours until %(lease)s") % {"lease": lease}
        return _("Draft saved %(saved)s · lease until %(lease)s") % {
            "saved": _clock(saved_at, at),
            "lease": lease,
        }
    if saved_at is None:
        return _("Lease ran out %(lease)s") % {"lease": lease}
    return _("Draft saved %(saved)s · lease ran out %(lease)s") % {
        "saved": _clock(saved_at, at),
        "lease": lease,
    }


def _clock(moment: datetime, at: datetime) -> str:
    """Say a moment by the reader's clock, with its day where that is not today."""
    local = timezone.localtime(moment)
    is_today = local.date() == timezone.localtime(at).date()
    return formats.date_format(local, "H:i" if is_today else "j M, H:i")
