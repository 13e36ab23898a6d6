"""What good looks like: levels, rubrics, prompts, loop presets. Knows no user, imports no app."""
