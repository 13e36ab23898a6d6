"""Where files are kept: hashed static files that follow module imports, and private media."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.storage import FileSystemStorage


class PrivateStorage(FileSystemStorage):
    """Files of people: readable by this user only, and without any address."""

    def __init__(self, location: str) -> None:
        super().__init__(
            location=location, file_permissions_mode=0o600, directory_permissions_mode=0o700
        )

    def url(self, name: str | None) -> str:
        """Refuse: a private file is given out by a view that asks who wants it."""
        raise ValueError("A private file has no URL.")


class HashedStaticStorage(ManifestStaticFilesStorage):
    """Static files under names that carry their hash, so that they are cached for good."""

    support_js_module_import_aggregation = True
