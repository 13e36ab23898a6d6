"""Sample data of the landing page and of the style page. Nothing here is stored or computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from feedback.timeline import Mark, Phase
from loops.queries.playback import Line, Playback, Source

LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff-the-third-of-the-thursday-cohort"
MINUTE_MS = 60_000
LANDING_LEVELS = (1.35, 1.62, 1.9, 2.2)

CODE = '''def merge(left: list[int], right: list[int]) -> list[int]:
    """Merge two sorted lists; stable, O(n)."""
    merged = []
    while left and right:
        merged.append((left if left[0] <= right[0] else right).pop(0))

    return merged + left + right  # longer than others, to see how it wraps
'''


class SampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label=_("Name"), max_length=80)
    email = forms.EmailField(label=_("E-mail address"), help_text=_("Nobody but you sees it."))
    zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=[("utc", "UTC"), ("berlin", "Europe/Berlin"), ("x", LONG_NAME)],
    )
    why = forms.CharField(
        label=_("Why this level"), required=False, widget=forms.Textarea, max_length=200
    )
    file = forms.FileField(label=_("Recording"), required=False)
    level = forms.ChoiceField(
        label=_("Target level"),
        widget=forms.RadioSelect,
        choices=[("1", "L5"), ("2", "L6"), ("3", "L7")],
    )
    signals = forms.MultipleChoiceField(
        label=_("Signals"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[
            ("a", _("Draws before the problem has a bound")),
            ("b", _("States assumptions as facts")),
        ],
    )
    agreed = forms.BooleanField(
        label=_("Share with the cohort"),
        required=False,
        help_text=_("Members may play the recording once it is graded."),
    )


@dataclass(frozen=True)
class Row:
    """One round on the sample board."""

    title: str
    what: str
    ruler: dict[str, Any]
    state: str
    answers: int
    graders: int
    next_step: str


def board() -> list[Row]:
    """Return six rounds, one in each state and one with the longest names."""
    return [
        Row(
            "Coding",
            "Code fit to merge",
            _ruler(2.6, 2.2, 3.0, 2.2, 2.5, 2.7, 2.7, 2.9),
            "at_bar",
            6,
            5,
            "Keep it warm before 12 Jan",
        ),
        Row(
            "System design, classic",
            "Scope, then one place to the floor",
            _ruler(2.2, 1.75, 2.65, 1.7, 2.2, 2.5, 2.4),
            "cannot_tell_yet",
            4,
            4,
            "One live mock",
        ),
        Row(
            "System design, ambiguous",
            "Scoping before solving",
            _ruler(1.45, 1.05, 1.85, 1.2, 1.5, 1.5),
            "below_bar",
            3,
            4,
            "Discovery exercise, 15 min",
        ),
        Row(
            "IC leadership",
            "What you changed your mind about",
            _ruler(2.3, 1.35, 3.25, 2.3),
            "too_little_evidence",
            1,
            2,
            "Two more prompts",
        ),
        Row(
            "Project deep-dive",
            "Depth, scope, reflection",
            _ruler(None, None, None),
            "no_evidence",
            0,
            0,
            "Record your first",
        ),
        Row(
            LONG_NAME,
            f"{LONG_NAME} {LONG_NAME}",
            _ruler(3.8, 2.9, 4.6, 3.5, 3.5, 3.5, 3.5),
            "at_bar",
            128,
            64,
            f"Ask {LONG_NAME} for a live mock",
        ),
    ]


def _ruler(
    level: float | None, low: float | None, high: float | None, *marks: float
) -> dict[str, Any]:
    return {"level": level, "low": low, "high": high, "marks": marks}


def rulers() -> list[tuple[str, dict[str, Any]]]:
    """Return a caption and the values of each state of the ruler."""
    return [
        ("Estimate, band, answers", _ruler(2.6, 2.2, 3.0, 2.2, 2.5, 2.7, 2.7, 2.9)),
        ("No evidence", _ruler(None, None, None)),
        ("A band alone", _ruler(None, 1.2, 3.4)),
        ("Answers alone", _ruler(None, None, None, 1.5, 2.5)),
        ("Cut at the upper end", _ruler(3.9, 3.0, 4.8, 3.5)),
        ("Cut at the lower end", _ruler(0.1, -1.0, 0.9, 0.5)),
        ("On the bar", _ruler(2.0, 1.6, 2.4, 2.5, 1.5)),
        ("Many in one place", _ruler(2.4, 2.2, 2.7, *[2.5] * 9)),
    ]


def graders() -> dict[str, Any]:
    """Return one answer's ruler with a tick named for each grader."""
    marks = [(1.5, "teal-17"), (1.5, "wren-08"), (2.5, "heron-417"), (0.5, "fieldfare-900")]
    return {**_ruler(1.45, 1.0, 1.9), "marks": marks}


@dataclass(frozen=True)
class Person:
    """Who is signed in on the sample bar."""

    shown_name: str
    email: str
    is_authenticated: bool = True


