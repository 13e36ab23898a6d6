"""What higher apps hear of loops, inside the transaction in which it happens."""

from django.dispatch import Signal

answer_changed = Signal()
"""An attempt was handed in or taken back, or what is to be played of it came or went.

Sent with `attempt` (its row is locked by the sender) and `at`, an aware datetime.
"""
