"""Words of a recording: whose stay, whose give way, and what two windows may do."""

from collections.abc import Callable

import pytest

from loops.actions import recordings, transcripts
from loops.actions.transcripts import RecordingGone, TranscriptConflict
from loops.cues import Cue
from loops.models import Attempt, Event, Recording, Transcript, User
from loops.queries.transcripts import NONE_YET, Words, words_of
from tests import factories
from tests.factories import NOW
from tests.threads import together

Source = Transcript.Source

HELLO = [Cue(0, 2_000, "Hello"), Cue(4_000, 6_000, "Who decides?", "Mara")]
BYE = [Cue(1_000, 2_000, "Goodbye")]


@pytest.fixture
def recording(draft: Attempt) -> Recording:
    """A recording of ten minutes of the candidate's draft."""
    return factories.recording(draft)


@pytest.fixture
def keep(recording: Recording, candidate: User) -> Callable[..., Words]:
    """Keep words as the candidate, from a page made now unless a version is given."""

    def keep(
        cues: list[Cue], *, source: Source = Source.TYPED, version: str | None = None
    ) -> Words:
        transcripts.replace(
            recording=recording,
            cues=cues,
            language="en",
            source=source,
            version=words_of(recording).version if version is None else version,
            by=candidate,
            at=NOW,
        )
        return words_of(recording)

    return keep


def test_words_are_kept_in_their_order_and_written_down(
    recording: Recording, candidate: User, keep: Callable[..., Words]
) -> None:
    kept = keep(HELLO, source=Source.FILE)

    assert kept.cues == HELLO
    assert (kept.source, kept.language, kept.made_at) == (Source.FILE, "en", NOW)
    event = Event.objects.get(verb="words_kept")
    assert (event.actor_id, event.subject_id) == (candidate.pk, recording.pk)
    assert event.data == {"source": "file", "cues": 2}


def test_new_words_take_the_place_of_old_ones(keep: Callable[..., Words]) -> None:
    first = keep(HELLO)
    second = keep(BYE)

    assert second.cues == BYE
    assert first.version != second.version != NONE_YET


def test_the_same_words_twice_are_one_change(keep: Callable[..., Words]) -> None:
    """A form that is sent twice does not fall over its own version."""
    keep(HELLO)
    keep(HELLO, version=NONE_YET)

    assert Event.objects.filter(verb="words_kept").count() == 1


def test_an_older_page_overwrites_nothing(keep: Callable[..., Words]) -> None:
    old = keep(HELLO).version
    keep(BYE)

    with pytest.raises(TranscriptConflict):
        keep(HELLO, version=old)
    with pytest.raises(TranscriptConflict):
        keep(HELLO, version=NONE_YET)


def test_words_made_anew_are_not_those_that_were_removed(
    recording: Recording, candidate: User, keep: Callable[..., Words]
) -> None:
    old = keep(HELLO).version
    transcripts.remove(recording=recording, version=old, by=candidate, at=NOW)
    keep(BYE)

    with pytest.raises(TranscriptConflict):
        keep(HELLO, version=old)


def test_words_are_removed_once(
    recording: Recording, candidate: User, keep: Callable[..., Words]
) -> None:
    version = keep(HELLO).version
    keep(BYE)
    with pytest.raises(TranscriptConflict):
        transcripts.remove(recording=recording, version=version, by=candidate, at=NOW)

    version = words_of(recording).version
    for _ in range(2):
        transcripts.remove(recording=recording, version=version, by=candidate, at=NOW)

    assert words_of(recording).cues == []
    assert Event.objects.get(verb="words_removed").data == {"source": "typed"}


@pytest.mark.parametrize("own", [Source.TYPED, Source.FILE])
def test_machines_do_not_replace_a_persons_words(
    recording: Recording, candidate: User, keep: Callable[..., Words], own: Source
) -> None:
    kept = keep(HELLO, source=own)
    transcripts.take_engine_cues(recording=recording, cues=BYE, language="en", at=NOW)
    transcripts.take_browser_cues(
        recording=recording, cues=BYE, language="en", by=candidate, at=NOW
    )

    assert words_of(recording) == kept


def test_an_engine_knows_better_than_a_browser(recording: Recording, candidate: User) -> None:
    def browser(cues: list[Cue]) -> None:
        transcripts.take_browser_cues(
            recording=recording, cues=cues, language="en-GB", by=candidate, at=NOW
        )

    browser(HELLO)
    assert (words_of(recording).source, words_of(recording).language) == (Source.BROWSER, "en-GB")
    transcripts.take_engine_cues(recording=recording, cues=BYE, language="de", at=NOW)
    browser(HELLO)

    assert words_of(recording).cues == BYE
    assert Transcript.objects.get().made_by is None


def test_a_person_corrects_what_a_machine_understood(
    recording: Recording, keep: Callable[..., Words]
) -> None:
    transcripts.take_engine_cues(recording=recording, cues=BYE, language="en", at=NOW)

    assert keep(HELLO).source == Source.TYPED


def test_what_a_browser_sends_costs_nothing(recording: Recording, candidate: User) -> None:
    """Neither what breaks a limit, nor a language that is none, nor a recording put away."""

    def take(*cues: Cue) -> list[Cue]:
        transcripts.take_browser_cues(
            recording=recording, cues=cues, language="<script>", by=candidate, at=NOW
        )
        return words_of(recording).cues

    assert take(Cue(700_000, 700_001, "after the end")) == []
    assert not Transcript.objects.exists()
    assert take(Cue(5, 4, "backwards"), Cue(599_000, 999_000, "cut")) == [
        Cue(599_000, 601_000, "cut")
    ]
    assert words_of(recording).language == "en"
    recordings.discard(recording=recording, by=candidate, at=NOW)
    assert take(Cue(0, 1, "late")) == []


def test_erasing_a_recording_erases_its_words(
    recording: Recording, candidate: User, keep: Callable[..., Words]
) -> None:
    version = keep(HELLO).version
    recordings.erase(recording=recording, by=candidate, at=NOW)

    assert not Transcript.objects.exists()
    with pytest.raises(RecordingGone):
        keep(BYE, version=version)
    with pytest.raises(RecordingGone):
        transcripts.remove(recording=recording, version=version, by=candidate, at=NOW)


@pytest.mark.django_db(transaction=True)
def test_of_two_windows_one_wins(
    recording: Recording, candidate: User, keep: Callable[..., Words]
) -> None:
    results = together([lambda: keep(HELLO, version=NONE_YET), lambda: keep(BYE, version=NONE_YET)])

    lost = [result for result in results if isinstance(result, TranscriptConflict)]
    assert len(lost) == 1
    assert words_of(recording).cues in (HELLO, BYE)
