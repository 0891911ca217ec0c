"""Files in and out: arrays, session files, and what a crash leaves."""
