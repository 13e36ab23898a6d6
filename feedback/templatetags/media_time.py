"""Media times for templates: `95000|media_time` is 1:35. How is in feedback/media_time.py."""

from django import template

from feedback.media_time import media_time_words

register = template.Library()


@register.filter
def media_time(ms: int | None) -> str:
    """Write a time or length in ms as m:ss; nothing where it is not known."""
    return "" if ms is None else media_time_words(ms)
