"""Filters that show the catalogue's texts."""
