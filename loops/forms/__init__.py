"""Forms of loops: what people type, checked for shape. Rules that need rows are in the actions."""
