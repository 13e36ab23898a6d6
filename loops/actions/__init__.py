"""Writes of loops; one module a subject, one verb a function."""
