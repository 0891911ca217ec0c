"""Loading and saving of arrays and sessions, and crash recovery."""
