"""Reads of feedback that span tables; one module a subject."""
