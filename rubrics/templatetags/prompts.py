"""Prompts for templates: `parts/_prompt.html` shows one whole, a list its opening."""

from django import template

from rubrics import prompt_text

register = template.Library()


@register.filter
def prompt_blocks(text: str) -> list[prompt_text.Block]:
    """Part a prompt's text into paragraphs and pieces of code."""
    return prompt_text.blocks(text)


@register.filter
def prompt_opening(text: str) -> str:
    """Return a prompt's first paragraph on one line."""
    return prompt_text.opening(text)