@dataclass(frozen=True)
class Group:
    """Their cohort."""

    name: str
    public_id: UUID


@dataclass(frozen=True)
class Message:
    """What the last action says."""

    level_tag: str
    text: str

    def __str__(self) -> str:
        return self.text


def frame() -> dict[str, Any]:
    """Return what the sample bars and messages need."""
    return {
        "person": Person("Mara K.", "mara@example.org"),
        "long_person": Person(LONG_NAME, f"{LONG_NAME}@example.org"),
        "a_cohort": Group("Thursday cohort", UUID(int=1)),
        "long_cohort": Group(LONG_NAME, UUID(int=2)),
        "sample_messages": [
            Message("success", "Your review is in. Thank you."),
            Message("info", "Three answers wait for a grader."),
            Message("warning", "The recording has no sound for the first ten seconds."),
            Message("error", "Somebody else took this answer first. Here is the next one."),
        ],
    }


def phases() -> list[Phase]:
    """Return the phases of an hour's design round."""
    names = ["Discovery", "Problem", "Options", "Scope", "First slice", "Order, adoption", "Veer"]
    bounds = [0, 3, 7, 14, 18, 34, 44, 48]
    kinds = ["short", *[""] * 6]
    return [
        Phase(name, start * MINUTE_MS, end * MINUTE_MS, kind)
        for name, start, end, kind in zip(names, bounds, bounds[1:], kinds, strict=False)
    ]


def marks() -> list[Mark]:
    """Return pieces of evidence and one signal."""
    return [
        Mark(95_000, 140_000, "evidence", "1:35 Asks who is paged", "#note-1"),
        Mark(182_000, None, "signal", "3:02 Starts drawing", "#note-2"),
        Mark(905_000, 1_000_000, "evidence", "15:05 Cut list", "#note-3"),
        Mark(1_160_000, 1_204_000, "evidence", "19:20 Prices being wrong", "#note-4"),
    ]


def playbacks() -> list[tuple[str, Playback]]:
    """Return a caption and a recording of each make. They have no bytes: this is how it looks."""
    camera = _source("camera", "Camera and microphone", "video/webm")
    screen = _source("screen", "Screen", "video/webm")
    sound = _source("microphone", "Microphone", "audio/webm")
    return [
        ("Camera and screen, with a transcript", _playback(camera, screen, lines=14)),
        ("Sound only, a part missing", _playback(sound, gaps=((1_320_000, 1_500_000),))),
    ]


def _source(role: str, label: str, content_type: str) -> Source:
    return Source(role, label, "", content_type, 0, 48 * MINUTE_MS, "", None)


def _playback(*sources: Source, gaps: tuple[tuple[int, int], ...] = (), lines: int = 0) -> Playback:
    return Playback(
        recording_id=UUID(int=3),
        duration_ms=48 * MINUTE_MS,
        sources=sources,
        peaks_src="",
        gaps=gaps,
        silences=((600_000, 640_000),),
        is_partial=bool(gaps),
        lines=tuple(
            Line(
                start_ms=place * 9_000,
                end_ms=place * 9_000 + 8_500,
                speaker="Mara K." if place % 4 else "teal-17",
                text="Who is paged, and who reads the report afterwards?"
                if place % 3
                else LONG_NAME,
            )
            for place in range(lines)
        ),
        language="en",
    )


def context(request: HttpRequest) -> dict[str, Any]:
    """Return everything the style page draws."""
    return {
        **frame(),
        "form": SampleForm(),
        "broken_form": SampleForm(
            {"broken-email": "mara@", "broken-why": "x" * 190}, prefix="broken"
        ),
        "board": board(),
        "rulers": rulers(),
        "graders": graders(),
        "labels": ["below", "L5", "L6", "L7"],
        "em_labels": ["below", "EM-5", "EM-6", "EM-7"],
        "company_labels": ["below", "Senior Engineer", "Staff Engineer", "Principal Engineer"],
        "phases": phases(),
        "marks": marks(),
        "duration_ms": 48 * MINUTE_MS,
        "playbacks": playbacks(),
        "code": CODE,
        "long_name": LONG_NAME,
        "link": "https://plumbline.example/join/Zm9yZXZlciBhbmQgYSBkYXk/",
        "page": Paginator(range(95), 10).page(4),
        "icons": ICONS,
        "tokens": TOKENS,
        "section": "readiness",
    }


TOKENS = (
    "paper sheet raised sunken rule rule-strong edge ink ink-2 ink-3 "
    "chalk chalk-strong chalk-wash line line-wash good good-wash warn warn-wash"
).split()

ICONS = (
    "play pause record upload download check cross plus minus arrow-left arrow-right chevron-down "
    "clock flag link copy external search user users menu keyboard sun moon screen microphone "
    "camera file code pencil trash lock eye warning info chat bell leave "
    "back on captions sound muted expand "
    "at open below thin none busy failed yes no"
).split()
