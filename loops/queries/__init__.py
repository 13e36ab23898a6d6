"""Reads of loops that span tables; one module a subject."""
