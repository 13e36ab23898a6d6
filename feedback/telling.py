"""What the notices of feedback say; loops asks by kind. No markup here, and nobody's name.

A notice's data holds what was true when it was written: ids as text, the title of the round,
counts. People are called by the handle that the writer of the notice put in.
"""

from collections.abc import Callable, Mapping

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loops.models import Notice
from loops.telling import Link, Told


def _results(notice: Notice, label: str) -> Link:
    return _link(notice, label, "feedback:results", "attempt", "loops:loop_list")


def _review(notice: Notice, label: str) -> Link:
    return _link(notice, label, "feedback:review", "review", "feedback:queue")


def _link(notice: Notice, label: str, name: str, key: str, otherwise: str) -> Link:
    public_id = notice.data.get(key)
    return Link(label, reverse(name, args=[public_id]) if public_id else reverse(otherwise))


def _facts(notice: Notice) -> dict[str, object]:
    data = notice.data
    return {
        "round": data.get("round", _("your answer")),
        "who": data.get("who", _("a peer")),
        "n": data.get("reviews", 0),
        "title": data.get("title", ""),
    }


def _revealed(notice: Notice) -> Told:
    facts = _facts(notice)
    count = notice.data.get("reviews", 1)
    happened = ngettext(
        "One review is in, and 48 hours have passed: it is provisional, n = 1.",
        "%(n)d reviews are in.",
        count,
    ) % {"n": count}
    return Told(
        title=_("%(round)s: your reviews can be read") % facts,
        happened=(happened,),
        to_do=(_("Say first how useful each one is; then its levels open."),),
        links=(_results(notice, _("Read your reviews")),),
    )


def _late_review(notice: Notice) -> Told:
    return Told(
        title=_("%(round)s: one more review is in") % _facts(notice),
        happened=(_("It was handed in after the others. What you have read stays as it was."),),
        to_do=(_("Say how useful it is; then its levels open too."),),
        links=(_results(notice, _("Read it")),),
    )


def _reported(notice: Notice) -> Told:
    if notice.data.get("report") == "misled":
        happened = _(
            "A grader reports that the interviewer misled you, so this answer counts for nothing: "
            "neither for you nor against you."
        )
    else:
        happened = _(
            "A grader reports that the recording cannot be graded, so this answer counts for "
            "nothing: neither for you nor against you."
        )
    note = notice.data.get("note", "")
    said = (_("They add: “%(note)s”") % {"note": note},) if note else ()
    return Told(
        title=_("%(round)s could not be graded") % _facts(notice),
        happened=(happened, *said, _("It costs nobody a credit.")),
        to_do=(_("If you think otherwise, send it back to the queue once, for somebody else."),),
        links=(_results(notice, _("See the answer")),),
    )


def _needs_grader(notice: Notice) -> Told:
    return Told(
        title=_("%(round)s has waited for a grader for two days") % _facts(notice),
        happened=(
            _("An answer in your cohort has fewer than two reviews after 48 hours."),
            _("It is now offered to everybody, trained or not."),
        ),
        to_do=(_("Take it from the queue if you have an hour."),),
        links=(Link(_("Open the queue"), reverse("feedback:queue")),),
    )


def _claim_voided(notice: Notice) -> Told:
    if notice.data.get("is_paid", True):
        paid = _("You are credited as if you had handed it in.")
    else:
        paid = _("It costs nobody a credit.")
    why = {
        "taken_back": _("Its candidate took it back before your review was in."),
        "erased": _(
            "Its recording was erased before your review was in, by its candidate or by your "
            "cohort’s rule."
        ),
        "reported": _("Another grader reported that it cannot be graded."),
    }
    return Told(
        title=_("%(round)s: the answer you were grading is gone") % _facts(notice),
        happened=(
            why.get(
                notice.data.get("why", ""),
                _("It was taken back, or cannot be graded, while you were at work on it."),
            ),
            _("What you wrote is kept, for you alone."),
            paid,
        ),
        links=(_review(notice, _("See what you wrote")),),
    )


def _question(notice: Notice) -> Told:
    return Told(
        title=_("%(round)s: the candidate asks why") % _facts(notice),
        happened=(_("They ask you about a moment of your review."),),
        to_do=(_("A sentence or two is enough."),),
        links=(_review(notice, _("Answer")),),
    )


