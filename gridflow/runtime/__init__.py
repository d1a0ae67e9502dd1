"""One run and its directory: schedules, callbacks, the loop, the files."""
