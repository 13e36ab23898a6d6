"""Composition root: knows all apps, no app knows it. Loads the Celery app with Django."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
