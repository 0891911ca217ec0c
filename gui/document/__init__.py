"""The document, its undoable changes, and snapshots for views."""