def _question_answered(notice: Notice) -> Told:
    return Told(
        title=_("%(round)s: your why is answered") % _facts(notice),
        happened=(_("%(who)s has answered what you asked.") % _facts(notice),),
        links=(_results(notice, _("Read the answer")),),
    )


def _follow_up(notice: Notice) -> Told:
    return Told(
        title=_("%(round)s: a follow-up question for you") % _facts(notice),
        happened=(_("%(who)s asks one more question about your answer.") % _facts(notice),),
        to_do=(_("Answer with a take of at most 90 seconds, or decline."),),
        links=(
            _link(
                notice, _("See the question"), "feedback:follow_up", "follow_up", "loops:loop_list"
            ),
        ),
    )


def _take_in(notice: Notice) -> Told:
    return Told(
        title=_("%(round)s: your follow-up question is answered") % _facts(notice),
        happened=(_("The candidate has answered with a take."),),
        links=(
            _link(notice, _("Play the take"), "feedback:follow_up", "follow_up", "feedback:queue"),
        ),
    )


def _grade_appeal(notice: Notice) -> Told:
    return Told(
        title=_("%(round)s: a result is appealed") % _facts(notice),
        happened=(
            _("A candidate asks for another reader, and you have not seen the answer."),
            _("Whoever takes it first grades it blindly, then reads why it was appealed."),
        ),
        links=(Link(_("Open the queue"), reverse("feedback:queue")),),
    )


def _grade_answered(notice: Notice) -> Told:
    return Told(
        title=_("%(round)s: your appeal is answered") % _facts(notice),
        happened=(_("Another reader has graded your answer and writes what they found."),),
        links=(_results(notice, _("Read the answer")),),
    )


def _debrief(notice: Notice) -> Told:
    return Told(
        title=_("%(round)s: you and others differ") % _facts(notice),
        happened=(
            _("All reviews are in, and they lie far apart. A debrief is open for its graders."),
            _("What you say there stands beside your review, which stays as it is."),
        ),
        links=(
            _link(notice, _("To the debrief"), "feedback:debrief", "attempt", "feedback:queue"),
        ),
    )


def _debrief_said(notice: Notice) -> Told:
    return Told(
        title=_("%(round)s: somebody has written in the debrief") % _facts(notice),
        happened=(_("There are new words from another grader."),),
        links=(
            _link(notice, _("To the debrief"), "feedback:debrief", "attempt", "feedback:queue"),
        ),
    )


def _expert(notice: Notice) -> Told:
    return Told(
        title=_("%(round)s: you are asked to grade as an expert") % _facts(notice),
        happened=(
            _("An organiser asks you for reference levels of an answer of your cohort."),
            _("Its candidate has agreed. Please do not speak of it to anybody."),
        ),
        links=(Link(_("Grade it"), reverse("feedback:experts")),),
    )


def _unlocked(notice: Notice) -> Told:
    return Told(
        title=_("You have unlocked %(round)s") % _facts(notice),
        happened=(_("Your reviews of this round are no longer marked as untrained."),),
        links=(Link(_("See your training"), reverse("feedback:training")),),
    )


def _practice_note(notice: Notice) -> Told:
    return Told(
        title=_("%(round)s: a practice note is in") % _facts(notice),
        happened=(_("Your interviewer has written down what they saw in your mock."),),
        links=(_link(notice, _("Read it"), "feedback:practice_note", "turn", "loops:loop_list"),),
    )


WORDS: Mapping[Notice.Kind, Callable[[Notice], Told]] = {
    Notice.Kind.REVEALED: _revealed,
    Notice.Kind.LATE_REVIEW: _late_review,
    Notice.Kind.REPORTED: _reported,
    Notice.Kind.NEEDS_GRADER: _needs_grader,
    Notice.Kind.CLAIM_VOIDED: _claim_voided,
    Notice.Kind.QUESTION: _question,
    Notice.Kind.QUESTION_ANSWERED: _question_answered,
    Notice.Kind.FOLLOW_UP: _follow_up,
    Notice.Kind.TAKE_IN: _take_in,
    Notice.Kind.GRADE_APPEAL: _grade_appeal,
    Notice.Kind.GRADE_ANSWERED: _grade_answered,
    Notice.Kind.DEBRIEF: _debrief,
    Notice.Kind.DEBRIEF_SAID: _debrief_said,
    Notice.Kind.EXPERT: _expert,
    Notice.Kind.UNLOCKED: _unlocked,
    Notice.Kind.PRACTICE_NOTE: _practice_note,
}
