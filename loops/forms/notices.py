"""How a person wants to be told of things."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loops.models import Notice, NoticeWish

Kind = Notice.Kind


@dataclass(frozen=True)
class WishLine:
    """One kind with its two fields."""

    label: str
    page: Any
    mail: Any


@dataclass(frozen=True)
class WishGroup:
    """Kinds that belong together."""

    title: str | Promise
    lines: list[WishLine]


class NoticeWishesForm(forms.Form):
    """Two fields a kind: whether it stands on the page, and when its mail comes."""

    OF_GRADING: ClassVar[tuple[str, ...]] = (
        Kind.REVEALED,
        Kind.LATE_REVIEW,
        Kind.REPORTED,
        Kind.QUESTION_ANSWERED,
        Kind.FOLLOW_UP,
        Kind.GRADE_ANSWERED,
        Kind.PRACTICE_NOTE,
    )
    TO_GRADERS: ClassVar[tuple[str, ...]] = (
        Kind.NEEDS_GRADER,
        Kind.CLAIM_VOIDED,
        Kind.QUESTION,
        Kind.TAKE_IN,
        Kind.GRADE_APPEAL,
        Kind.DEBRIEF,
        Kind.DEBRIEF_SAID,
        Kind.EXPERT,
        Kind.UNLOCKED,
    )
    OF_RECORDINGS: ClassVar[tuple[str, ...]] = (Kind.ERASING, Kind.KEEPING, Kind.DISK_FULL)

    def __init__(
        self, data: Any = None, *, wishes: Mapping[str, tuple[bool, str]], **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        self._kinds = list(wishes)
        for kind, (is_on_page, mail) in wishes.items():
            label = Kind(kind).label
            self.fields[f"{kind}-page"] = forms.BooleanField(
                label=_("%(kind)s: on the page") % {"kind": label},
                required=False,
                initial=is_on_page,
            )
            self.fields[f"{kind}-mail"] = forms.ChoiceField(
                label=_("%(kind)s: by mail") % {"kind": label},
                choices=NoticeWish.Mail.choices,
                initial=mail,
            )

    @property
    def wishes(self) -> dict[str, tuple[bool, str]]:
        """Return what was chosen, by kind."""
        chosen = self.cleaned_data
        return {kind: (chosen[f"{kind}-page"], chosen[f"{kind}-mail"]) for kind in self._kinds}

    @property
    def groups(self) -> list[WishGroup]:
        """Return the kinds by what they are about."""
        named = {*self.OF_GRADING, *self.TO_GRADERS, *self.OF_RECORDINGS}
        of_mocks = [kind for kind in self._kinds if kind not in named]
        return [
            WishGroup(_("Your answers"), self._lines(self.OF_GRADING)),
            WishGroup(_("Your grading"), self._lines(self.TO_GRADERS)),
            WishGroup(_("Your mocks"), self._lines(of_mocks)),
            WishGroup(_("Recordings"), self._lines(self.OF_RECORDINGS)),
        ]

    def _lines(self, kinds: Any) -> list[WishLine]:
        return [
            WishLine(str(Kind(kind).label), self[f"{kind}-page"], self[f"{kind}-mail"])
            for kind in kinds
        ]
