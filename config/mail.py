"""The mail catcher of development: messages are files in .local/mail, read on the page /mail/."""

from django.core.mail.backends.filebased import EmailBackend as FileBackend


class EmailBackend(FileBackend):
    """Writes each message as a file of its own."""
