"""Whole paths through the product, as people walk them, in a real Chromium."""
