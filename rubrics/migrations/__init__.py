"""The history of the rubrics tables."""
