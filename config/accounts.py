"""Who may sign up: allauth's adapter. Joining a cohort is loops' matter."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from loops.access import invitation_to_use


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Opens sign-up to those who came by an invitation link, or to all when SIGNUP is open."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say whether this visitor may sign up; the join page keeps the token in the session."""
        token = request.session.get("invitation_token", "")
        return settings.SIGNUP == "open" or invitation_to_use(token, timezone.now()) is not None
