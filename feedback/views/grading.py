"""The grading page: the scorecard beside the recording, its draft, its marks, handing it in.

The scorecard and the mark under the player are one HTML form, so that whichever button is
pressed without JavaScript, everything typed arrives. Scripts send the parts alone and ask for
JSON, or for a fragment as htmx does. In a mock the form stands on its session page, with a stamp
in place of the mark; `from` says so, and there one is led back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from feedback import access
from feedback.actions import moments as pressing
from feedback.actions import queue as claims
from feedback.actions import reviews
from feedback.actions.stamps import LEAD_MS
from feedback.comparing import differences, merged, picks_in
from feedback.forms import NOT_OBSERVED, MarkForm, ScorecardForm, StampForm, dimension_field
from feedback.models import Moment, Review
from feedback.moment_forms import MomentForm
from feedback.queries.answers import asked_for_review
from feedback.queries.appeals import appeal_for_review
from feedback.queries.debriefs import debrief_for_review
from feedback.queries.gold import is_read_now
from feedback.queries.grading import (
    FAR_RANKS,
    DimensionCard,
    GradingPage,
    MomentLine,
    Rubric,
    grading_page,
    has_free_place,
    moment_line,
    rubric_of,
)
from feedback.queries.reports import report_for_review
from feedback.sentences import verdict_sentences
from loops.errors import Refused
from loops.models import Turn, User
from loops.queries.keeping import Erasure, erasure_of_answer
from loops.views.people import signed_in
from loops.views.playing import playback_of
from loops.views.posting import posts_from

MOST_DIGITS = 9
MARK_LEAD_S = LEAD_MS // 1000
"""A mark made at the playing time begins so many seconds before it."""
SESSION = "session"


@dataclass(frozen=True)
class Typed:
    """What one request says: the scorecard, and a mark if one was begun.

    After two windows were in conflict, `picks` says of each field that differed whose is to
    stand, laid over what was `kept` as `kept_version`.
    """

    scorecard: ScorecardForm
    mark: MarkForm | StampForm
    is_mark_asked: bool = False
    kept: reviews.Draft | None = None
    kept_version: int | None = None
    picks: Mapping[str, str] = field(default_factory=dict)

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
        """Return the draft as chosen; a signal that the mark points at is ticked with it."""
        draft = self.scorecard.draft
        if self.kept is not None:
            draft = merged(draft, self.kept, self.picks)
        pointed_at = self.mark.downcode_key if self.has_mark else ""
        if not pointed_at:
            return draft
        return replace(draft, downcodes=draft.downcodes | {pointed_at})

    @property
    def version(self) -> int:
        """Return the draft version that the page was loaded with, or that was chosen over."""
        if self.kept_version is not None:
            return self.kept_version
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
    found = access.review_with_asked(signed_in(request), review_id)
    now = timezone.now()
    if found.is_open or found.state == Review.State.EXPIRED:
        return _scorecard(request, found, now)
    page = _page(found, now)
    context = {
        "page": page,
        "cohort": found.attempt.round.loop.cohort,
        "playback": playback_of(request, page.recording),
        "erasure": _erasure(page),
        "report": report_for_review(found),
        "by_rule": verdict_sentences(page.by_rule, page.names, page.target_label),
        "errand": appeal_for_review(found),
        "has_debrief": debrief_for_review(found),
        "asked": asked_for_review(found) if found.is_submitted and not page.is_note else None,
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
        try:
            reviews.remove_evidence(evidence=evidence, by=asked.user, at=asked.at)
        except Refused as refusal:
            return _refusal_as_json(refusal)
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
def moment_add(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Mark that a phase, a rung or a why began; a script sends it alone and gets the ribbon."""
    asked = _asked(request, review_id)
    form = MomentForm(request.POST)
    if _wants_fragment(request):
        return _pressed_by_script(request, asked, form)
    typed = _typed(request, asked)
    if not typed.is_valid or not form.is_valid():
        return _invalid(request, asked, typed, moment=form)
    try:
        _keep(asked, typed)
        moment = _keep_moment(asked, form)
    except Refused as refusal:
        return _refused(request, asked, typed, refusal)
    messages.success(request, _said_of_a_moment(_line_of(asked, moment)))
    return _back(request, asked)


@posts_from("feedback:review", "review_id")
def moment_remove(request: HttpRequest, review_id: UUID, moment_id: UUID) -> HttpResponse:
    """Take a moment away; the page offers to put it back."""
    asked = _asked(request, review_id)
    moment = access.moment_to_remove(asked.review, moment_id)
    if _wants_fragment(request):
        try:
            pressing.remove_moment(moment=moment, by=asked.user, at=asked.at)
        except Refused as refusal:
            return _refusal_as_json(refusal)
        return _ribbon(request, asked, removed=moment)
    typed = _typed(request, asked)
    if not typed.is_valid:
        return _invalid(request, asked, typed)
    try:
        _keep(asked, typed)
        pressing.remove_moment(moment=moment, by=asked.user, at=asked.at)
    except Refused as refusal:
        return _refused(request, asked, typed, refusal)
    again = _line_of(asked, moment).again
    if not again or _is_from_session(request):
        messages.success(request, _("The mark is removed."))
        return _back(request, asked)
    address = reverse("feedback:review", args=[asked.review.public_id])
    return redirect(f"{address}?{urlencode({'removed': again})}#moments")


