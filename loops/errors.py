"""Refused: the base of every refusal a person may read. Each refusal stands beside its action."""

from django.utils.functional import Promise


class Refused(Exception):
    """An action was not done, for a reason fit for the screen.

    The message says what happened, what was kept and what to do. `code` is stable and
    goes to the API; `status` is the HTTP status a door answers with.
    """

    code = "refused"
    status = 409
    message: str | Promise = ""

    def __init__(self, message: str | Promise = "") -> None:
        self.shown = message or self.message
        super().__init__(str(self.shown))
