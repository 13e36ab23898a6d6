"""Links in mails by which a person answers without signing in: made and read, nothing is done.

A link says who answers, what is asked, and which start the mail told. It is worth nothing once
that start has come, or after the mock has moved elsewhere; that it is used once follows from
what it asks: a proposal is answered once, and a promise to come is given once for each start.
Opening a link changes nothing (mail programs look into links); the page behind it has buttons.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.urls import reverse

from loops.models import Mock, Proposal, User

SALT = "loops.answer_links"


class Purpose(StrEnum):
    """What a link asks of its holder."""

    ANSWER = "answer"  # accept or decline a proposed time
    CONFIRM = "confirm"  # come, or say that one cannot


class DeadLink(Exception):
    """The link was changed on its way, is none of ours, or its time has come."""


@dataclass(frozen=True)
class AnswerLink:
    """What a link says. `proposal_id` is None where a mock is to be confirmed."""

    purpose: Purpose
    member_id: UUID
    mock_id: UUID
    proposal_id: UUID | None
    starts_at: datetime


def answer_path(
    member: User, mock: Mock, proposal: Proposal | None, purpose: Purpose | str = Purpose.ANSWER
) -> str:
    """Return the path at which a member answers a proposal, or confirms a mock.

    The two buttons are on the page; one link serves for both. `purpose` is "answer", with the
    proposal, or "confirm", without one.
    """
    return reverse("loops:answer_link", args=[answer_token(member, mock, proposal, purpose)])


def answer_token(
    member: User,
    mock: Mock,
    proposal: Proposal | None = None,
    purpose: Purpose | str | None = None,
) -> str:
    """Return the signed part of such a path. The same question makes the same token."""
    asked = Purpose(purpose) if purpose else Purpose.ANSWER if proposal else Purpose.CONFIRM
    if (proposal is not None) != (asked is Purpose.ANSWER):
        raise ValueError("an answer is to a proposal, and a promise to come is to none")
    told = [
        asked.value,
        member.public_id.hex,
        mock.public_id.hex,
        proposal.public_id.hex if proposal else "",
        int((proposal or mock).starts_at.timestamp()),
    ]
    return _signer().sign_object(told)


def read(token: str, at: datetime) -> AnswerLink:
    """Return what a token says. Raises DeadLink where it is forged, or its start has come."""
    try:
        told = _signer().unsign_object(token)
        link = _link(told)
    except (BadSignature, ValueError) as error:  # what is signed and no JSON is ours no more
        raise DeadLink from error
    if link.starts_at <= at:
        raise DeadLink
    return link


def _link(told: Sequence[str | int]) -> AnswerLink:
    purpose, member, mock, proposal, starts_at_s = told
    return AnswerLink(
        purpose=Purpose(str(purpose)),
        member_id=UUID(str(member)),
        mock_id=UUID(str(mock)),
        proposal_id=UUID(str(proposal)) if proposal else None,
        starts_at=datetime.fromtimestamp(int(starts_at_s), UTC),
    )


def _signer() -> Signer:
    return Signer(salt=SALT, sep=".")  # dots stand in addresses as they are