@posts_from("feedback:review", "review_id")
def review_alive(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Renew the lease of somebody who plays or types; says until when it runs now."""
    asked = _asked(request, review_id)
    try:
        review = pressing.keep_alive(review=asked.review, by=asked.user, at=asked.at)
    except Refused as refusal:
        return _refusal_as_json(refusal)
    return JsonResponse(_lease(review, asked.at))


@posts_from("feedback:review", "review_id")
def review_submit(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Hand the review in."""
    asked = _asked(request, review_id)
    typed = _typed(request, asked)
    if not typed.is_valid:
        return _invalid(request, asked, typed)
    try:
        _mark(asked, typed)  # the same form twice, or too late? submitting judges that
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
    return _back(request, asked)


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

    None where it is kept, where it came from elsewhere, and where the review takes no text any
    more. A voided one keeps it, and says then why nothing else can be done with it.
    """
    asked = _asked(request, review_id)
    writable = (*Review.OPEN_STATES, Review.State.EXPIRED, Review.State.VOID)
    if "version" not in request.POST or asked.review.state not in writable:
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
    typed = Typed(
        scorecard=ScorecardForm(request.POST, rubric=asked.rubric),
        mark=_typed_mark(request, asked),
    )
    over = request.POST.get("over", "")
    if not over.isdecimal() or len(over) > MOST_DIGITS:
        return typed
    return replace(
        typed,
        kept=reviews.draft_of(asked.review),
        kept_version=int(over),
        picks=picks_in(request.POST),
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
    if is_read_now(asked.review, timezone.now()):
        return _("Your review is in, thank you. The results are open: the candidate reads it now.")
    return _(
        "Your review is in, thank you. The candidate reads it together with the second one, "
        "or 48 hours after handing in the answer. Until then neither of you sees the other's."
    )


def _mark(asked: Asked, typed: Typed) -> Refused | None:
    """Keep the mark; return the refusal of a closed review, whose text may be kept all the same."""
    if typed.has_mark:
        try:
            _keep_mark(asked, typed.mark)
        except (claims.ReviewClosed, claims.AttemptGone) as refusal:
            return refusal
    return None


def _keep_mark(asked: Asked, form: MarkForm | StampForm) -> None:
    keep = reviews.stamp if isinstance(form, StampForm) else reviews.mark_evidence
    keep(review=asked.review, by=asked.user, at=asked.at, **form.mark)


def _keep(asked: Asked, typed: Typed) -> Review:
    """Keep the text, and only then say that a mark could not be kept with it."""
    refusal = _mark(asked, typed)
    kept = reviews.save_draft(
        review=asked.review,
        draft=typed.draft,
        version=typed.version,
        by=asked.user,
        at=asked.at,
    )
    if refusal:
        raise refusal
    return kept


def _invalid(
    request: HttpRequest, asked: Asked, typed: Typed, *, moment: MomentForm | None = None
) -> HttpResponse:
    """Answer a form that cannot be kept: what is wrong with it, and all that was typed."""
    if _wants_json(request):
        fields = [*typed.scorecard.errors.values()]
        fields += typed.mark.errors.values() if typed.has_mark else []
        errors = [str(error) for found in fields for error in found]
        return JsonResponse({"code": "invalid", "message": " ".join(errors)}, status=422)
    return _scorecard(request, asked.review, asked.at, typed=typed, moment=moment, status=422)


def _refused(request: HttpRequest, asked: Asked, typed: Typed, refusal: Refused) -> HttpResponse:
    """Answer a refusal with its words, and with all that was typed still on the page."""
    conflict = _conflict(asked, typed) if isinstance(refusal, reviews.DraftConflict) else None
    if _wants_json(request):
        said: dict[str, object] = {"code": refusal.code, "message": str(refusal.shown)}
        version = getattr(refusal, "draft_version", None)
        if version is not None:
            said["version"] = version  # kept all the same: it may be typed on
        if conflict:
            said["html"] = render_to_string("feedback/grading/_conflict.html", conflict, request)
        return JsonResponse(said, status=refusal.status)
    return _scorecard(
        request,
        asked.review,
        asked.at,
        typed=typed,
        refusal=refusal,
        conflict=conflict,
        status=refusal.status,
    )


def _conflict(asked: Asked, typed: Typed) -> dict[str, object]:
    """Lay what was typed beside what another window has kept since."""
    kept = Review.objects.select_related("attempt__rubric_version").get(pk=asked.review.pk)
    return {
        "review": kept,
        "differences": differences(typed.scorecard.draft, reviews.draft_of(kept), asked.rubric),
        "kept_version": kept.draft_version,
        "saved_at": _clock(kept.drafted_at or asked.at, asked.at),
    }


def _refusal_as_json(refusal: Refused) -> HttpResponse:
    said = {"code": refusal.code, "message": str(refusal.shown)}
    return JsonResponse(said, status=refusal.status)


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
    conflict: Mapping[str, object] | None = None,
    moment: MomentForm | None = None,
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
            **(conflict or {}),
            "moment": moment,
            "removed": _removed(request, page),
            "is_lapsed": found.is_lapsed(at),
            "lapsed_words": _lapsed_words(found, at),
            "playback": playback_of(request, page.recording),
            "erasure": _erasure(page),
            "report": report_for_review(found),
            "errand": appeal_for_review(found),
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


def _keep_moment(asked: Asked, form: MomentForm) -> Moment:
    if form.is_stamp:
        return pressing.stamp_moment(
            review=asked.review,
            stamp_id=form.cleaned_data["stamp"],
            press=form.press,
            age=form.age,
            by=asked.user,
            at=asked.at,
        )
    return pressing.mark_moment(
        review=asked.review, press=form.press, at_ms=form.at_ms or 0, by=asked.user, at=asked.at
    )


def _pressed_by_script(request: HttpRequest, asked: Asked, form: MomentForm) -> HttpResponse:
    if not form.is_valid():
        said = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return JsonResponse({"code": "invalid", "message": said}, status=422)
    try:
        moment = _keep_moment(asked, form)
    except Refused as refusal:
        return _refusal_as_json(refusal)
    return _ribbon(request, asked, marked=moment)


def _ribbon(
    request: HttpRequest,
    asked: Asked,
    *,
    marked: Moment | None = None,
    removed: Moment | None = None,
) -> HttpResponse:
    """Return what a moment changes: the ribbon, and the panel that it was pressed on."""
    page = _page(asked.review, asked.at)
    context = {
        "page": page,
        "is_session": _is_from_session(request),
        "marked": marked and moment_line(marked, page),
        "marked_words": marked and _said_of_a_moment(moment_line(marked, page)),
        "removed": removed and moment_line(removed, page),
    }
    return render(request, "feedback/grading/_pressed.html", context)


def _line_of(asked: Asked, moment: Moment) -> MomentLine:
    return moment_line(moment, _page(asked.review, asked.at))


def _removed(request: HttpRequest, page: GradingPage) -> MomentLine | None:
    """Return the moment that the address says was just taken away, to be put back."""
    form = MomentForm({"moment-what": request.GET.get("removed", "")})
    if not form.is_valid() or form.press.key is None:
        return None
    return moment_line(Moment(kind=form.press.kind, key=form.press.key, at_ms=form.at_ms), page)


def _said_of_a_moment(line: MomentLine) -> str:
    words = {
        Moment.Kind.PHASE: _("%(what)s begins at %(at)s."),
        Moment.Kind.RUNG: _("%(what)s reached at %(at)s."),
        Moment.Kind.WHY: _("%(what)s, at %(at)s."),
    }[Moment.Kind(line.moment.kind)]
    return words % {"what": capfirst(line.what), "at": line.place}


def _wants_json(request: HttpRequest) -> bool:
    return not request.accepts("text/html")


def _wants_fragment(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _saved(review: Review, at: datetime) -> dict[str, object]:
    return {
        "version": review.draft_version,
        "saved_at": _clock(at, at),
        **_lease(review, at, saved_at=at),
    }


def _lease(review: Review, at: datetime, *, saved_at: datetime | None = None) -> dict[str, object]:
    return {
        "lease_until": _clock(review.lease_until, at),
        "is_held": not review.is_lapsed(at),
        "message": _words(review, at, saved_at=saved_at),
        "lapsed": _lapsed_words(review, at),
    }


def _words(review: Review, at: datetime, *, saved_at: datetime | None = None) -> str:
    """Say where the draft stands: until when the answer is theirs, and when it was saved."""
    saved_at = saved_at or review.drafted_at
    lease, is_lapsed = _clock(review.lease_until, at), review.is_lapsed(at)
    if review.is_live:
        held = _("hand in by %(lease)s") if not is_lapsed else _("due %(lease)s")
    else:
        held = _("yours until %(lease)s") if not is_lapsed else _("lease ran out %(lease)s")
    saved = _("draft saved %(saved)s") % {"saved": _clock(saved_at, at)} if saved_at else ""
    return str(capfirst(" · ".join(filter(None, [saved, held % {"lease": lease}]))))


def _lapsed_words(review: Review, at: datetime) -> str:
    """Say what becomes of the text once the lease has run out; nothing while it runs."""
    if not review.is_lapsed(at):
        return ""
    if has_free_place(review):
        return _(
            "Your lease ran out; your text is kept. Go on: with your next word it is yours again "
            "if a place is free, and if not, your review counts all the same."
        )
    return _(
        "Your lease ran out and the place went to somebody else; your text is kept. Go on if you "
        "like: handed in, your review counts as one more."
    )


def _clock(moment: datetime, at: datetime) -> str:
    """Say a moment by the reader's clock, with its day where that is not today."""
    local = timezone.localtime(moment)
    is_today = local.date() == timezone.localtime(at).date()
    return formats.date_format(local, "H:i" if is_today else "j M, H:i")
