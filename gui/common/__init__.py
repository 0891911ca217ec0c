"""What every part of the window uses: looks, settings, plain text, fields for numbers."""
