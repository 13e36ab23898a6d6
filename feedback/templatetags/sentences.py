"""Small words for templates: `2|in_words` is two. Whole sentences: feedback/sentences.py."""

from django import template

from feedback.sentences import number_words

register = template.Library()


@register.filter
def in_words(number: int) -> str:
    """Write a small number as a word."""
    return number_words(number)
