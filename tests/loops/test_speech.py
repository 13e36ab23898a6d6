"""A speech engine in the worker: which one there is, what it hears, whose words it leaves alone."""

import wave
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone
from pytest_django import Settings

from config import checks
from loops import blobs, speech
from loops.actions import processing, transcripts
from loops.cues import Cue
from loops.models import Attempt, Recording, Step, Track, Transcript
from loops.queries.transcripts import words_of
from tests import factories
from tests.factories import NOW
from tests.loops.engines import TellsWhen

RATE = 16_000


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Three seconds of a tone, six of nothing, three of a tone."""
    tone = (8_000 * np.sin(2 * np.pi * 220 * np.arange(3 * RATE) / RATE)).astype("<i2")
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.concatenate([tone, np.zeros(6 * RATE, "<i2"), tone]).tobytes())
    return path


@pytest.fixture
def engine(settings: Settings) -> None:
    """An installation with an engine."""
    settings.SPEECH_ENGINE = "tests.loops.engines.TellsWhen"


def hear(recording: Recording, path: Path, *, shares: list[float] | None = None) -> list[Cue]:
    track = recording.tracks.get()
    told = [] if shares is None else shares
    transcripts.hear(track=track, path=path, on_progress=told.append, now=lambda: NOW)
    return words_of(recording).cues


def test_no_engine_is_the_rule(recorded: Recording, sound: Path) -> None:
    assert speech.engine() is None
    assert hear(recorded, sound) == []


@pytest.mark.usefixtures("engine")
def test_an_engine_is_made_once() -> None:
    found = speech.engine()

    assert isinstance(found, TellsWhen)
    assert speech.engine() is found


@pytest.mark.usefixtures("engine")
def test_what_is_heard_is_kept_on_the_recordings_clock(draft: Attempt, sound: Path) -> None:
    recording = factories.recording(draft, role=Track.Role.MICROPHONE)
    screen = Track.objects.create(recording=recording, role=Track.Role.SCREEN, start_ms=500)
    factories.rendition(screen)
    recording.tracks.filter(role=Track.Role.MICROPHONE).update(start_ms=750)
    shares: list[float] = []
    for track in recording.tracks.all():
        transcripts.hear(track=track, path=sound, on_progress=shares.append, now=lambda: NOW)

    first, second = words_of(recording).cues
    assert (first.text, second.text) == ("part 1", "part 2")
    assert first.start_ms == 250
    assert first.end_ms == pytest.approx(3_250, abs=150)
    assert second.start_ms == pytest.approx(9_250, abs=150)
    assert second.end_ms == pytest.approx(12_250, abs=150)
    assert words_of(recording).source == Transcript.Source.ENGINE
    assert shares[-1] == 1


@pytest.mark.usefixtures("engine")
def test_a_persons_words_are_not_even_listened_to(
    recorded: Recording, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.transcript(recorded)
    monkeypatch.setattr(TellsWhen, "transcribe", None)

    assert [cue.text for cue in hear(recorded, sound)] == ["Good evening."]


@pytest.mark.usefixtures("engine")
def test_the_browsers_words_tell_the_language_and_give_way(
    recorded: Recording, sound: Path
) -> None:
    factories.transcript(recorded, source=Transcript.Source.BROWSER, language="de")

    assert [cue.text for cue in hear(recorded, sound)] == ["part 1 de", "part 2 de"]
    assert words_of(recorded).language == "de"


def test_an_engine_that_breaks_leaves_nothing_behind(
    recorded: Recording, sound: Path, settings: Settings
) -> None:
    settings.SPEECH_ENGINE = "tests.loops.engines.Breaks"

    with pytest.raises(RuntimeError, match="the model is gone"):
        hear(recorded, sound)
    assert words_of(recorded).cues == []


@pytest.mark.parametrize(
    ("dotted_path", "ids"),
    [
        ("", []),
        ("tests.loops.engines.TellsWhen", []),
        ("tests.loops.engines.Silent", ["plumbline.E004"]),
        ("tests.loops.engines.Nobody", ["plumbline.E004"]),
        ("nowhere.at.all", ["plumbline.E004"]),
        ("nodots", ["plumbline.E004"]),
    ],
)
def test_an_engine_that_is_not_there_is_noticed(
    settings: Settings, dotted_path: str, ids: list[str]
) -> None:
    settings.SPEECH_ENGINE = dotted_path

    assert [message.id for message in checks.speech_engine_is_there(None)] == ids


@pytest.mark.usefixtures("engine")
def test_the_worker_hears_last_of_all(draft: Attempt, sound: Path) -> None:
    recording = factories.recording(draft, state=Recording.State.UPLOADED, duration_ms=None)
    content = sound.read_bytes()
    upload = factories.upload(
        recording,
        role=Track.Role.UPLOAD,
        received_bytes=len(content),
        length_bytes=len(content),
    )
    blobs.staged_path(upload.staging_key).write_bytes(content)

    processing.process(recording_id=recording.pk, now=timezone.now)

    recording.refresh_from_db()
    assert recording.state == Recording.State.READY
    worked_at = Step.objects.filter(track__recording=recording, began_at__isnull=False)
    steps = [(step.name, step.state) for step in worked_at.order_by("began_at")]
    assert steps == [(name, "done") for name in ("remux", "sound", "speech")]
    assert [cue.text for cue in words_of(recording).cues] == ["part 1", "part 2"]
