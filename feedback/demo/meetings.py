"""Plays the demo's mocks: hours, the pool, what was held, what is agreed. Through the actions
where people's clicks call them; what lies in the past is written down as it would have come."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from feedback.demo import evenings
from feedback.demo.cast import id_of
from feedback.models import InterviewerCard, Review
from loops.actions import appeals, bookings, sessions
from loops.hours import Period, is_bad_hour
from loops.models import (
    Attempt,
    Cohort,
    MatchRequest,
    Mock,
    Notice,
    Proposal,
    Round,
    Seat,
    Turn,
    User,
    WeeklyHours,
)
from loops.queries.availability import slots_between


class Evenings:
    """The mocks of the demo in the making, in a world where people and answers are there."""

    def __init__(
        self,
        *,
        now: datetime,
        cohort: Cohort,
        people: dict[str, User],
        attempts: dict[str, Attempt],
    ) -> None:
        self.now = now
        self.cohort = cohort
        self.people = people
        self.attempts = attempts

    def play(self) -> None:
        """Set hours, tell of the mocks that were, agree on those to come, fill the pool."""
        for hours in evenings.HOURS:
            self._offer(hours)
        for key, attempt in sorted(self.attempts.items()):
            if attempt.kind == Attempt.Kind.LIVE:
                attempt.refresh_from_db()
                self._tell_of_held(key, attempt)
        for broken in evenings.BROKEN:
            self._tell_of_broken(broken)
        for plan in evenings.COMING:
            self._agree(plan)
        for request in evenings.POOL:
            self._ask_the_pool(request)
        sessions.stand_by(
            by=self.people[evenings.STANDBY],
            until=self.now + timedelta(hours=2),
            round_=None,
            cohort_id=self.cohort.pk,
            at=self.now - timedelta(minutes=7),
        )
        if not settings.DEBUG:  # their addresses exist nowhere: no mail server should be asked
            told = Notice.objects.filter(person__in=self.people.values())
            told.update(mail_state=Notice.Mail.NONE)

    def _offer(self, plan: evenings.HoursPlan) -> None:
        member = self.people[plan.member]
        WeeklyHours.objects.bulk_create(
            WeeklyHours(
                public_id=id_of("hours", plan.member, weekday, plan.start_minute),
                user=member,
                weekday=weekday,
                start_minute=plan.start_minute,
                end_minute=plan.end_minute,
                time_zone=member.time_zone,
            )
            for weekday in plan.weekdays
        )

    # What was

    def _tell_of_held(self, key: str, attempt: Attempt) -> None:
        """Write down the mock in which a live answer was given, and what its candidate said."""
        candidate = attempt.round.loop.member
        review = Review.objects.filter(attempt=attempt).order_by("submitted_at").first()
        if review is None or attempt.submitted_at is None:
            return
        mock = self._past(
            "held",
            key,
            candidate=candidate,
            interviewer=review.grader,
            round_=attempt.round,
            starts_at=attempt.started_at,
            state=Mock.State.DONE,
        )
        turn = Turn.objects.create(
            public_id=id_of("turn", key),
            mock=mock,
            position=1,
            candidate=candidate,
            interviewer=review.grader,
            round=attempt.round,
            minutes=attempt.rubric_version.minutes,
            prompt=attempt.prompt,
            rubric_version=attempt.rubric_version,
            prepared_at=attempt.started_at - timedelta(hours=3),
            begun_at=attempt.started_at,
            ended_at=attempt.submitted_at,
            attempt=attempt,
        )
        Review.objects.filter(pk=review.pk).update(is_live=True)
        InterviewerCard.objects.create(
            public_id=id_of("card", key),
            turn=turn,
            kept_time=2,
            fair_hints=2 if key < "mara/i" else 1,
            probed_for_level=2,
            feedback_specific=2 if key > "kenji" else 1,
            note="",
            at=attempt.submitted_at + timedelta(hours=1),
        )
        mock.seats.update(outcome=Seat.Outcome.KEPT, outcome_at=attempt.submitted_at)

    def _tell_of_broken(self, plan: evenings.BrokenPlan) -> None:
        """Write down a mock that was not held, and what is said of it."""
        member, partner = self.people[plan.member], self.people[plan.partner]
        round_ = self._round(plan.member, plan.kind)
        starts_at = (self.now - timedelta(days=plan.days_ago)).replace(hour=17, minute=0, second=0)
        is_absent = plan.outcome == Seat.Outcome.NO_SHOW
        mock = self._past(
            "broken",
            f"{plan.member}/{plan.partner}",
            candidate=member,
            interviewer=partner,
            round_=round_,
            starts_at=starts_at,
            state=Mock.State.NO_SHOW if is_absent else Mock.State.CANCELLED,
        )
        Turn.objects.create(
            public_id=id_of("turn", "broken", plan.member, plan.partner),
            mock=mock,
            position=1,
            candidate=member,
            interviewer=partner,
            round=round_,
            minutes=45,
        )
        mock.seats.update(is_held=False)
        bookings.settle(mock, partner, plan.outcome, starts_at)
        if is_absent:
            bookings.settle(mock, member, Seat.Outcome.KEPT, starts_at)
        if plan.appeal:
            appeals.appeal(
                mock=mock, text=plan.appeal, by=partner, at=starts_at + timedelta(hours=2)
            )

    def _past(
        self,
        *names: str,
        candidate: User,
        interviewer: User,
        round_: Round,
        starts_at: datetime,
        state: str,
    ) -> Mock:
        asked_at = starts_at - timedelta(days=3)
        ends_at = starts_at + timedelta(minutes=55)
        mock = Mock.objects.create(
            public_id=id_of("mock", *names),
            cohort=self.cohort,
            state=state,
            state_at=ends_at,
            asked_by=candidate,
            starts_at=starts_at,
            ends_at=ends_at,
            created_at=asked_at,
            agreed_at=asked_at + timedelta(hours=5),
            changed_at=ends_at,
        )
        proposal = Proposal.objects.create(
            public_id=id_of("proposal", *names),
            mock=mock,
            by=candidate,
            state=Proposal.State.ACCEPTED,
            starts_at=starts_at,
            ends_at=ends_at,
            made_at=asked_at,
            answered_at=mock.agreed_at,
        )
        for person in sorted((candidate, interviewer), key=lambda one: one.pk):
            Seat.objects.create(
                mock=mock,
                member=person,
                starts_at=starts_at,
                ends_at=ends_at,
                is_held=True,
                accepted=proposal,
                time_zone=person.time_zone,
                is_bad_hour=is_bad_hour(Period(starts_at, ends_at), person.time_zone),
                confirmed_at=starts_at - timedelta(hours=18),
                arrived_at=starts_at if state == Mock.State.DONE else None,
            )
        return mock

    # What is to come

    def _agree(self, plan: evenings.MockPlan) -> None:
        asker, partner = self.people[plan.member], self.people[plan.partner]
        round_ = self._round(plan.member, plan.kind)
        asked_at = self.now - timedelta(hours=30)
        minutes = bookings.proposed_minutes(round_, wants_swap=bool(plan.answers))
        slots = slots_between(asker, partner, minutes=minutes, at=asked_at).slots
        not_before = self.now + timedelta(hours=plan.in_hours)
        starts = [slot.period.starts_at for slot in slots if slot.period.starts_at >= not_before]
        if not starts:
            return
        mock = bookings.propose(
            partner=partner,
            round_=round_,
            starts_at=starts[0],
            by=asker,
            at=asked_at,
            wants_swap=bool(plan.answers),
            note=plan.note,
            video_url=plan.video_url,
        )
        _name(mock, id_of("mock", "coming", plan.member, plan.partner))
        if plan.state == "agreed":
            bookings.accept(
                mock=mock,
                proposal=mock.proposals.get(),
                by=partner,
                at=asked_at + timedelta(hours=2),
                round_=self._round(plan.partner, plan.answers) if plan.answers else None,
            )
        for turn in mock.turns.all():
            turn.public_id = id_of("turn", "coming", plan.member, plan.partner, turn.position)
            turn.save(update_fields=["public_id"])

    def _ask_the_pool(self, plan: evenings.RequestPlan) -> None:
        request = MatchRequest.objects.create(
            public_id=id_of("request", plan.member),
            user=self.people[plan.member],
            cohort=self.cohort,
            weeks_waited=plan.weeks_waited,
            created_at=self.now - timedelta(days=plan.days_ago),
        )
        request.rounds.set([self._round(plan.member, kind) for kind in plan.kinds])

    def _round(self, member: str, kind: str) -> Round:
        return (
            Round.objects.select_related("round_kind", "loop__cohort")
            .filter(loop__member=self.people[member], round_kind__key=kind)
            .order_by("position")[0]
        )


def _name(mock: Mock, public_id: UUID) -> None:
    """Give a mock a public id that is the same everywhere, so that links into the demo hold."""
    mock.public_id = public_id
    mock.save(update_fields=["public_id"])
