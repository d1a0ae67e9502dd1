"""A single run and its directory: schedules, callbacks, the time loop and the files."""
