"""Addresses of loops: lists by prefix, verbs as sub-paths."""

from django.urls import path

from loops.views import answers, availability, bookings, people, practice, recordings, turns

app_name = "loops"

urlpatterns = [
    path("cohorts/", people.cohort_list, name="cohort_list"),
    path("cohorts/<uuid:cohort_id>/", people.cohort, name="cohort"),
    path("cohorts/<uuid:cohort_id>/invitations/", people.invite, name="invite"),
    path("cohorts/<uuid:cohort_id>/members/<uuid:user_id>/", people.set_role, name="set_role"),
    path(
        "invitations/<uuid:invitation_id>/revoke/",
        people.revoke_invitation,
        name="revoke_invitation",
    ),
    path("join/<str:token>/", people.join, name="join"),
    path("profile/", people.profile, name="profile"),
    path("loops/", practice.loop_list, name="loop_list"),
    path("loops/new/", practice.loop_new, name="loop_new"),
    path("loops/<uuid:loop_id>/", practice.loop, name="loop"),
    path("rounds/<uuid:round_id>/", practice.round_, name="round"),
    path("rounds/<uuid:round_id>/attempts/", practice.attempt_start, name="attempt_start"),
    path("attempts/<uuid:attempt_id>/", practice.attempt, name="attempt"),
    path("attempts/<uuid:attempt_id>/predict/", practice.attempt_predict, name="attempt_predict"),
    path("attempts/<uuid:attempt_id>/record/", practice.record, name="record"),
    path("attempts/<uuid:attempt_id>/upload/", practice.upload, name="upload"),
    path("attempts/<uuid:attempt_id>/artifacts/", practice.artifact, name="artifact"),
    path("attempts/<uuid:attempt_id>/submit/", practice.attempt_submit, name="attempt_submit"),
    path(
        "attempts/<uuid:attempt_id>/withdraw/", practice.attempt_withdraw, name="attempt_withdraw"
    ),
    path("attempts/<uuid:attempt_id>/recordings/", recordings.begin, name="recording_begin"),
    path("tracks/<uuid:track_id>/", recordings.track_append, name="track_append"),
    path("recordings/<uuid:recording_id>/", recordings.status, name="recording_status"),
    path("recordings/<uuid:recording_id>/finish/", recordings.finish, name="recording_finish"),
    path("recordings/<uuid:recording_id>/play/", recordings.play, name="recording_play"),
    path("recordings/<uuid:recording_id>/discard/", recordings.discard, name="recording_discard"),
    path("turns/<uuid:turn_id>/kit/", turns.turn_kit, name="turn_kit"),
    path("turns/<uuid:turn_id>/prepare/", turns.turn_prepare, name="turn_prepare"),
    path("mocks/", bookings.mock_list, name="mock_list"),
    path("mocks/new/", bookings.mock_new, name="mock_new"),
    path("mocks/<uuid:mock_id>/", bookings.mock, name="mock"),
    path("mocks/<uuid:mock_id>/times/", bookings.mock_times, name="mock_times"),
    path("mocks/<uuid:mock_id>/answer/", bookings.mock_answer, name="mock_answer"),
    path("mocks/<uuid:mock_id>/confirm/", bookings.mock_confirm, name="mock_confirm"),
    path("mocks/<uuid:mock_id>/cancel/", bookings.mock_cancel, name="mock_cancel"),
    path("mocks/<uuid:mock_id>/room/", bookings.mock_room, name="mock_room"),
    path("answers/<str:token>/", answers.answer_link, name="answer_link"),
    path("availability/", availability.availability, name="availability"),
    path("availability/days/", availability.day_hours_add, name="day_hours_add"),
    path(
        "availability/days/<uuid:day_id>/remove/",
        availability.day_hours_remove,
        name="day_hours_remove",
    ),
    path("availability/away/", availability.days_away_add, name="days_away_add"),
    path(
        "availability/away/<uuid:away_id>/remove/",
        availability.days_away_remove,
        name="days_away_remove",
    ),
    path("availability/limits/", availability.limits_save, name="limits_save"),
    path("availability/zone/", availability.hours_follow, name="hours_follow"),
    path("blocks/", availability.block, name="block"),
    path("blocks/<uuid:user_id>/remove/", availability.unblock, name="unblock"),
]
