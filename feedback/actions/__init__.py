"""Writes of feedback; one module a subject, one verb a function."""
